"""What generated native code calls: vector functions, matrix products, convolution, pooling.

In: arrays or numbers inside a function compiled by Numba. Out: the same, in vector instructions.
`vector` has elementary functions that loops vectorise over; `tile` the register-tiled inner loop;
`gemm` and `convolution` stand on it; `pooling` is plain loops. numba is imported here and in the
native engine alone.
"""

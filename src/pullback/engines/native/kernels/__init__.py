"""What generated native code calls: vector functions, matrix products, convolution, pooling.

In: numbers, arrays or addresses inside a function compiled by Numba. Out: the same, in vector
instructions. In the order in which they stand on each other:

    lower        single instructions that Numba has no word for
    vector       exp, log, tanh, …, which loops vectorise over (vector32, vector64)
    symbols      native functions with a name, compiled once for all programs
    tile         a tile of a product in registers, the inner loop of all that follows
    pack, gemm   products of matrices by address; matmul, by array
    convolution  forward and both gradients; pooling, the same

numba is imported here and in the native engine alone.
"""

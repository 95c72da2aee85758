"""Programs as machine code: loops and kernels, their places in memory, and what runs them."""

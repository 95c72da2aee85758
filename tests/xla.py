"""XLA without its optimizing of machine code, which is half of its time and none of our work."""

from functools import partial

import jax

quick_jit = partial(
    jax.jit,
    compiler_options={
        "xla_backend_optimization_level": 0,
        "xla_llvm_disable_expensive_passes": True,
    },
)
"""`jax.jit` for a reference, or for an engine of which the operations are compared."""

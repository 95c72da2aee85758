"""All gates, by what they do. Each is declared once; importing this package registers them all."""

from pullback.gates import (
    arithmetic,
    comparison,
    convolution,
    elementary,
    indexing,
    keys,
    lanes,
    linalg,
    linear,
    loop,
    of_numpy,
    pooling,
    random,
    rearrange,
    reduction,
    shape,
)

__all__ = [
    "arithmetic",
    "comparison",
    "convolution",
    "elementary",
    "indexing",
    "keys",
    "lanes",
    "linalg",
    "linear",
    "loop",
    "of_numpy",
    "pooling",
    "random",
    "rearrange",
    "reduction",
    "shape",
]

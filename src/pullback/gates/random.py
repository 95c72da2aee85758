"""Random numbers as a gate: a function of (seed, step, stream, index), with no hidden state.

The generator is Threefry-2x32 with 20 rounds: counters in, random bits out, by 32-bit additions,
rotations and exclusive ors, so that every engine computes the same numbers, in any order.
Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.gate import built_in as gate
from pullback.core.unit import Unit

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def threefry(word: Any, key: tuple[Any, Any], counter: tuple[Any, Any]) -> tuple[Any, Any]:
    """Two words of random bits for each counter; `word` makes 32-bit words of whole numbers.

    It makes words of every sum too, because compiled code adds in wider ones.

    >>> import numpy as np
    >>> zero = np.zeros(1, np.uint32)
    >>> [hex(word[0]) for word in threefry(np.uint32, (zero, zero), (zero, zero))]
    ['0x6b200159', '0x99ba4efe']
    """
    keys = (key[0], key[1], word(key[0] ^ key[1] ^ word(_PARITY)))
    a, b = word(counter[0] + keys[0]), word(counter[1] + keys[1])
    for block in range(5):
        for turn in _ROTATIONS[block % 2]:
            a = word(a + b)
            b = word(((b << word(turn)) | (b >> word(32 - turn))) ^ a)
        a = word(a + keys[(block + 1) % 3])
        b = word(b + keys[(block + 2) % 3] + word(block + 1))
    return a, b


def _samples(rng: np.random.Generator) -> list[tuple[tuple, dict]]:
    seed, step = np.array(7), np.array(3)
    return [
        ((seed, step), {"shape": (3, 5), "stream": 1, "kind": kind, "dtype": np.dtype(dtype)})
        for kind in ("uniform", "normal")
        for dtype in ("f4", "f8")
    ]


@gate(pullback=(None, None), samples=_samples, primitive=True, indexed=True)
def _random(m, seed, step, *, shape, stream, kind, dtype):
    index = m.arange(math.prod(shape), dtype=m.uint32)
    key = (m.astype(seed, m.uint32), m.astype(step, m.uint32))
    a, b = threefry(m.uint32, key, (index, m.astype(stream, m.uint32) + index * m.uint32(0)))
    if kind == "normal":  # Box and Muller, "A note on the generation of random normal deviates"
        radius = m.sqrt(-2.0 * m.log((m.astype(a, dtype) + 1.0) * 2.0**-32))
        y = radius * m.cos((2.0 * math.pi * 2.0**-32) * m.astype(b, dtype))
    elif dtype == np.float64:  # 53 bits
        high, low = m.astype(a >> m.uint32(5), dtype), m.astype(b >> m.uint32(6), dtype)
        y = (high * 2.0**26 + low) * 2.0**-53
    else:  # 24 bits
        y = m.astype(a >> m.uint32(8), dtype) * 2.0**-24
    return m.reshape(m.astype(y, dtype), shape)


@_random.gate.public
def random(
    shape: int | tuple[int, ...] = (),
    seed: Any = 0,
    step: Any = 0,
    *,
    stream: int = 0,
    kind: str = "uniform",
    dtype: Any = "float64",
) -> Any:
    """Random numbers of a shape, "uniform" in [0, 1) or "normal"; like arguments, like numbers.

    `seed` and `step` are whole numbers from 0 to 2**32 - 1, or wires of them: give the step of
    training as a wire and every step draws anew. `stream` tells apart draws of one step.

    >>> random(2, seed=1)
    array([0.70394373, 0.05771496])
    """
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if kind not in ("uniform", "normal"):
        raise CircuitError(f"kind must be 'uniform' or 'normal', got {kind!r}")
    for what, whole in ("seed", seed), ("step", step), ("stream", stream):
        if not isinstance(whole, Unit) and (not 0 <= whole < 2**32 or whole != int(whole)):
            raise CircuitError(
                f"random needs a whole number from 0 to 2**32 - 1 as {what}, got {whole}"
            )
    return _random(seed, step, shape=shape, stream=stream, kind=kind, dtype=np.dtype(dtype))

"""In: a whole file of arrays and texts. Out: the same, damaged by chance or by someone hostile.

By chance: bytes are cut off, flipped, moved, or put in. Hostile files are in order, and what they
hold is anything: numbers out of all bounds, other shapes and dtypes, texts nested too deep.
"""

from __future__ import annotations

import json
import struct
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from pullback.core import tree
from pullback.core.errors import CircuitError
from pullback.core.tensorfile import write_tensors
from pullback.layers import Sequential
from pullback.layers.storage import read_file, write_file
from pullback.train.checkpoints import FORMAT, read_state

NUMBERS = (None, True, -1, 0, 1, 2**31, 2**63, 10**400, -0.0, 1e308, 5e-324, float("nan"))
THINGS = (
    *NUMBERS,
    float("inf"),
    "",
    "x",
    "$array",
    "a/b",
    "\x00",
    "9" * 300,
    [],
    {},
    [[]],
    {"": 0},
)
LONG = 1000
TEXTS = ("", "{", "[" * 50_000, '{"a":' * 3000 + "1" + "}" * 3000, "9" * 5000, "NaN", '"\ud800"')


# By chance -------------------------------------------------------------------------------------


def truncated(whole: bytes, rng: np.random.Generator) -> bytes:
    return whole[: rng.integers(len(whole))]


def flipped(whole: bytes, rng: np.random.Generator) -> bytes:
    data = bytearray(whole)
    for _ in range(rng.integers(1, 9)):
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    return bytes(data)


def spliced(whole: bytes, rng: np.random.Generator) -> bytes:
    a, b, to = (int(x) for x in rng.integers(len(whole), size=3))
    a, b = sorted((a, b))
    return whole[:to] + whole[a:b] + whole[to + int(rng.integers(0, b - a + 1)) :]


def of_other_length(whole: bytes, rng: np.random.Generator) -> bytes:
    lengths = (0, 1, 7, 8, len(whole), 100_000_000, 2**31, 2**63 - 1, 2**64 - 1)
    length = int(rng.choice(np.array(lengths, np.uint64)))
    return struct.pack("<Q", length) + whole[8:]


def of_other_head(whole: bytes, rng: np.random.Generator) -> bytes:
    """The head says other dtypes, shapes, places and texts of the arrays."""
    (length,) = struct.unpack("<Q", whole[:8])
    head = json.loads(whole[8 : 8 + length])
    head = changed(head, rng)
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + whole[8 + length :]


BY_CHANCE = (truncated, flipped, spliced, of_other_length, of_other_head)


# By someone hostile ----------------------------------------------------------------------------


def changed(thing: Any, rng: np.random.Generator) -> Any:
    """The same tree with one thing in it changed, left out, put in, or put elsewhere."""
    places = list(_places(thing))
    if not places:
        return _other(thing, rng)
    holder, key = places[rng.integers(len(places))]
    choice = rng.integers(6)
    if choice == 0:
        del holder[key]
    elif choice == 1 and isinstance(holder, dict):
        holder[f"{key}x"] = holder.pop(key)
    elif choice == 2 and isinstance(holder, list):
        holder.insert(int(key), holder[key])
    elif choice == 3:
        other, at = places[rng.integers(len(places))]
        if at in other if isinstance(other, dict) else int(at) < len(other):
            holder[key] = deepcopy(other[at])  # which may hold what it is put into
    else:
        holder[key] = _other(holder[key], rng)
    return thing


def _places(thing: Any):
    pending = [thing]
    while pending:
        holder = pending.pop()
        keys = holder if isinstance(holder, dict) else range(len(holder))
        for key in list(keys):
            yield holder, key
            if isinstance(holder[key], dict | list):
                pending.append(holder[key])


def _other(old: Any, rng: np.random.Generator) -> Any:
    if isinstance(old, np.ndarray):
        makers = (
            lambda: old.astype(rng.choice(["f4", "f8", "i8", "i1", "u8", "?"])),
            lambda: np.full_like(old, np.nan if old.dtype.kind == "f" else 1),
            lambda: np.zeros((*old.shape, 0)),
            lambda: np.zeros(old.shape[1:], old.dtype),
            lambda: np.resize(old, (3, *old.shape)),
            lambda: np.asarray(old * -1e30) if old.dtype.kind == "f" else old,
        )
        with np.errstate(all="ignore"):
            return makers[rng.integers(len(makers))]()
    if isinstance(old, int | float) and not isinstance(old, bool) and rng.random() < 0.5:
        return old + int(rng.integers(-3, 4))
    return deepcopy(THINGS[rng.integers(len(THINGS))])


def hostile_checkpoint(file: Path, to: Path, rng: np.random.Generator) -> None:
    """A checkpoint whose hash is right, of a state that no run has."""
    text, arrays = tree.written(read_state(file).to_tree())
    state: Any = tree.read(text, arrays)
    if rng.random() < 0.1:
        text = TEXTS[rng.integers(len(TEXTS))]
    else:
        for _ in range(rng.integers(1, 4)):
            state = changed(state, rng)
        text, arrays = tree.written(state)
    entry = TEXTS[rng.integers(len(TEXTS))] if rng.random() < 0.1 else _ENTRY
    write_tensors(to, FORMAT, {"state": text, "entry": entry}, arrays, hashed=True)


_ENTRY = '{"epoch": 1, "batches": 0, "measured": "loss", "value": 0.5, "run": "x"}'


def hostile_model(file: Path, to: Path, rng: np.random.Generator) -> None:
    """A model file in order, of a description that no layer gives."""
    config, tensors = read_file(file)
    both: Any = {"config": config, "tensors": dict(tensors)}
    for _ in range(rng.integers(1, 4)):
        both = changed(both, rng)
    write_file(to, both["config"], both["tensors"])


def case(whole: Path, hostile: Any, to: Path, number: int) -> None:
    """Write the damaged file of this number, which is the same each time."""
    rng = np.random.default_rng([7, number])
    if number % 2:
        damage = BY_CHANCE[rng.integers(len(BY_CHANCE))]
        to.write_bytes(damage(whole.read_bytes(), rng))
        return
    while True:
        try:
            hostile(whole, to, rng)
        except Exception:  # what the writer itself refuses is no file
            continue
        return


# What must be typed errors ---------------------------------------------------------------------


def load(path: Path) -> bool:
    """Whether a model loads, or else is refused; anything but that is raised."""
    try:
        Sequential.load(path)
    except CircuitError as error:
        return refused(error)
    return True


def refused(error: CircuitError) -> bool:
    """False, which says that a file was refused; raises where the words would fill a terminal."""
    if len(str(error)) > LONG:
        raise RuntimeError(f"a message of {len(str(error))} characters")
    return False

"""In: a folder of checkpoints. Out: what is in it: the newest that is whole, and the best.

A checkpoint is one file of `core.tensorfile`, with all that training goes on with. The folder's
`index.json` tells people and tools what the files are; the files alone are believed.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, final

from pullback.core.aside import replacing
from pullback.core.errors import CircuitError
from pullback.core.plain import from_plain
from pullback.core.tensorfile import Format, read_tensors, read_texts, write_tensors
from pullback.core.tree import read, written
from pullback.layers.layer import Layer
from pullback.train.state import State
from pullback.train.stopping import is_larger_better

FORMAT = Format("checkpoint", 1)
INDEX = "index.json"
_NAME = re.compile(r"checkpoint-(\d{8})\.safetensors", re.ASCII)
_ASIDE = re.compile(r"\.(checkpoint-\d{8}\.safetensors|index\.json)\..*", re.ASCII)


@dataclass(frozen=True)
class Entry:
    """What a checkpoint is of: how many epochs are done, and batches of the next.

    `value` is what was measured of which the best is kept, after an epoch; `run` is a number that
    all calls of `fit` of one Trainer share.
    """

    epoch: int
    batches: int
    measured: str
    value: float | None
    run: str


@final
@dataclass(frozen=True)
class Checkpoints:
    """Where training writes down all that it goes on with, how often, and what is kept of it.

    A checkpoint is written after every so many `epochs`, and after the last; within an epoch every
    `seconds`, and every so many `steps` if told. The newest `keep` stay, and the one after the
    epoch that was best by the measurement `best`: the smallest, or the largest of one that
    `early_stopping` takes to be so; by default of "validation_loss", or of "loss" where nothing
    validates. `about` is what else shall be the same when the run is resumed, by name.

    A checkpoint that cannot be written is warned of, and tried again when the next is due; training
    goes on, and the ones before it stay. One process at a time trains with a folder.

    Raises `CircuitError` where a number is not what it should be.

    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from pullback.layers import Dense
    >>> from pullback.losses import SquaredError
    >>> from pullback.optim import SGD
    >>> from pullback.train import Trainer
    >>> with TemporaryDirectory() as folder:
    ...     parts = Dense(1), SquaredError(), SGD(0.1)
    ...     trainer = Trainer(*parts, engine="eager", checkpoint=Checkpoints(folder, keep=2))
    ...     history = trainer.fit(np.ones((4, 1)), np.ones(4), epochs=3)
    ...     [path.name for path in Checkpoints(folder).files]
    ['checkpoint-00000002.safetensors', 'checkpoint-00000003.safetensors']
    """

    folder: str | os.PathLike[str]
    epochs: int = 1
    steps: int | None = None
    seconds: float | None = 300.0
    keep: int = 3
    best: str | None = None
    about: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("epochs", "steps", "keep"):
            number = getattr(self, name)
            if not isinstance(number, Integral) or isinstance(number, bool) or number < 1:
                if name == "steps" and number is None:
                    continue
                raise CircuitError(
                    f"{name} of checkpoints is a whole number of at least 1, got {number!r}"
                )
        seconds = self.seconds
        if seconds is not None and not (isinstance(seconds, Real) and seconds > 0.0):
            raise CircuitError(f"seconds between checkpoints are above 0, or None, got {seconds!r}")
        if not os.fspath(self.folder):
            raise CircuitError("checkpoints need the name of a folder, got ''")

    @classmethod
    def told(cls, how: Checkpoints | str | os.PathLike[str]) -> Checkpoints:
        """A folder alone with all else as is usual. Raises `CircuitError` for anything else."""
        if isinstance(how, Checkpoints):
            return how
        if not isinstance(how, str | os.PathLike):
            raise CircuitError(f"checkpoint is a folder or Checkpoints of one, got {how!r:.80}")
        return cls(how)

    @cached_property
    def path(self) -> Path:
        """The folder."""
        return Path(self.folder)

    @property
    def files(self) -> list[Path]:
        """The files of all checkpoints, the newest last, be they whole or not."""
        try:
            names = [name for name in os.listdir(self.folder) if _NAME.fullmatch(name)]
        except OSError:
            return []
        return [self.path / name for name in sorted(names)]

    def newest(self) -> tuple[Path, State] | None:
        """The newest checkpoint that is whole, and what it holds; None where there is none.

        Newer ones that are damaged are warned of.

        Raises `CircuitError` where all are damaged.
        """
        said: list[str] = []
        for file in reversed(self.files):
            try:
                found = read_state(file)
            except CircuitError as error:
                said.append(str(error))
                continue
            for why in said:
                warnings.warn(f"{why}; training goes on from {file.name} instead", stacklevel=5)
            return file, found
        if said:
            raise CircuitError(f"no checkpoint in {self.folder} is whole: {said[0]}")
        return None

    def entries(self) -> dict[Path, Entry]:
        """What each checkpoint that can be read is of, the newest last: the index, made anew."""
        found = {}
        for file in self.files:
            try:
                found[file] = read_entry(file)
            except CircuitError:
                continue
        return found

    def best_file(self) -> Path:
        """The checkpoint of the best epoch. Raises `CircuitError` where there is none."""
        file = best_of(self.entries())
        if file is None:
            raise CircuitError(f"there is no checkpoint of an epoch in {self.folder}")
        return file

    def model(self, which: Literal["best", "newest"] = "best") -> Layer:
        """The model of the best epoch, or the newest, without the rest of the run.

        Raises `CircuitError` where there is none, or it cannot be made from a file.
        """
        if which not in ("best", "newest"):
            raise CircuitError(f"a checkpoint is the best or the newest, got {which!r:.60}")
        if which == "best":
            file = self.best_file()
            return read_state(file).layer(file)
        found = self.newest()
        if found is None:
            raise CircuitError(f"there is no checkpoint in {self.folder}")
        return found[1].layer(found[0])


def best_of(entries: Mapping[Path, Entry]) -> Path | None:
    """The file with the best value, the earliest of such; of the measurement that is newest."""
    if not entries:
        return None
    measured = list(entries.values())[-1].measured
    sign = -1.0 if is_larger_better(measured) else 1.0
    values = {
        file: sign * entry.value
        for file, entry in entries.items()
        if entry.value is not None and entry.measured == measured
    }
    return min(values, key=lambda file: values[file], default=None)


# Files -------------------------------------------------------------------------------------------


def write_state(file: Path, state: State, entry: Entry) -> None:
    """Write a checkpoint. Raises `CircuitError` where it cannot be; what was there stays then."""
    text, arrays = written(state.to_tree())
    texts = {"state": text, "entry": json.dumps(asdict(entry))}
    write_tensors(file, FORMAT, texts, arrays, hashed=True)


def read_state(file: Path) -> State:
    """What a checkpoint holds. Raises `CircuitError` where it is damaged or of another format."""
    texts, arrays = read_tensors(file, FORMAT, hashed=True)
    try:
        return State.from_tree(read(texts.get("state", ""), arrays))
    except (CircuitError, RecursionError) as error:
        raise CircuitError(f"{file} is damaged: {error!s:.300}") from None


def read_entry(file: Path) -> Entry:
    """What a checkpoint is of, read from its head alone. Raises `CircuitError` as `read_state`."""
    text = read_texts(file, FORMAT).get("entry", "")
    try:
        return from_plain(Entry, read(text, {}))
    except CircuitError as error:
        raise CircuitError(f"{file} is damaged: {error!s:.300}") from None


def write_index(folder: Path, entries: Mapping[Path, Entry]) -> None:
    """Tell people and tools what the files are. Raises `CircuitError` where it cannot."""
    best = best_of(entries)
    index: dict[str, Any] = {
        "newest": max((file.name for file in entries), default=None),
        "best": None if best is None else best.name,
        "checkpoints": {file.name: asdict(entry) for file, entry in entries.items()},
    }
    with replacing(folder / INDEX) as out:
        out.write((json.dumps(index, indent=2) + "\n").encode())


def number_of(file: Path) -> int:
    """The number in the name of a checkpoint, which count up."""
    match = _NAME.fullmatch(file.name)
    return int(match[1]) if match else 0


def left_over(folder: Path) -> list[Path]:
    """What a process left that was killed while it wrote."""
    return [folder / name for name in os.listdir(folder) if _ASIDE.fullmatch(name)]

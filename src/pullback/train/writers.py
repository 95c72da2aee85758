"""In: the epochs of a training. Out: lines of JSON, or event files for TensorBoard, as it goes on.

Both are callbacks of `Trainer.fit`. What stands there already stays: a run that goes on is added.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.train.callbacks import Callback, Event
from pullback.train.monitors import BINS, REACH, LayerRow


def json_lines(path: str | os.PathLike[str]) -> Callback:
    """A callback that adds lines of JSON to a file: one for each epoch, and at both ends.

    {"event": "begin", "epoch": 0}, then {"event": "epoch", "epoch": 1, "loss": 0.7, ..., "layers":
    {"dense1": {"mean": 0.1, ...}}}, and {"event": "end", "epoch": 9, "ended": "completed"}. What is
    no finite number is null. A run that goes on is added to what is there.

    In training it raises `CircuitError` where the file cannot be written.

    >>> import tempfile
    >>> from pullback.train import Event, History
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = json_lines(Path(folder, "run.jsonl"))
    ...     log(Event("begin", None, 0, {}, History()))
    ...     print(Path(folder, "run.jsonl").read_text(), end="")
    {"event": "begin", "epoch": 0}
    """
    path = Path(path)

    def write(event: Event) -> None:
        line: dict[str, Any] = {"event": event.kind, "epoch": event.epoch}
        if event.kind == "epoch":
            line |= {name: _finite(x) for name, x in event.measured.items()}
            layers = {row.layer: _of_layer(row) for row in _rows(event)}
            line |= {"layers": layers} if layers else {}
        elif event.kind == "end":
            line["ended"] = event.history.ended
        try:
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps(line, allow_nan=False) + "\n")
        except OSError as error:
            raise CircuitError(f"cannot write {path}: {error.strerror or error}") from None

    return write


def tensorboard(folder: str | os.PathLike[str]) -> Callback:
    """A callback that writes what was measured as event files of TensorBoard (extra `tensorboard`).

    Scalars by epoch: "loss/training" and "loss/validation", and so of what else is measured, and
    "layers/dense1/std"; histograms, where a `Monitor` makes them. `tensorboard --logdir FOLDER`
    shows them.

    Raises `CircuitError` where tensorboardX is missing or the folder is a file; in training, where
    it cannot write.

    >>> write = tensorboard("runs/a")  # for Trainer.fit(..., callbacks=write)
    """
    refuse_board(folder)
    from tensorboardX import SummaryWriter

    writers: list[Any] = []

    def write(event: Event) -> None:
        if event.kind == "begin":
            try:
                writers.append(SummaryWriter(os.fspath(folder)))
            except OSError as error:
                reason = error.strerror or error
                raise CircuitError(f"cannot write into {folder}: {reason}") from None
        elif event.kind == "epoch":
            for name, x in event.measured.items():
                if name != "epoch":
                    writers[-1].add_scalar(_tag(name), x, event.epoch)
            for row in _rows(event):
                for name, x in row.measures.items():
                    writers[-1].add_scalar(f"layers/{row.layer}/{name}", x, event.epoch)
                for name, counts in row.histograms.items():
                    _add_histogram(writers[-1], f"{name}/{row.layer}", counts, event.epoch)
            writers[-1].flush()
        elif writers:
            writers.pop().close()

    return write


def refuse_board(folder: str | os.PathLike[str], option: str = "tensorboard") -> None:
    """Raise `CircuitError` where `tensorboard` could not write into a folder that `option` names.

    It is asked before training too: nothing is made of the folder yet.
    """
    if find_spec("tensorboardX") is None:
        raise CircuitError(
            'to write for TensorBoard, install tensorboardX: pip install "pullback[tensorboard]"'
        )
    if not os.fspath(folder).strip():
        raise CircuitError(f"{option} needs the name of a folder")
    for path in (Path(folder), *Path(folder).parents):
        if path.is_file():
            inside = "" if path == Path(folder) else f": {folder} cannot be in it"
            raise CircuitError(f"{option} needs a folder, and {path} is a file{inside}")


def _rows(event: Event) -> Iterator[LayerRow]:
    """What a monitor saw in the epoch of an event."""
    return (row for row in event.history.of_layers if row.epoch == event.epoch)


def _of_layer(row: LayerRow) -> dict[str, Any]:
    histograms = {name: counts.tolist() for name, counts in row.histograms.items()}
    return {name: _finite(x) for name, x in row.measures.items()} | histograms


def _finite(x: float) -> float | None:
    return x if math.isfinite(x) else None


def _tag(name: str) -> str:
    """TensorBoard draws what begins alike side by side."""
    if name == "seconds":
        return name
    what = name.removeprefix("validation_")
    return f"{what}/{'training' if what == name else 'validation'}"


def _add_histogram(writer: Any, tag: str, counts: np.ndarray, epoch: int) -> None:
    """A histogram of which the bins are known; a bin's elements are taken to lie in its middle."""
    limits = np.linspace(-REACH, REACH, BINS + 1)
    middles = (limits[1:] + limits[:-1]) / 2.0
    writer.add_histogram_raw(
        tag,
        min=-REACH,
        max=REACH,
        num=float(counts.sum()),
        sum=float(counts @ middles),
        sum_squares=float(counts @ middles**2),
        bucket_limits=limits[1:].tolist(),
        bucket_counts=counts.tolist(),
        global_step=epoch,
    )

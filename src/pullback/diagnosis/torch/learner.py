"""In: a module of PyTorch, its criterion and its optimizer. Out: it trained, by the usual loop.

zero_grad, forward, backward, step: what this loop does is what the doctor takes for granted of that
of the user, which it cannot see.
"""

from __future__ import annotations

import math
import random
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.diagnosis.torch.hooks import array_of, first_broken, first_tensor
from pullback.diagnosis.torch.library import torch
from pullback.train.data import Rows, named, several
from pullback.train.history import History

if TYPE_CHECKING:
    from pullback.diagnosis.torch.parts import TorchParts

_AT_ONCE = 1024  # rows that are judged together
_SMALL = 200_000  # parameters, below which more threads than one do not pay


@dataclass
class Epoch:
    """The end of an epoch, as callbacks hear of it: what an `Event` of a Trainer is here."""

    trainer: TorchTrainer
    history: History
    ended: str | None = None
    kind: str = "epoch"

    def stop(self, reason: str) -> None:
        """End the training after this epoch; `reason` becomes `history.ended`."""
        self.ended = reason


@dataclass(frozen=True)
class Broken:
    """Where a number first was none: the layer or "", what happened, and the inputs then."""

    where: str
    what: str


class TorchTrainer:
    """A module and its optimizer, and the loop that trains it: what a `Trainer` is here.

    `model` and `made`, the optimizer of PyTorch that moves it, are copies and nobody else's;
    `optimizer` is that of the parts, so that a cure made of it fits the patient's own module.
    """

    def __init__(self, parts: TorchParts) -> None:
        self.parts = parts
        self.model, self.made = parts.optimizer.copied(parts.model)
        self.optimizer = parts.optimizer
        self.groups = self.made.param_groups
        self.moved = [p for group in self.groups for p in group["params"]]
        self.shares = [group["lr"] / parts.optimizer.learning_rate for group in self.groups]
        self.device = device_of(self.model)
        self.broken: Broken | None = None

    # Training --------------------------------------------------------------------------------

    def fit(
        self,
        inputs: Any,
        labels: Any = None,
        *,
        epochs: int = 10,
        batch_size: int = 32,
        validation: tuple[Any, ...] | None = None,
        callbacks: Sequence[Any] = (),
        progress: bool | None = None,
    ) -> History:
        """Train for `epochs`, on arrays in random order or a function of batches in their own."""
        history = History()
        with seeded(self.parts.seed, self.model):
            for epoch in range(1, epochs + 1):
                start = time.perf_counter()
                row: dict[str, float] = {"epoch": epoch}
                row |= self._epoch(self._batches(inputs, labels, batch_size, epoch))
                if validation is not None:
                    values = self.judge(_rows(*validation))
                    row |= {f"validation_{name}": x for name, x in values.items()}
                row["seconds"] = time.perf_counter() - start
                history.rows.append(row)
                if (what := self._lost(row)) is not None:
                    history.ended, history.diverged = f"{what} in epoch {epoch}", True
                    break
                event = Epoch(self, history)
                for callback in callbacks:
                    callback(event)
                if event.ended is not None:
                    history.ended = event.ended
                    break
        return history

    def _batches(self, inputs: Any, labels: Any, size: int, epoch: int) -> Iterator[Any]:
        """Tensors of inputs and labels, batch by batch."""
        if callable(inputs):
            batches: Any = inputs()
            for batch in batches:
                yield tensors(_rows(*batch), self.device)
            return
        rows = _rows(inputs, labels)
        xs, y = tensors(rows, self.device)
        order = torch.from_numpy(rows.order(self.parts.seed, epoch)).to(self.device)
        for start in range(0, len(rows), size):
            which = order[start : start + size]
            if len(which) > 1 or not start:  # a single row has no spread to normalize by
                yield [x[which] for x in xs], y[which]

    def _epoch(self, batches: Iterator[Any]) -> dict[str, float]:
        losses, sizes, scores, labels = [], [], [], []
        for xs, y in batches:
            output = self.model(*xs)
            loss = self.parts.criterion(output, y)
            size = len(y)
            losses.append(float(loss.detach()) / (size if self.parts.criterion.summed else 1))
            sizes.append(size)
            scores.append(self._scores(output))
            labels.append(y.cpu().numpy())
            if not self.step(loss):
                self.broken = self._blame(xs, y)
                losses[-1] = losses[-1] if math.isinf(losses[-1]) else math.nan
                break
        values = {"loss": float(np.average(losses, weights=sizes))}
        metrics = self.parts.criterion.metrics(np.concatenate(scores), np.concatenate(labels))
        return values | metrics

    def go_at(self, rate: float) -> None:
        """Go on at another learning rate, all groups in their proportions."""
        for group, share in zip(self.groups, self.shares, strict=True):
            group["lr"] = share * rate

    def step(self, loss: Any) -> bool:
        """Go a step down from this loss; False where there is none, since it is no number."""
        self.made.zero_grad()
        if loss.requires_grad:  # else nothing that it depends on can be moved
            loss.backward()
        slopes = [p.grad for p in self.moved if p.grad is not None]
        if not bool(torch.isfinite(loss)):
            return False
        if slopes:
            length = torch.nn.utils.get_total_norm(slopes)
            if not bool(torch.isfinite(length)):
                return False
            if self.parts.clip is not None:
                torch.nn.utils.clip_grads_with_norm_(self.moved, self.parts.clip, length)
        self.made.step()
        return True

    def _blame(self, xs: Sequence[Any], y: Any) -> Broken:
        """Where a step that led nowhere broke: in a layer, in the loss, or on the way back."""
        where = first_broken(self.model, xs)
        if where is not None:
            return Broken(where, f"what {where} makes became infinite or nan")
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                with torch.autograd.detect_anomaly(check_nan=True):
                    self.parts.criterion(self.model(*xs), y).backward()
            except RuntimeError as error:
                what = f"on the way back, PyTorch says: {str(error).splitlines()[0]}"
                return Broken("", what + _place("".join(str(x.message) for x in told)))
        return Broken("", "the loss became infinite or nan, of outputs that are numbers")

    def _lost(self, row: dict[str, float]) -> str | None:
        if self.broken is not None:
            return self.broken.what
        for name in ("loss", "validation_loss"):
            if not math.isfinite(row.get(name, 0.0)):
                return f"the {name.replace('_', ' ')} became {row[name]}"
        for name, p in self.model.named_parameters():
            if not bool(torch.isfinite(p).all()):
                return f"{name!r} became infinite or nan"
        return None

    # Measuring -------------------------------------------------------------------------------

    def judge(self, rows: Rows) -> dict[str, float]:
        """The mean loss of rows and the metrics, of the module as it answers."""
        total, outputs = 0.0, []
        with torch.no_grad(), answering(self.model):
            for start in range(0, len(rows), _AT_ONCE):
                some = rows.take(slice(start, start + _AT_ONCE))
                xs, y = tensors(some, self.device)
                output = self.model(*xs)
                loss = float(self.parts.criterion(output, y))
                total += loss if self.parts.criterion.summed else loss * len(some)
                outputs.append(self._scores(output))
        labels = rows.columns["labels"]
        metrics = self.parts.criterion.metrics(np.concatenate(outputs), labels)
        return {"loss": total / len(rows), **metrics}

    def predict(self, inputs: Any) -> np.ndarray:
        """The scores for inputs of (rows, ...), of the module as it answers."""
        with torch.no_grad(), answering(self.model):
            xs = [torch.from_numpy(np.ascontiguousarray(x)) for x in several(inputs)]
            return self._scores(self.model(*(x.to(self.device) for x in xs)))

    def _scores(self, output: Any) -> np.ndarray:
        """What a module answers, or the first of what it does, as the criterion's loss reads it."""
        return self.parts.criterion.read(array_of(first_tensor(output)))


def tensors(rows: Rows, device: Any) -> tuple[list[Any], Any]:
    """Rows as tensors of inputs, and of labels."""
    columns = {
        name: torch.from_numpy(np.ascontiguousarray(x)).to(device)
        for name, x in rows.columns.items()
    }
    labels = columns.pop("labels")
    return list(columns.values()), labels


def device_of(model: Any) -> Any:
    """Where the tensors of a module are."""
    first = next(iter(model.parameters()), None)
    first = next(iter(model.buffers()), None) if first is None else first
    return torch.device("cpu") if first is None else first.device


@contextmanager
def answering(model: Any) -> Iterator[None]:
    """The module in the mode of answers, and afterwards each part of it as it was."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def seeded(seed: int, model: Any) -> Iterator[None]:
    """All random numbers from this seed on, and afterwards those of before.

    Those of NumPy and of Python are among them, which data and modules may draw as well.

    A small module runs in one thread: several would wait for each other for longer than they
    compute, and sixty times as long where other programs keep the processor busy.
    """
    threads = torch.get_num_threads()
    small = sum(p.numel() for p in model.parameters()) < _SMALL
    plain, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(of_chance(model)):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        if small:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            random.setstate(plain)
            np.random.set_state(numpys)  # noqa: NPY002


def _place(trace: str) -> str:
    """The line of the user's code that PyTorch traced a broken gradient to, where it is there.

    >>> trace = ['  File "net.py", line 7, in forward', "    return h * 0"]
    >>> _place(chr(10).join(trace))
    ' (net.py, line 7: return h * 0)'
    """
    lines = trace.splitlines()
    places = [
        k for k, x in enumerate(lines[:-1]) if x.startswith("  File ") and "site-packages" not in x
    ]
    if not places:
        return ""
    file, line, *_ = lines[places[-1]].strip()[5:].split(", ")
    return f" ({Path(file.strip(chr(34))).name}, {line}: {lines[places[-1] + 1].strip()})"


def of_chance(model: Any) -> list[Any]:
    """The devices, but for the processor, whose random numbers a module draws."""
    device = device_of(model)
    return [device] if device.type == "cuda" else []


def _rows(inputs: Any, labels: Any) -> Rows:
    return Rows({**named("inputs", several(inputs)), "labels": labels})

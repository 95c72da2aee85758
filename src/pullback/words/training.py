"""In: a corpus as numbers, and settings. Out: trained tables, and what each pass measured.

A piece of the corpus becomes windows, and these a call of the engine, which runs all their batches
without coming back. With more than one thread, the next piece is made ready meanwhile; what is
drawn for a piece depends on its place alone, so that the bits are the same for any number.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from pullback.core.errors import CircuitError
from pullback.engines.engine import Engine
from pullback.train.history import History
from pullback.train.interrupt import Interruptible
from pullback.words.pairs import WindowMaker, Windows
from pullback.words.settings import Settings
from pullback.words.step import Step
from pullback.words.vocabulary import Encoded, Vocabulary

_WINDOWS = 128  # of a batch
_GROUP = 8  # windows that share their noise
_TOGETHER = 1.5  # pairs of a batch that are of one word, times the rate, at most
_LARGEST, _SMALLEST = 50_000, 1_000  # words that are made into windows at once, and
_PIECES = 50  # of all passes, between these: with each, the rate falls
_PLACES = 1 << 21  # to each side of the words that are made into windows at once
_LAST = 1 / 250  # of the rate, at the end


@dataclass(frozen=True)
class Piece:
    """Windows of a piece of the corpus: of which pass, and how many of its words are behind it."""

    epoch: int
    done: int
    windows: Windows


def pieces(corpus: Encoded, maker: WindowMaker, settings: Settings) -> Iterator[Piece]:
    """All windows of all passes, in the order of the text; a pass ends with a piece of its own."""
    size = len(corpus.numbers) * settings.epochs // _PIECES
    size = max(_SMALLEST, min(_LARGEST, size, _PLACES // maker.width))
    for epoch in range(1, settings.epochs + 1):
        done = 0
        for number, rows in enumerate(corpus.sentences(size)):
            rng = np.random.default_rng([settings.seed, epoch, number])
            done += int(np.count_nonzero(rows >= 0))
            yield Piece(epoch, done, maker(rows, rng))


def ahead(made: Iterator[Piece]) -> Iterator[Piece]:
    """The same, each made by another thread while the one before is in use."""
    with ThreadPoolExecutor(1, "pullback-windows") as thread:
        coming = thread.submit(next, made, None)
        while (piece := coming.result()) is not None:
            coming = thread.submit(next, made, None)
            yield piece


def batch_shape(
    vocabulary: Vocabulary, keep: np.ndarray, settings: Settings, room: int
) -> tuple[int, int]:
    """How many groups of windows, which share their noise, make a batch; and of how many.

    A window has `room` for so many words to each side.

    A word that stands in many pairs of a batch is moved by all of them at once, and too far where
    these times the rate are many. So a batch is small where the vocabulary is, and in a tree, whose
    root stands in every pair.
    """
    pairs = min(settings.window + 1, 2 * room)  # of a window, about
    if settings.architecture == "cbow":
        pairs = 1
    if settings.loss == "negative sampling":
        kept = vocabulary.counts * keep
        share = max(kept.max() / kept.sum(), vocabulary.noise().max() * settings.negatives)
    else:
        share = 1.0
    windows = max(1, int(_TOGETHER / (settings.learning_rate * pairs * float(share))))
    group = min(_GROUP, windows)
    return min(_WINDOWS, windows) // group, group


def train(
    step: Step,
    engine: Engine,
    made: Iterator[Piece],
    corpus: Encoded,
    settings: Settings,
    progress: bool | None,
) -> History:
    """Run all pieces, each batch a step, and say what each pass measured.

    The first Ctrl-C ends it after the step that runs.

    Raises `KeyboardInterrupt` where none ran until then, and `CircuitError` where there was none
    to run, since subsampling left no two words beside each other.
    """
    from pullback.train.progress import TrainingProgress  # rich takes a while to import

    history = History()
    rows, total = math.prod(step.shape), corpus.known * settings.epochs
    with (
        Interruptible() as interrupt,
        TrainingProgress(settings.epochs, progress, what="words") as shown,
    ):
        for epoch, some in itertools.groupby(made, lambda piece: piece.epoch):
            mean, left = _Mean(), None
            start, done = time.perf_counter(), 0
            for piece in _with_last(some):
                passed = ((epoch - 1) * corpus.known + done) / total
                step.rate.value = settings.learning_rate * (1.0 - (1.0 - _LAST) * passed)
                if piece is not None:
                    windows = piece.windows if left is None else left.then(piece.windows)
                    whole = len(windows) // rows * rows
                    left, done = windows[whole:], piece.done
                    windows = windows[:whole]
                elif left is not None and len(left):
                    windows = left.padded(rows)
                else:
                    continue
                mean.add(_run(engine, windows, step.shape[1], lambda: interrupt.requested))
                if interrupt.requested:
                    break
                shown.within(done, corpus.known, {"loss": mean.value})
            seconds = time.perf_counter() - start
            row = {"epoch": epoch, "loss": mean.value, "pairs": mean.pairs, "seconds": seconds}
            if interrupt.requested:
                if not history.rows and not mean.pairs:
                    raise KeyboardInterrupt
                history.ended = f"interrupted in epoch {epoch}"
                break
            history.rows.append({**row, "words_per_second": corpus.known / seconds})
            shown.epoch({"loss": mean.value})
    if history.rows and not any(history["pairs"]):
        raise CircuitError(
            f"no pairs of words were left to learn from: sample={settings.sample:g} dropped them "
            "as frequent ones; sample=0 keeps all"
        )
    return history


def _run(
    engine: Engine, windows: Windows, group: int, stop: Callable[[], bool]
) -> Mapping[str, np.ndarray]:
    """All batches of windows, and what each measured."""
    count = len(windows) // group
    data = {
        name: getattr(windows, name).reshape(count, *unit.shape[1:])
        for name, unit in engine.program.inputs.items()
    }
    return engine.epoch(data, np.arange(count), stop).numbers


def _with_last(some: Iterator[Piece]) -> Iterator[Piece | None]:
    """None behind the last one."""
    yield from some
    yield None


class _Mean:
    """The loss of a pass so far: a mean over pairs, added up in double precision."""

    def __init__(self) -> None:
        self.loss = self.pairs = 0.0

    def add(self, numbers: Mapping[str, np.ndarray]) -> None:
        self.loss += float(numbers["loss"].sum())
        self.pairs += float(numbers["pairs"].sum())

    @property
    def value(self) -> float:
        return self.loss / self.pairs if self.pairs else float("nan")

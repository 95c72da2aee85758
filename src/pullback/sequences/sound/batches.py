"""In: sequences of different lengths. Out: padded batches of sequences of like lengths.

Rows of like lengths go together, so that little is padded: the recordings, by their lengths, are
cut into groups, all of one padded length, so that a network is compiled for a few shapes alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Integral

import numpy as np

from pullback.circuit import compile
from pullback.core.errors import CircuitError
from pullback.files.progress import working
from pullback.layers import MFCC, LogMel, Standardize
from pullback.losses import ctc_labels
from pullback.sequences.padding import padded
from pullback.sequences.sound.recordings import Recordings
from pullback.train.settings import refuse_counts

_MOST_CUTS = 512  # places between batches at which a group may end

Batch = tuple[tuple[np.ndarray, np.ndarray], np.ndarray]  # (x, lengths), labels


def features_of(
    recordings: Recordings,
    layer: LogMel | MFCC,
    *,
    engine: str = "native",
    progress: bool | None = None,
) -> list[np.ndarray]:
    """What a layer makes of each recording by itself: float32 (frames, features).

    `engine` runs it as in `compile`: sounds are padded to the next power of two, which changes no
    frame of theirs, so that it is recorded for a few lengths alone.

    Raises `CircuitError` where the layer is for another rate, or a recording too short for it.

    >>> data = Recordings("one", [np.ones(800)], 8000, [0], ("a",))
    >>> [x.shape for x in features_of(data, LogMel(8000), engine="eager")]
    [(11, 40)]
    """
    if not isinstance(layer, LogMel | MFCC):
        raise CircuitError(f"features are made by a LogMel or an MFCC, got {layer!r}")
    if layer.config["rate"] != recordings.rate:
        raise CircuitError(
            f"{layer!r} is for another rate than that of {recordings.name}, "
            f"{recordings.rate:,} Hz; make a {type(layer).__name__}({recordings.rate})"
        )
    frames = layer.frames(recordings.lengths)
    if len(frames) and frames.min() < 1:
        row = int(frames.argmin())
        raise CircuitError(
            f"row {row} of {recordings.name} has {len(recordings.sounds[row])} samples, less than "
            f"a window of {layer!r}; leave it out, or centre the windows"
        )
    run = compile(lambda x: layer(x), engine=engine)
    found = []
    with working("making features", len(recordings), progress) as line:
        for sound, count in zip(recordings.sounds, frames, strict=True):
            whole, _ = padded([sound], steps=1 << (len(sound) - 1).bit_length())
            found.append(np.asarray(run(whole))[0, :count].copy())
            line.advance(1)
    return found


class RecordingBatches:
    """Recordings in padded batches, as a function that `Trainer.fit` calls once an epoch.

    Each batch is ((x, lengths), labels): x (rows, steps, features), what the layer `features` makes
    of each recording, made once, now; without it the sounds themselves, (rows, samples). lengths
    (rows,) are the steps of each, and zeros are behind them. labels are the recordings'; where each
    has several, one after another, they are as `ctc_labels` makes them, so that `CTC` knows the
    lengths. Rows of like lengths are together, in at most `groups` shapes, and one more for a batch
    that is not full. Rows are drawn anew within their group for each epoch, and so is the order of
    the batches, from `seed`; `epoch` is how many have begun, and may be set: to go on with a run
    that was interrupted.

    Raises `CircuitError` where an argument is not what it should be.

    >>> sounds = [np.ones(n) for n in (800, 300, 850, 320)]
    >>> data = Recordings("four", sounds, 8000, [0, 1, 0, 1], ("no", "yes"))
    >>> batches = RecordingBatches(data, LogMel(8000), batch_size=2, groups=2, shuffle=False)
    >>> for (x, lengths), labels in batches():
    ...     print(x.shape, lengths, labels)
    (2, 5, 40) [4 5] [1 1]
    (2, 11, 40) [11 11] [0 0]
    """

    def __init__(
        self,
        recordings: Recordings,
        features: LogMel | MFCC | None = None,
        *,
        batch_size: int = 32,
        groups: int = 8,
        seed: int = 0,
        shuffle: bool = True,
        progress: bool | None = None,
    ) -> None:
        refuse_counts(batch_size=batch_size, groups=groups)
        if not isinstance(seed, Integral) or seed < 0:
            raise CircuitError(f"a seed is a whole number from 0 on, got {seed!r}")
        if not len(recordings):
            raise CircuitError("there are no recordings to make batches of")
        sounds = recordings.sounds
        self.rows = (
            sounds if features is None else features_of(recordings, features, progress=progress)
        )
        self._labels = recordings.labels
        self.batch_size, self.seed, self.shuffle, self.epoch = int(batch_size), seed, shuffle, 0
        self._groups = groups_of([len(x) for x in self.rows], self.batch_size, int(groups))

    def __len__(self) -> int:
        """The batches of an epoch."""
        return -(-len(self.rows) // self.batch_size)

    def __repr__(self) -> str:
        steps = sorted(max(len(self.rows[k]) for k in group) for group in self._groups)
        said = ", ".join(map(str, steps))
        return f"<{len(self.rows):,} recordings in {len(self):,} batches of {said} steps>"

    @property
    def share_padded(self) -> float:
        """The share of all steps that are padding."""
        full = sum(len(group) * max(len(self.rows[k]) for k in group) for group in self._groups)
        return 1.0 - sum(map(len, self.rows)) / full

    def standardize(self) -> Standardize:
        """The layer that brings each feature to mean 0 and deviation 1, over all frames of these.

        Raises `CircuitError` where the batches are of sounds, and not of features.
        """
        if self.rows[0].ndim != 2:
            raise CircuitError("sounds are not standardized, but features of them; give a layer")
        total = sum(map(len, self.rows))
        mean = np.sum([x.sum(0, dtype=np.float64) for x in self.rows], axis=0) / total
        variance = np.sum([((x - mean) ** 2).sum(0) for x in self.rows], axis=0) / total
        deviation = np.sqrt(np.where(variance > 1e-12, variance, 1.0))  # 1 for what never changes
        return Standardize(mean.round(6).tolist(), deviation.round(6).tolist())

    def __call__(self) -> Iterator[Batch]:
        """The batches of the next epoch."""
        rng = np.random.default_rng([self.seed, self.epoch]) if self.shuffle else None
        self.epoch += 1
        return self._batches(rng)

    def _batches(self, rng: np.random.Generator | None) -> Iterator[Batch]:
        drawn: list[tuple[np.ndarray, int]] = []
        for group in self._groups:
            steps = max(len(self.rows[k]) for k in group)
            rows = group if rng is None else rng.permutation(group)
            drawn += [
                (rows[k : k + self.batch_size], steps) for k in range(0, len(rows), self.batch_size)
            ]
        for k in range(len(drawn)) if rng is None else rng.permutation(len(drawn)):
            rows, steps = drawn[k]
            x, lengths = padded([self.rows[row] for row in rows], steps=steps)
            labels = self._labels[rows]
            yield (x, lengths), labels if labels.ndim == 1 else ctc_labels(labels, lengths)


def groups_of(lengths: Sequence[int], batch_size: int, most: int) -> list[np.ndarray]:
    """The numbers of the rows of like lengths, from the shortest on, in at most so many groups.

    Groups hold whole batches, but for the first, whose last one may not be full. Of all ways to cut
    the rows, in order of their lengths, it is that with the least padding, by dynamic programming.

    >>> [group.tolist() for group in groups_of([5, 1, 9, 2, 4, 3], batch_size=2, most=2)]
    [[1, 3, 5, 4], [0, 2]]
    """
    order = np.argsort(lengths, kind="stable")
    batches = -(-len(order) // batch_size)
    spare = batches * batch_size - len(order)
    cuts = np.unique(np.linspace(0, batches, min(batches, _MOST_CUTS) + 1).round().astype(int))
    ends = np.maximum(0, cuts * batch_size - spare)
    tops = np.asarray(lengths)[order[ends[1:] - 1]]  # the longest before each cut but the first
    cost = (ends[None, 1:] - ends[:-1, None]) * tops.astype(np.float64)  # from a cut to another
    cost[np.tril_indices(len(cost), -1)] = np.inf
    least, choices = cost[0], []
    for _ in range(min(most, len(tops)) - 1):
        whole = np.vstack([least, least[:-1, None] + cost[1:]])  # one more group, or none
        choices.append(whole.argmin(axis=0))
        least = whole.min(axis=0)
    bounds, at = [], len(tops) - 1
    for choice in reversed(choices):
        if choice[at]:
            at = choice[at] - 1
            bounds.append(ends[at + 1])
    return np.split(order, bounds[::-1])

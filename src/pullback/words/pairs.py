"""In: the rows of words, END behind each sentence. Out: windows: a word, and those around it.

What frequent words are dropped, how wide each window is and what noise it is compared with are
drawn from a generator of their own for each piece of the corpus, so that a run can be repeated bit
for bit, by whichever thread it is done.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pullback.words.vocabulary import END

NONE = -1  # where a window has no word
_WIDEST = 1000  # words to each side: windows of more would have no room in memory
_PART = 10  # of these in a window that is parted


@dataclass(frozen=True)
class Windows:
    """Centres (m,), the words around each (m, 2 room), NONE where is none, and noise (m, k).

    The words to the left stand first, in the order of the text.
    """

    centre: np.ndarray
    context: np.ndarray
    noise: np.ndarray

    def __len__(self) -> int:
        return len(self.centre)

    @property
    def pairs(self) -> int:
        """How many words stand around the centres."""
        return int(np.count_nonzero(self.context != NONE))

    def __getitem__(self, part: slice) -> Windows:
        return Windows(self.centre[part], self.context[part], self.noise[part])

    def then(self, more: Windows) -> Windows:
        """These and more behind them."""
        both = zip(self._parts, more._parts, strict=True)
        return Windows(*(np.concatenate(parts) for parts in both))

    def padded(self, count: int) -> Windows:
        """As many windows as that: the last ones have no centre, and nothing around it.

        They have noise, which others in their group are compared with.
        """
        missing = count - len(self)
        ends = ((0, missing), (0, 0))
        return Windows(
            np.pad(self.centre, ends[0], constant_values=NONE),
            np.pad(self.context, ends, constant_values=NONE),
            np.resize(self.noise, (count, self.noise.shape[1])),
        )

    @property
    def _parts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.centre, self.context, self.noise


@dataclass(frozen=True)
class Noise:
    """Draws words by their chances (V,), in the same time for each: Walker's method of aliases.

    Source: Vose, "A linear algorithm for generating random numbers with a given distribution"
    (IEEE Transactions on Software Engineering 17, 1991).
    """

    share: np.ndarray  # (V,): how much of a column is its own word's
    other: np.ndarray  # (V,): whose the rest is

    @classmethod
    def of(cls, chances: np.ndarray) -> Noise:
        count = len(chances)
        share, other = chances * count, np.arange(count)
        small = np.flatnonzero(share < 1.0).tolist()
        large = np.flatnonzero(share >= 1.0).tolist()
        while small and large:
            low, high = small.pop(), large[-1]
            other[low] = high
            share[high] -= 1.0 - share[low]
            if share[high] < 1.0:
                small.append(large.pop())
        share[small + large] = 1.0  # but for rounding, they are
        return cls(share.astype(np.float32), other)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Words of int64."""
        column = rng.integers(0, len(self.share), shape)
        own = rng.random(shape, np.float32) < self.share[column]
        return np.where(own, column, self.other[column])


@dataclass(frozen=True)
class WindowMaker:
    """Makes windows of rows of words: `keep` (V,) is the chance of each word to stay.

    `window` words stand to the left and to the right at most; how many, from 1 on, is drawn for
    each centre, so that near words count more. `negatives` words of noise are drawn for each. The
    `longest` sentence has so many words, by which room is saved.

    Windows that are `parted` come as several with the same centre, the nearest words of all first,
    where they are wide: a centre would be moved too far by so many pairs at once.
    """

    keep: np.ndarray
    noise: Noise
    window: int
    negatives: int
    longest: int = _WIDEST + 1
    parted: bool = False

    @property
    def width(self) -> int:
        """How many words can stand to each side of a centre."""
        return max(1, min(self.window, self.longest - 1, _WIDEST))

    @property
    def room(self) -> int:
        """For how many words to each side a window that is made has room."""
        return min(self.width, _PART) if self.parted else self.width

    def __call__(self, rows: np.ndarray, rng: np.random.Generator) -> Windows:
        """The windows of rows (n,), END behind each sentence; those without any word are left out.

        >>> maker = WindowMaker(np.ones(4), Noise.of(np.ones(4) / 4), window=1, negatives=2)
        >>> windows = maker(np.array([0, 1, 2, END, 3, END]), np.random.default_rng(0))
        >>> windows.centre.tolist(), windows.context.tolist()
        ([0, 1, 2], [[-1, 1], [0, 2], [1, -1]])
        """
        sentence = np.cumsum(rows == END)
        there = np.flatnonzero(rows >= 0)
        words = rows[there]
        kept = rng.random(len(words), np.float32) < self.keep[words]
        words, sentence = words[kept], sentence[there[kept]]
        reach = rng.integers(1, self.window + 1, len(words))
        parts = -(-self.width // self.room)
        middle = parts * self.room
        context = np.full((len(words), 2 * middle), NONE)
        for k in range(1, min(self.width, len(words) - 1) + 1):
            near = sentence[k:] == sentence[:-k]
            left, right = near & (reach[k:] >= k), near & (reach[:-k] >= k)
            context[k:, middle - k] = np.where(left, words[:-k], NONE)
            context[:-k, middle + k - 1] = np.where(right, words[k:], NONE)
        if parts > 1:  # those of a side from the middle outwards, then the parts one after another
            sides = context.reshape(len(words), 2, parts, self.room)
            ordered = np.stack([sides[:, 0, ::-1], sides[:, 1]], axis=2)
            context = ordered.swapaxes(0, 1).reshape(-1, 2 * self.room)
            words = np.tile(words, parts)
        some = (context != NONE).any(axis=1)
        centre, context = words[some], context[some]
        return Windows(centre, context, self.noise.draw(rng, (len(centre), self.negatives)))

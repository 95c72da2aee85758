"""What word vectors say, and what pulled them, as figures by matplotlib (extra `plot`).

In: answers of `WordVectors`, and the pulls on a word that `Word2Vec` watched. Out: figures, each a
`matplotlib.figure.Figure` of its own: a notebook shows it, and `figure.savefig("seen.png")` keeps
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pullback.core.errors import CircuitError
from pullback.figures import refuse_without_matplotlib
from pullback.words.given import refuse_count
from pullback.words.pulls import Pull, Pulls

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def nearness(found: Sequence[tuple[str, float]], title: str = "") -> Figure:
    """Draw words and their cosines, as `WordVectors.nearest` and `analogy` answer them, as bars.

    Raises `CircuitError` where there is none, or a number is no cosine, and without matplotlib.

    >>> figure = nearness([("queen", 0.81), ("tea", -0.2)], "nearest to king")
    >>> len(figure.axes[0].patches)
    2
    """
    refuse_without_matplotlib()
    from pullback.words.drawing import draw_nearness

    if not found:
        raise CircuitError("there is no word to draw")
    for word, cosine in found:
        if not -1.0 <= cosine <= 1.0:
            raise CircuitError(f"the cosine of {word!r} is from -1 to 1, got {cosine!r:.60}")
    return draw_nearness(list(found), title or "the nearest words")


@dataclass(frozen=True)
class Moved:
    """How far and where a word moved another, `by` (D,): its attraction and its push, added up.

    It stood `near` the other in so many pairs of training, and was noise to it in so many.
    """

    word: str
    by: np.ndarray
    attracted: bool  # more than pushed
    near: int
    noise: int

    @property
    def distance(self) -> float:
        return float(np.linalg.norm(self.by))


def moved_by(pulls: Pulls) -> list[Moved]:
    """What is left of the pulls of each word on another, where attraction and push cancel.

    Frequent words are near a word and noise to it alike; those that are left in the end belong to
    it. The farthest comes first.
    """
    near = {pull.word: pull for pull in pulls.attracted}
    noise = {pull.word: pull for pull in pulls.pushed}
    nothing = Pull("", 0.0, np.zeros_like(pulls.total), 0)
    found = []
    for word in dict.fromkeys((*near, *noise)):
        a, b = near.get(word, nothing), noise.get(word, nothing)
        by = a.distance * a.direction + b.distance * b.direction
        found.append(Moved(word, by, a.distance >= b.distance, a.pairs, b.pairs))
    return sorted(found, key=lambda moved: -moved.distance)


def pulls_on(pulls: Pulls, count: int = 20) -> Figure:
    """Draw which words moved a word in training: how far as bars, and where to as arrows.

    Those `count` whose attraction and push together moved it farthest, see `moved_by`. The arrows
    lie in the plane of their two main directions.

    Raises `CircuitError` where nothing moved the word, and without matplotlib.
    """
    refuse_without_matplotlib()
    from pullback.words.drawing import draw_pulls

    refuse_count("count", count)
    shown = moved_by(pulls)[:count]
    moves = np.array([moved.by for moved in shown], np.float64)
    if not moves.any():
        raise CircuitError(f"nothing moved {pulls.word!r}, or nothing of it is asked for")
    _, sizes, directions = np.linalg.svd(moves, full_matrices=False)
    plane = np.zeros((2, moves.shape[1]))
    plane[: len(directions[:2])] = directions[:2]
    plane *= np.where((moves @ plane.T).sum(axis=0) < 0.0, -1.0, 1.0)[:, None]  # most to the right
    share = float((sizes[:2] ** 2).sum() / (sizes**2).sum())
    return draw_pulls(pulls.word, shown, moves @ plane.T, share)

"""What word vectors say, and what pulled them, as figures by matplotlib (extra `plot`).

In: answers of `WordVectors`, and the pulls on a word that `Word2Vec` watched. Out: figures, each a
`matplotlib.figure.Figure` of its own: a notebook shows it, and `figure.savefig("seen.png")` keeps
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pullback.core.errors import CircuitError
from pullback.figures import refuse_without_matplotlib
from pullback.words.given import refuse_count
from pullback.words.moved import moved_by
from pullback.words.pulls import Pulls

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


def pulls_on(pulls: Pulls, count: int = 20) -> Figure:
    """Draw which words moved a word in training: how far as bars, and where to as arrows.

    Those `count` whose attraction and push together moved it farthest, see `moved_by`. The arrows
    lie in the plane of their two main directions.

    Raises `CircuitError` for what are no pulls, where nothing moved the word, and without
    matplotlib.
    """
    refuse_without_matplotlib()
    from pullback.words.drawing import draw_pulls

    if not isinstance(pulls, Pulls):
        raise CircuitError(
            'pulls_on draws what Word2Vec(watch="whale") told after its training, '
            f'model.pulls("whale"), got {pulls!r:.60}'
        )
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

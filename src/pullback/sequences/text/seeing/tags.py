"""In: the words of a sentence and the scores of its tags. Out: a figure of the best tagging."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.figures import refuse_without_matplotlib
from pullback.inspect.arguments import at_least_one
from pullback.sequences.decoding import best_through, viterbi
from pullback.sequences.text.seeing.given import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def viterbi_scores(
    words: Sequence[str],
    scores: Any,
    tags: Sequence[str] | None = None,
    *,
    title: str = "",
    most: int = 20,
) -> Figure:
    """Draw how good each tag of each word is, the best tagging, and how far others are behind.

    `scores` (steps + 1, tags, tags) are of one sentence, as the layer `CRF` makes them; what is
    behind the words, if they are fewer than the steps, does not count. `tags` are names, by
    default numbers. Bright is a tag that is in a tagging near the best of all, and dark one whose
    best tagging is far behind; a line is the best tagging. Below each word stands by how much the
    best tagging with another tag there is behind: the least of them is that of the second best of
    all. Of many tags, those that come nearest are drawn, `most` of them.

    Raises `CircuitError` where the scores are not those of such a chain, or not finite, for no
    words or more than there are steps, where there is not a name for each tag, and without
    matplotlib.

    >>> scores = np.zeros((3, 2, 2))
    >>> scores[0, :, 1] = scores[1, 1, 0] = 2.0
    >>> figure = viterbi_scores(["they", "fish"], scores, ["VERB", "PRON"])
    >>> figure.axes[0].lines[0].get_ydata()  # PRON, VERB
    array([1, 0])
    """
    refuse_without_matplotlib()
    at_least_one(most=most)
    from pullback.sequences.text.seeing.drawing.letters import shown as shown_letters
    from pullback.sequences.text.seeing.drawing.tags import draw_tags

    array = drawable(scores, "scores", "(steps + 1, tags, tags)", 3)
    if not 0 < len(words) < len(array):
        raise CircuitError(
            f"scores of {len(array)} are of {len(array) - 1} steps, and there are {len(words)} "
            "words; give 1 word at least, and no more than steps"
        )
    lengths = np.array([len(words)])
    (best,), (score,) = viterbi(array[None], lengths)
    best = best[: len(words)]
    names = [str(k) for k in range(array.shape[1])] if tags is None else [str(x) for x in tags]
    if len(names) != array.shape[1]:
        raise CircuitError(f"{array.shape[1]} tags need as many names, got {len(names)}")
    behind = best_through(array[None], lengths)[0, : len(words)] - score
    others = np.where(np.arange(len(names)) == best[:, None], -np.inf, behind)
    margins = -others.max(axis=1)  # infinite where there is no other tag
    kept = np.sort(np.argsort(-behind.max(axis=0), kind="stable")[:most])
    kept = np.union1d(kept, best)
    note = "below each word: how far the best tagging with another tag there is behind"
    if len(names) > 1:
        k = int(margins.argmin())
        note += f'; the second best of all, by {margins[k]:.3g}, at "{shown_letters(words[k])}"'
    if len(kept) < len(names):
        note += f"; {len(kept)} of {len(names)} tags"
    path = np.searchsorted(kept, best)
    shown = [names[k] for k in kept]
    title = title or "How good each tag is, and the best tagging"
    return draw_tags(list(words), behind[:, kept], shown, path, margins, title, note)

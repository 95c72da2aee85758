"""In: the weights of an attention and the words they are between. Out: a figure of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pullback.core.errors import CircuitError
from pullback.figures import refuse_without_matplotlib
from pullback.sequences.text.seeing.given import drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def attention_map(
    weights: Any,
    words: Sequence[str],
    memory: Sequence[str] | None = None,
    *,
    title: str = "",
) -> Figure:
    """Draw how much each word looks at each other: a row for each that looks, its weights across.

    `weights` are (words, memory), or (heads, words, memory) of several heads, from 0 upwards; what
    is looked at is `words` itself, unless `memory` is given. Words may be characters of a text.

    Raises `CircuitError` where the weights are not one for each pair, or below 0 or not finite, and
    without matplotlib.
    Source: Bahdanau, Cho, Bengio, "Neural machine translation by jointly learning to align and
    translate" (2015), figure 3.

    >>> figure = attention_map([[1.0, 0.0], [0.3, 0.7]], ["to", "be"])
    >>> [text.get_text() for text in figure.axes[0].get_xticklabels()]
    ['to', 'be']
    """
    refuse_without_matplotlib()
    from pullback.sequences.text.seeing.drawing.attention import draw_attention

    array = drawable(weights, "weights", "(words, memory) or (heads, words, memory)", 2, 3)
    heads = array[None] if array.ndim == 2 else array
    seen = words if memory is None else memory
    if heads.shape[1:] != (len(words), len(seen)):
        raise CircuitError(
            f"there is a weight for each pair of {len(words)} words and the {len(seen)} that they "
            f"look at, got {array.shape}"
        )
    if heads.min() < 0.0:
        raise CircuitError(f"weights of an attention are from 0 upwards, got {heads.min():g}")
    several = len(heads) > 1
    title = title or ("What each head looks at" if several else "What each word looks at")
    return draw_attention(heads, list(words), list(seen), title)

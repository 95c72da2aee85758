"""`pullback similar`: which words are near to others, as a table with bars."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from pullback.cli.files import refuse_same, writable
from pullback.cli.layout import GAP, bar, cell, sentence, table
from pullback.cli.library_words import as_option
from pullback.cli.report import Page
from pullback.core.errors import CircuitError
from pullback.figures import refuse_without_matplotlib

if TYPE_CHECKING:
    from pullback.words.vectors import WordVectors

FIGURES = (".png", ".svg", ".pdf", ".jpg")
_BAR = 40  # columns at most


def similar(
    model: Annotated[
        str,
        typer.Argument(
            help="word vectors: a file that `pullback embed words --save` wrote, or one in the "
            "formats of word2vec, fastText (.vec) and GloVe"
        ),
    ],
    words: Annotated[
        list[str] | None, typer.Argument(help="a word, or several, whose mean is asked about")
    ] = None,
    away_from: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD", help="far from this word; may be given again"),
    ] = None,
    analogy: Annotated[
        bool,
        typer.Option("--analogy", help="of three words a, b and c: what is to c as b is to a?"),
    ] = False,
    odd: Annotated[
        bool, typer.Option("--odd", help="of three words or more: which does not belong?")
    ] = False,
    count: Annotated[int, typer.Option(metavar="N", help="how many words to name")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
    save: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="also draw it: a .png, .svg, .pdf or .jpg"),
    ] = None,
) -> None:
    """Name the words nearest to a word, or to several, by the cosine of their vectors.

    `pullback similar MODEL king`, `pullback similar MODEL man king woman --analogy`,
    `pullback similar MODEL tea coffee war --odd`.
    """
    asked = words or []
    _refuse(asked, away_from or [], analogy, odd, count, save)
    path = None if save is None else writable("--save", save, *FIGURES)
    if path is not None:
        refuse_without_matplotlib()
        refuse_same("--save", path, model)
    vectors = loaded(model)
    _note_unseen(vectors, [*asked, *(away_from or [])])
    try:
        if odd:
            _show_odd(vectors, asked, as_json)
            return
        if analogy:
            a, b, c = asked
            found = vectors.analogy(a, b, c, count)
            title = f"{a} is to {b} as {c} is to"
        else:
            found = vectors.nearest(asked, count, away_from=away_from or ())
            title = _title(asked, away_from or [])
    except CircuitError as error:
        raise CircuitError(as_option(str(error))) from None
    if path is not None:
        from pullback.words.seeing import nearness

        nearness(found, title).savefig(path)
    if as_json:
        near = [{"word": word, "cosine": round(cosine, 6)} for word, cosine in found]
        print(json.dumps({"asked": title, "nearest": near}))
        return
    page = Page()
    page.lines([cell(title)], "bold")
    if len(asked) == 2 and not away_from:
        page.lines([f"their own cosine is {vectors.similarity(*asked):.3f}"], "dim")
    page.lines(bars(found, page.width))
    if path is not None:
        page.lines(["", f"drawn to {path}"])


def loaded(path: str) -> WordVectors:
    """The word vectors in a file; of a model of another kind, what asks it.

    Raises `CircuitError` where it holds none.
    """
    from pullback.words.vectors import WordVectors

    try:
        return WordVectors.load(path)
    except CircuitError as error:
        other = "holds no word vectors" in str(error)
        cure = "; `pullback describe` shows it, `pullback embed words TEXT` makes some"
        raise CircuitError(f"{error}{cure if other else ''}") from None


def bars(found: Sequence[tuple[str, float]], width: int) -> list[Text | str]:
    """A line for each word, with its cosine and, where there is room, a bar as long."""
    if not found:
        return ["there is no other word"]
    rows = [(cell(word), f"{cosine:.3f}") for word, cosine in found]
    lines = table(rows, width, right=(1,), least={0: 8})
    room = min(_BAR, width - max(map(len, lines)) - GAP)
    most = max(1e-9, *(cosine for _, cosine in found))
    if room < 4 or most < 0.01:
        return list(lines)
    drawn = [bar(max(0.0, cosine), room) for _, cosine in found]
    return [
        Text.assemble(f"{line}{' ' * GAP}", (piece, "cyan"))
        for line, piece in zip(lines, drawn, strict=True)
    ]


def _note_unseen(vectors: WordVectors, words: Sequence[str]) -> None:
    """Say of which words the vectors are made of n-grams, and what is there instead."""
    from pullback.words.spelling import hint

    for word in words:
        if word in vectors or vectors.subwords is None:
            continue
        if vectors.subwords.vector(word) is not None:
            near = hint(word, vectors.words, dict.fromkeys(vectors.words))
            warnings.warn(
                f"the word {word!r} itself is not among those of the vectors; its own is made of "
                f"n-grams{'; ' if near else ''}{near}",
                stacklevel=2,
            )


def _title(asked: Sequence[str], away: Sequence[str]) -> str:
    """A question as a heading."""
    near = f"near {' and '.join(asked)}" if asked else ""
    far = f"far from {' and '.join(away)}" if away else ""
    return ", ".join(part for part in (near, far) if part)


def _show_odd(vectors: WordVectors, asked: Sequence[str], as_json: bool) -> None:
    """Which word does not belong, and how near each is to the mean of all."""
    word = vectors.odd_one_out(asked)
    if as_json:
        print(json.dumps({"asked": list(asked), "odd": word}))
        return
    page = Page()
    page.lines(sentence(f"{word} is the odd one out of {', '.join(asked)}", page.width), "bold")


def _refuse(
    asked: Sequence[str],
    away: Sequence[str],
    analogy: bool,
    odd: bool,
    count: int,
    save: str | None,
) -> None:
    """Refuse what does not belong together, before anything is read."""
    if analogy and odd:
        raise CircuitError("--analogy and --odd are two questions; ask one at a time")
    if analogy and len(asked) != 3:
        raise CircuitError(f"--analogy takes three words, such as man king woman, got {len(asked)}")
    if odd and len(asked) < 3:
        raise CircuitError(f"--odd takes three words or more, got {len(asked)}")
    if (analogy or odd) and away:
        raise CircuitError("--away-from is asked by itself, without --analogy and --odd")
    if odd and save is not None:
        raise CircuitError("--save draws the nearest words, and --odd names one alone")
    if not asked and not away:
        raise CircuitError("similar to what? Name a word: pullback similar MODEL WORD")
    if count < 1:
        raise CircuitError(f"--count is a whole number from 1 on, got {count}")

"""`pullback embed words`: a vector for each word of a text, and what is near to what."""

from __future__ import annotations

import difflib
import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.filesize import decimal

from pullback.cli.files import refuse_same, writable
from pullback.cli.library_words import options_named
from pullback.cli.report import Page
from pullback.cli.similar import FIGURES
from pullback.cli.words_report import (
    plain,
    show_end,
    show_judged,
    show_moved,
    show_near,
    show_outcome,
    show_task,
)
from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.datasets import DATASETS
from pullback.figures import refuse_without_matplotlib
from pullback.files.words import listed, text_of
from pullback.sequences.text.long_text import Text
from pullback.sequences.text.sentences import Sentences

if TYPE_CHECKING:
    from pullback.words import Phrases

_VECTORS = (".safetensors", ".bin", ".vec", ".bin.gz", ".vec.gz")


def words(
    texts: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXT", help="text files, .gz or not, or a built-in text such as shakespeare"
        ),
    ],
    save: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="write the vectors here: .safetensors keeps all; .bin, .txt and .vec are "
            "word2vec's formats, which other programs read",
        ),
    ] = None,
    dimensions: Annotated[int, typer.Option(metavar="D", help="numbers of a vector")] = 100,
    window: Annotated[
        int, typer.Option(metavar="N", help="words to each side that a word learns from, at most")
    ] = 5,
    min_count: Annotated[
        int, typer.Option(metavar="N", help="words that stand there less often are left out")
    ] = 5,
    negatives: Annotated[
        int, typer.Option(metavar="N", help="words of noise that each pair is told from")
    ] = 5,
    sample: Annotated[
        float, typer.Option(metavar="S", help="the smaller, the more frequent words are dropped")
    ] = 1e-3,
    architecture: Annotated[
        str, typer.Option(metavar="NAME", help="skip-gram or cbow")
    ] = "skip-gram",
    loss: Annotated[
        str, typer.Option(metavar="NAME", help="'negative sampling' or 'hierarchical softmax'")
    ] = "negative sampling",
    subwords: Annotated[
        str | None,
        typer.Option(
            metavar="LOW-HIGH",
            help="learn n-grams of so many letters too, as 3-6: unseen words have vectors then",
        ),
    ] = None,
    phrases: Annotated[
        int,
        typer.Option(
            metavar="ROUNDS", help="join words that belong together first: 1 makes pairs, 2 longer"
        ),
    ] = 0,
    epochs: Annotated[int, typer.Option(metavar="N", help="passes over the text")] = 5,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            metavar="RATE", help="at the start; by default by the architecture and --subwords"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="another seed, another start")] = 0,
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", help="that share a step; by default one for each core"),
    ] = None,
    encoding: Annotated[
        str, typer.Option(metavar="NAME", help="in which the texts are written")
    ] = "utf-8-sig",
    lines: Annotated[
        bool, typer.Option("--lines", help="each line is a sentence; by default paragraphs are")
    ] = False,
    judge: Annotated[
        list[str] | None,
        typer.Option(
            "--evaluate",
            metavar="FILE",
            help="judge by a file of analogies or of similarities; may be given again",
        ),
    ] = None,
    watch: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD", help="tell which words moved it; may be given again"),
    ] = None,
    figure: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="draw what moved the first word that is watched"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Learn a vector for each word of a text, so that words used alike are near (Word2Vec).

    Words are runs of letters, in lower case. Ctrl-C ends the training and not the rest: what is
    told and saved is of what was learned until then. The status is 130 then.
    """
    from pullback.words import Word2Vec, evaluate

    path = _place(save, texts, files := judge or [])
    drawing = _drawing(figure, watch or [])
    _refuse_questions(files)
    with options_named():
        model = Word2Vec(
            dimensions=dimensions,
            window=window,
            min_count=min_count,
            negatives=negatives,
            sample=sample,
            architecture=cast("Any", architecture),
            loss=cast("Any", loss),
            subwords=_lengths(subwords),
            learning_rate=learning_rate,
            epochs=epochs,
            seed=seed,
            threads=threads,
            watch=tuple(watch or ()),
        )
    source, corpus = _corpus(texts, encoding, lines)
    page = Page()
    if not as_json:
        show_task(page, source, model.settings, lines, save)
    with options_named(), _told_where_nothing_was_learned():
        found = _phrases(corpus, phrases)
        start = time.perf_counter()
        vectors = model.fit(corpus if found is None else found.apply(corpus))
    seconds = time.perf_counter() - start
    if path is not None:
        vectors.save(path)
    judged = [evaluate(vectors, file) for file in files]
    moved = [model.pulls(word) for word in watch or []]
    if drawing is not None:
        from pullback.words.seeing import pulls_on

        pulls_on(moved[0]).savefig(drawing)
    if as_json:
        told = plain(vectors, model, seconds, judged, moved, found, save)
        print(json.dumps({"source": source, **told}, allow_nan=False))
    else:
        show_outcome(page, vectors, model, seconds, found)
        show_near(page, vectors)
        for result in judged:
            show_judged(page, result)
        for pulls in moved:
            show_moved(page, pulls)
        show_end(page, vectors, save, figure)
    if model.history.ended != "completed":
        raise typer.Exit(130)


@contextmanager
def _told_where_nothing_was_learned() -> Iterator[None]:
    """End with status 130, and say so, where Ctrl-C comes before anything was learned."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("interrupted before anything was learned; nothing is saved", err=True)
        raise typer.Exit(130) from None


def _place(save: str | None, texts: Sequence[str], files: Sequence[str]) -> Path | None:
    """Where the vectors shall be written, refused now rather than after all the work."""
    if save is None:
        return None
    from pullback.words.formats import ending_of

    path = writable("--save", save)
    ending_of(path)
    refuse_same("--save", path, *texts, *files)
    return path


def _drawing(figure: str | None, watch: Sequence[str]) -> Path | None:
    """Where the figure of a watched word shall be drawn, refused now."""
    if figure is None:
        return None
    if not watch:
        raise CircuitError("--figure draws what moved a word: name one by --watch WORD")
    refuse_without_matplotlib()
    return writable("--figure", figure, *FIGURES)


def _refuse_questions(files: Sequence[str]) -> None:
    """Refuse a file of questions that cannot be read, before the work of which it is to judge."""
    from pullback.words import WordVectors, evaluate

    for file in files:
        evaluate(WordVectors(["word"], [[1.0]]), file)


def _lengths(subwords: str | None) -> tuple[int, int] | None:
    """The shortest and the longest n-gram.

    Raises `CircuitError` where they are written otherwise.
    """
    if subwords is None:
        return None
    found = re.fullmatch(r"(\d{1,4})[-,:](\d{1,4})", subwords)
    if not found:
        raise CircuitError(
            f"--subwords takes the shortest and the longest n-gram, as 3-6, got {subwords!r}"
        )
    return int(found[1]), int(found[2])


def _corpus(texts: Sequence[str], encoding: str, lines: bool) -> tuple[str, Any]:
    """What a person would call the texts, and the sentences in them.

    Raises `CircuitError` where one is missing, or is no text.
    """
    from pullback.words.corpus import TextFiles, split_lower

    named = [text for text in texts if text in DATASETS and not os.path.exists(text)]
    if named and len(texts) > 1:
        raise CircuitError(f"{named[0]} is a built-in set; give it alone, or the paths of files")
    if named:
        return named[0], [split_lower(text) for text in _texts_of(named[0])]
    for text in texts:
        _refuse_no_text(text)
    corpus = TextFiles(list(texts), encoding, lines=lines)
    size = decimal(sum(os.path.getsize(path) for path in texts))
    names = listed([text_of(Path(path).name) for path in texts], 3)
    return f"{names}: {counted(len(texts), 'file')}, {size}", corpus


def _refuse_no_text(text: str) -> None:
    """Raise `CircuitError` for a misspelled built-in set, and for word vectors."""
    from pullback.words import WordVectors

    near = difflib.get_close_matches(text, DATASETS, n=1, cutoff=0.8)
    if near and not os.path.exists(text):
        raise CircuitError(f"{text} is no file; did you mean the built-in set {near[0]!r}?")
    if not text.endswith(_VECTORS):
        return
    try:
        WordVectors.load(text, limit=1)
    except CircuitError:
        return  # what else it is, is told as it is read
    raise CircuitError(
        f"{text_of(text)} is no text, but word vectors: `pullback similar` asks them, and "
        "`pullback describe` shows them"
    )


def _texts_of(name: str) -> Sequence[str]:
    """The texts of a built-in set; of a long one its paragraphs.

    Raises `CircuitError` where it holds none.
    """
    held = DATASETS[name]()
    if isinstance(held, Text):
        return re.split(r"\n\s*\n", "".join(held.pieces()))
    if isinstance(held, Sentences):
        return held.texts
    raise CircuitError(f"{name} holds no plain text")


def _phrases(corpus: Any, rounds: int) -> Phrases | None:
    """The phrases of a corpus, where so many rounds of them are asked for."""
    from pullback.words import Phrases

    if rounds < 0:
        raise CircuitError(f"--phrases is a whole number of at least 0, got {rounds}")
    return Phrases.learn(corpus, rounds=rounds) if rounds else None

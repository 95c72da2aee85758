"""In: trained word vectors. Out: what a person reads of them, at any width."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.text import Text

from pullback.cli.layout import cell, sentence, table
from pullback.cli.report import Page
from pullback.core.text import counted
from pullback.files.words import listed

if TYPE_CHECKING:
    from pullback.words import Analogies, Phrases, Pulls, Similarities, Word2Vec, WordVectors
    from pullback.words.settings import Settings

_EXAMPLES = 5  # words whose nearest are shown
_NEAREST = 6
_MOVERS = 10
_FREQUENT = 5e-4  # share of all words, from which one says too little by itself
_LETTERS = 4  # of a word that says something, at least


def show_task(page: Page, source: str, settings: Settings, lines: bool, save: str | None) -> None:
    """What is read, how, and what will be trained."""
    page.lines(sentence(source, page.width, 0), "bold")
    divided = "each line is a sentence" if lines else "a paragraph is a sentence, unless --lines"
    said = [f"words are runs of letters, in lower case; {divided}"]
    if settings.subwords is not None and save is not None and not save.endswith(".safetensors"):
        said.append("note: vectors of unseen words are kept by .safetensors alone")
    page.sentences(said)
    parts = [settings.architecture, settings.loss, f"{settings.dimensions} dimensions"]
    if settings.subwords is not None:
        parts.append(f"n-grams of {settings.subwords.low} to {settings.subwords.high} letters")
    learns = f"window {settings.window}, {counted(settings.epochs, 'epoch')}, seed {settings.seed}"
    page.facts(f"model     {', '.join(parts)}", f"training  {learns}")


def show_outcome(
    page: Page, vectors: WordVectors, model: Word2Vec, seconds: float, found: Phrases | None
) -> None:
    """The vocabulary, how fast the training was, and how it ended."""
    history = model.history
    first = listed([cell(word) for word in vectors.words[:3]])
    facts = [f"words     {len(vectors):,} different ones, the most frequent: {first}"]
    if found is not None:
        joined = [cell(word) for word in vectors.words if word in found.scores]
        few = listed(joined) or "none was found"
        facts.append(f"phrases   {few}")
        facts += [f"note      {note}" for note in found.notes]
    if len(history):
        speed = float(np.mean(history["words_per_second"]))
        passes = [row["loss"] for row in history.rows if row["pairs"]]  # without any, it is none
        losses = " to ".join(f"{loss:.3f}" for loss in dict.fromkeys((passes[0], passes[-1])))
        facts.append(f"speed     {speed:,.0f} words a second; loss {losses} nats a pair")
    done = counted(len(history), "epoch")
    facts.append(f"ended     after {done} in {seconds:.1f} s: {history.ended}")
    page.facts(*facts)


def show_near(page: Page, vectors: WordVectors) -> None:
    """The nearest words of a few that are frequent, and are more than grammar."""
    rows = [("word", "near")]
    for word, near in _examples(vectors).items():
        rows.append((cell(word), ", ".join(cell(other) for other, _ in near)))
    if len(rows) > 1:
        page.headed(table(rows, page.width, least={1: 16, 0: 8}))


def _examples(vectors: WordVectors) -> dict[str, list[tuple[str, float]]]:
    """The words nearest to a few, and their cosines."""
    few = content_words(vectors, _EXAMPLES)
    return {word: vectors.nearest(word, _NEAREST) for word in few}


def show_vectors(page: Page, path: str, vectors: WordVectors) -> None:
    """What word vectors in a file are of, and what is near to what."""
    page.lines([path], "bold")
    told = summary_of(vectors)
    first = listed([cell(word) for word in vectors.words])
    facts = [f"words     {len(vectors):,}: {first}", f"vectors   {vectors.dimensions} dimensions"]
    if told["tokens"] is not None:
        facts.append(f"text      {told['tokens']:,} words, each {told['least']:,} times at least")
    if told["subwords"] is not None:
        low, high = told["subwords"]
        facts.append(f"unseen    words have vectors by n-grams of {low} to {high} letters")
    if told["context"]:
        facts.append("context   is kept: training can go on")
    page.facts(*facts)
    show_near(page, vectors)


def summary_of(vectors: WordVectors) -> dict[str, Any]:
    """What word vectors are of, as JSON can hold it."""
    from pullback.words.subwords import Subwords

    counts, parts = vectors.counts, vectors.subwords
    return {
        "words": len(vectors),
        "dimensions": vectors.dimensions,
        "tokens": None if counts is None else int(counts.sum()),
        "least": None if counts is None else int(counts.min(initial=counts.max(initial=0))),
        "subwords": [parts.low, parts.high] if isinstance(parts, Subwords) else None,
        "context": vectors.context is not None,
    }


def content_words(vectors: WordVectors, count: int) -> list[str]:
    """The most frequent words that are long enough and not too frequent to be mere grammar."""
    counts = np.ones(len(vectors)) if vectors.counts is None else vectors.counts
    rare = counts < _FREQUENT * max(1, counts.sum())
    chosen = (
        word
        for word, fine in zip(vectors.words, rare.tolist(), strict=True)
        if fine and len(word) >= _LETTERS and vectors[word].any()
    )
    return [word for word, _ in zip(chosen, range(count), strict=False)]


def show_judged(page: Page, result: Analogies | Similarities) -> None:
    """How word vectors answer the questions of a file."""
    first, *others = str(result).splitlines()
    page.lines(["", *sentence(first, page.width), *others])


def show_moved(page: Page, pulls: Pulls) -> None:
    """Which words moved a watched one, and how far."""
    from pullback.words.moved import moved_by

    rows = [("moved by", "how far", "pairs near it", "as noise")]
    rows += [
        (cell(m.word), f"{m.distance:.3g}", f"{m.near:,}", f"{m.noise:,}")
        for m in moved_by(pulls)[:_MOVERS]
    ]
    page.lines(["", Text(f"what moved {cell(pulls.word)}", "bold")])
    lines = table(rows, page.width, right=(1, 2, 3), least={0: 8})
    page.lines([Text(lines[0], "dim"), *lines[1:]])


def show_end(page: Page, vectors: WordVectors, save: str | None, figure: str | None) -> None:
    """Where it is kept, and what to type next."""
    facts = [f"saved     {save or 'not saved; --save vectors.safetensors keeps it'}"]
    if figure is not None:
        facts.append(f"drawn     {figure}")
    if save is not None:
        word = next(iter(content_words(vectors, 1)), vectors.words[0])
        facts.append(f"next      pullback similar {shlex.quote(save)} {shlex.quote(word)}")
    page.facts(*facts)


def plain(
    vectors: WordVectors,
    model: Word2Vec,
    seconds: float,
    judged: Sequence[Analogies | Similarities],
    watched: Sequence[Pulls],
    found: Phrases | None,
    save: str | None,
) -> dict[str, Any]:
    """The same as JSON can hold it."""
    from pullback.words import Analogies
    from pullback.words.moved import moved_by

    history = [{**row, "loss": row["loss"] if row["pairs"] else None} for row in model.history.rows]
    return {
        "words": len(vectors),
        "dimensions": vectors.dimensions,
        "phrases": 0 if found is None else len(found.scores),
        "seconds": seconds,
        "history": history,
        "ended": model.history.ended,
        "analogies": {
            result.file: {"accuracy": result.accuracy, "asked": result.total.asked}
            for result in judged
            if isinstance(result, Analogies)
        },
        "similarities": {
            result.file: {
                "spearman": result.spearman,
                "pearson": result.pearson,
                "asked": result.asked,
            }
            for result in judged
            if not isinstance(result, Analogies)
        },
        "nearest": {
            word: {other: round(cosine, 6) for other, cosine in near}
            for word, near in _examples(vectors).items()
        },
        "watched": {
            pulls.word: [
                {"word": m.word, "distance": m.distance, "near": m.near, "noise": m.noise}
                for m in moved_by(pulls)[:_MOVERS]
            ]
            for pulls in watched
        },
        "saved": save,
    }

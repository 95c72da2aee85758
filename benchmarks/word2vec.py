"""Word vectors of a text of 1.7 million words, against gensim; and a text larger than memory.

Compared: from lists of words in memory to vectors, the counting of words included, with the same
settings: 100 dimensions, windows of 5, 5 words of noise, 5 passes, words that stand there 5 times
at least, subsampling of 1e-3. A word that is in the vocabulary counts once in each pass, before
frequent ones are dropped, as gensim counts. With one worker both sides are pinned to the same core
and times are the processor's; with two they are the clock's. Our CBOW has the rate 0.1 that it has
by itself, gensim's 0.025. Sides take turns, each in a fresh process; ours reads its machine code
from a cache that an earlier run has filled.

The vectors that were timed are judged: by the rank correlation of their cosines with wordsim353,
and by the share of right answers to analogies whose words are all known, means over seeds. The goal
is gensim's mean, less twice the error of the difference of means. The text is `english-text` in the
folder that PULLBACK_DATA names: MASC, addresses, Moby-Dick, War and Peace.

The peak of memory is that of a process that trains on a file which repeats this text: the first
pass counts words and the second learns, of few words (sample 1e-5), which is quicker.
"""

from __future__ import annotations

import math
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.compile_time import fresh
from benchmarks.measure import Line, Times, lines_of

OURS, PEER = "pullback", "gensim"
GOALS = {("skip-gram", 1): 1.3, ("skip-gram", 2): 1.3, ("cbow", 1): None, ("cbow", 2): None}
EPOCHS = 5
SCORES = {"spearman": "wordsim353, Spearman's correlation", "accuracy": "analogies, share right"}
SIZES = {"64 MB": 64, "1 GB": 1024}


def measure(quick: bool) -> list[Line]:
    lines: list[Line] = []
    with _cache() as cache:
        for (architecture, workers), goal in GOALS.items():
            runs = _runs(architecture, workers, 1 if quick else 3, cache)
            words = f"{architecture}, {workers} worker{'s' * (workers > 1)}"
            times = {who: _times(some) for who, some in runs.items()}
            lines += [
                Line(**{**vars(line), "per": "words"})
                for line in lines_of(words, times, {PEER: goal} if goal else {})
            ]
            if workers == 1:
                lines += _judged(architecture, runs)
        for size, megabytes in SIZES.items():
            if not quick or megabytes < 100:
                told = f"from benchmarks.word2vec import stream; stream({megabytes})"
                peak = fresh(told, cache)["peak"]
                lines.append(Line(f"peak of memory in MB, a text of {size}", OURS, score=peak))
    return lines


def _runs(
    architecture: str, workers: int, rounds: int, cache: str
) -> dict[str, list[dict[str, float]]]:
    """What the sides' processes print, which take turns; the round is the seed."""
    told = "from benchmarks.word2vec import train; train({!r}, {!r}, {}, {}, {})"
    fresh(told.format(OURS, architecture, workers, 0, 1), cache)  # fills the cache
    runs: dict[str, list[dict[str, float]]] = {OURS: [], PEER: []}
    for k in range(rounds):
        for who in (OURS, PEER)[:: 1 if k % 2 else -1]:
            runs[who].append(fresh(told.format(who, architecture, workers, k, EPOCHS), cache))
    return runs


def _times(runs: list[dict[str, float]]) -> Times:
    seconds = [run["seconds"] / run["words"] for run in runs]
    return Times(statistics.median(seconds), min(seconds))


def _judged(architecture: str, runs: dict[str, list[dict[str, float]]]) -> Iterator[Line]:
    for name, words in SCORES.items():
        scores = {who: [run[name] for run in some] for who, some in runs.items()}
        means = {who: statistics.mean(some) for who, some in scores.items()}
        goal, reached = "", None
        if architecture == "skip-gram":
            least = means[PEER] - 2 * _error(scores.values())
            goal, reached = "no worse than gensim", means[OURS] >= least
        yield Line(f"{words}, {architecture}", OURS, score=means[OURS], goal=goal, reached=reached)
        yield Line(f"{words}, {architecture}", PEER, score=means[PEER])


def _error(samples: Any) -> float:
    """Of the difference of the means of samples."""
    parts = [statistics.variance(some) / len(some) for some in samples if len(some) > 1]
    return math.sqrt(sum(parts))


@contextmanager
def _cache() -> Iterator[str]:
    """The folder that `PULLBACK_CACHE` names, else an empty one for as long as it is needed."""
    named = os.environ.get("PULLBACK_CACHE")
    if named:
        yield named
    else:
        with tempfile.TemporaryDirectory() as made:
            yield made


# In the fresh process ----------------------------------------------------------------------------


def train(who: str, architecture: str, workers: int, seed: int, epochs: int) -> None:
    """Print the seconds of a training, the words that it learned from, and how good they are."""
    from pullback.words import TextFiles, WordVectors, analogies, similarities

    sentences = [list(words) for words in TextFiles(_texts())]
    if workers == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    clock = time.process_time if workers == 1 else time.perf_counter
    run = _ours if who == OURS else _gensim
    start = clock()
    vectors: WordVectors = run(sentences, architecture, workers, seed, epochs)
    seconds = clock() - start
    folder = _data() / "word-similarity"
    print(
        {
            "seconds": seconds,
            "words": int(vectors.counts.sum()) * epochs,
            "spearman": similarities(vectors, folder / "wordsim353.tsv").spearman,
            "accuracy": analogies(vectors, folder / "questions-words.txt").accuracy,
        }
    )


def _ours(sentences: Any, architecture: Any, workers: int, seed: int, epochs: int) -> Any:
    from pullback.words import Word2Vec

    model = Word2Vec(architecture=architecture, seed=seed, epochs=epochs, threads=workers)
    return model.fit(sentences)


def _gensim(sentences: Any, architecture: str, workers: int, seed: int, epochs: int) -> Any:
    import gensim

    from pullback.words import WordVectors

    model = gensim.models.Word2Vec(
        sentences,
        vector_size=100,
        window=5,
        min_count=5,
        negative=5,
        sample=1e-3,
        sg=int(architecture == "skip-gram"),
        epochs=epochs,
        workers=workers,
        seed=seed,
    )
    words = model.wv.index_to_key
    counts = [model.wv.get_vecattr(word, "count") for word in words]
    return WordVectors(words, model.wv.vectors, counts=counts)


def stream(megabytes: int) -> None:
    """Print the peak of memory, in MB, of training on a file so large, which repeats a text."""
    import gzip
    import resource

    from pullback.words import Word2Vec

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "large.txt")
        with open(path, "wb") as large:
            while large.tell() < megabytes << 20:
                for text in _texts():
                    with gzip.open(text) as file:
                        large.write(file.read() + b"\n\n")
        model = Word2Vec(epochs=1, sample=1e-5)
        model.fit(path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print({"peak": round(peak), "seconds": model.history["seconds"][0]})


def _data() -> Path:
    named = os.environ.get("PULLBACK_DATA")
    if not named:
        raise RuntimeError("this work needs PULLBACK_DATA, a folder with english-text in it")
    return Path(named)


def _texts() -> list[Path]:
    return sorted((_data() / "english-text").glob("*.txt.gz"))

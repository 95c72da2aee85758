"""`pullback embed points`: data laid out in the plane by t-SNE, as a page or a picture."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich import filesize
from rich.console import Console

from pullback.cli.file_options import OF_PICTURES, Reading, Size
from pullback.cli.files import refuse_same, writable
from pullback.cli.layout import sentence
from pullback.cli.pictures import size_of
from pullback.cli.points import Points, Told, points_of
from pullback.cli.report import Page
from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.figures import refuse_without_matplotlib
from pullback.maps.map import ENDINGS, Map

_SHAPING = "Shaping the map"
_FRAMES = 25  # in which a page replays how the map formed
_SAMPLE = 2000  # points whose neighbourhoods are compared
_NEIGHBOURS = 10
_FEWEST = 4  # points, each of which has three neighbours


def points(
    data: Annotated[
        str,
        typer.Argument(
            help="a built-in set such as digits or fashion-mnist; a table (.csv, .parquet); a "
            "folder or list of pictures; arrays (.npy, .npz); or word vectors (.safetensors, .vec, "
            ".bin, .txt) as `pullback embed words` writes them"
        ),
    ],
    *,
    save: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="write the map here: a page to explore (.html), a picture (.svg, .png) or "
            "positions (.csv, .npy); may be given again; by default map.html",
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="what points are coloured by; by default one named target, "
            "label, class, outcome or y, or the only one of few texts",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="what points are called; by default one named name, title, id, word or text",
        ),
    ] = None,
    max_points: Annotated[
        int | None,
        typer.Option(metavar="N", help="map so many, drawn by chance; of words the most frequent"),
    ] = None,
    perplexity: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            rich_help_panel=_SHAPING,
            help="about how many neighbours a point has; by default 30, fewer of few points",
        ),
    ] = None,
    iterations: Annotated[
        int, typer.Option(metavar="N", rich_help_panel=_SHAPING, help="steps of descent")
    ] = 750,
    exaggeration: Annotated[
        float,
        typer.Option(
            metavar="E",
            rich_help_panel=_SHAPING,
            help="how many times as strongly neighbours pull in the first 250 steps",
        ),
    ] = 12.0,
    learning_rate: Annotated[
        float | None,
        typer.Option(metavar="R", rich_help_panel=_SHAPING, help="by default chosen by size"),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_SHAPING,
            help="how points push each other: exact, barnes-hut, interpolation, or auto, by size",
        ),
    ] = "auto",
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_SHAPING,
            help="what is near, as in scikit-learn; by default cosine of words, else euclidean",
        ),
    ] = None,
    init: Annotated[
        str, typer.Option(metavar="pca|random|spectral", rich_help_panel=_SHAPING, help="the start")
    ] = "pca",
    seed: Annotated[
        int, typer.Option(metavar="N", rich_help_panel=_SHAPING, help="of all that is by chance")
    ] = 0,
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", rich_help_panel=_SHAPING, help="by default one for each core"),
    ] = None,
    size: Size = None,
    skip_broken: Annotated[
        bool,
        typer.Option(
            "--skip-broken", rich_help_panel=OF_PICTURES, help="leave out files that are damaged"
        ),
    ] = False,
    unscaled: Annotated[
        bool,
        typer.Option(
            "--no-scale", help="leave columns of a table in their own units, so that wide ones lead"
        ),
    ] = False,
    reading: Reading,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Lay points out in the plane by t-SNE, so that those that are alike lie together.

    Each row of a table, each picture, each word is a point. The page needs no network: points are
    pointed at, searched, coloured by label, and how the map formed is replayed.

    Ctrl-C ends the descent and not the rest: the map so far is written. The status is 130 then.
    """
    paths = _writable(save or ["map.html"], data)
    _refuse_numbers(iterations, seed, threads)
    if max_points is not None and max_points < _FEWEST:
        raise CircuitError(f"--max-points is a whole number from 4 on, got {max_points}")
    options = reading.options
    told = Told(
        label, name, None if size is None else size_of(size), skip_broken, options, unscaled
    )
    if max_points is not None and metric == "precomputed":
        raise CircuitError("--max-points is for points, and --metric precomputed says distances")
    found = points_of(data, told).at_most(max_points, seed)
    if len(found) < _FEWEST:
        raise CircuitError(
            f"{found.title} has {counted(len(found), 'point')}, and a map needs {_FEWEST} at least"
        )
    shape = {
        "perplexity": _perplexity(perplexity, len(found)),
        "max_iter": iterations,
        "early_exaggeration": exaggeration,
        "learning_rate": "auto" if learning_rate is None else learning_rate,
        "method": method,
        "metric": metric or found.metric,
        "init": init,
        "random_state": seed,
        "n_jobs": threads,
    }
    page = Page()
    if not as_json:
        _show_points(page, found, shape)
    try:
        outcome = _mapped(found, shape)
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted before the first iteration: nothing is saved")
        raise typer.Exit(130) from None
    with Console(stderr=True).status("writing the map"):
        for path in paths:
            outcome.map.save(path)
    if as_json:
        print(json.dumps(outcome.to_json_dict(paths), allow_nan=False))
    else:
        _show_outcome(page, outcome, paths)
    if outcome.interrupted:
        raise typer.Exit(130)


@dataclass(frozen=True)
class _Outcome:
    """A map, and how good it is."""

    map: Map
    cost: float
    trust: float | None
    among: int
    iterations: int
    interrupted: bool
    seconds: float

    def to_json_dict(self, paths: list[Path]) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "points": len(self.map),
            "kl_divergence": self.cost,
            "trustworthiness": self.trust,
            "iterations": self.iterations,
            "interrupted": self.interrupted,
            "seconds": self.seconds,
            "saved": [str(path) for path in paths],
            "notes": list(self.map.notes),
        }


def _mapped(found: Points, shape: dict[str, Any]) -> _Outcome:
    """The map that forms, and how far it can be trusted."""
    from pullback.maps.tsne import TSNE  # scikit-learn is imported with it, which takes a while

    beside = found.labels, found.names, found.pictures
    Map(np.zeros((len(found), 2)), (), *beside)  # refuses what does not fit before the work
    begun = time.perf_counter()
    tsne = TSNE(**shape, keep_every=max(1, shape["max_iter"] // _FRAMES))
    y = tsne.fit_transform(found.x)
    if not tsne.n_iter_ and shape["max_iter"]:
        raise KeyboardInterrupt
    seconds = time.perf_counter() - begun
    with Console(stderr=True).status("judging the map"):
        made = tsne.map(*beside, found.title, found.legend)
        trust, among = _trust(found.x, y, shape["metric"], shape["random_state"])
    return _Outcome(
        made,
        float(tsne.kl_divergence_),
        trust,
        among,
        tsne.n_iter_,
        tsne.n_iter_ < shape["max_iter"],
        seconds,
    )


def _trust(x: np.ndarray, y: np.ndarray, metric: str, seed: int) -> tuple[float | None, int]:
    """How far neighbours on the map are neighbours in the data, from 0 to 1, of some points.

    Source: Venna and Kaski, "Neighborhood preservation in nonlinear projection methods" (2001).
    """
    from sklearn.manifold import trustworthiness

    from pullback.maps.neighbours import scaling

    few = np.random.default_rng(seed).permutation(len(x))[:_SAMPLE]
    if len(few) <= 2 * _NEIGHBOURS:
        return None, len(few)
    of_few = x[np.ix_(few, few)] if metric == "precomputed" else scaling(x, metric)(x[few])
    trust = trustworthiness(of_few, y[few], n_neighbors=_NEIGHBOURS, metric=metric)
    return float(trust), len(few)


def _refuse_numbers(iterations: int, seed: int, threads: int | None) -> None:
    """Raise `CircuitError` for a number that is out of its range, by the name of its option."""
    if iterations < 0:
        raise CircuitError(f"--iterations is a whole number from 0 on, got {iterations}")
    if not 0 <= seed < 2**32:
        raise CircuitError(f"--seed is a whole number from 0 to {2**32 - 1:,}, got {seed}")
    if threads is not None and threads < 1:
        raise CircuitError(f"--threads is a whole number from 1 on, got {threads}")


def _writable(names: list[str], data: str) -> list[Path]:
    """Where the map shall be written, refused now where it cannot."""
    paths = [writable("--save", name, *ENDINGS) for name in names]
    for path in paths:
        refuse_same("--save", path, data)
    if any(path.suffix.lower() in (".svg", ".png") for path in paths):
        refuse_without_matplotlib()
    return paths


def _perplexity(asked: float | None, count: int) -> float:
    """What was asked for, or 30, where so few points allow it."""
    return asked if asked is not None else float(max(1, min(30, (count - 1) // 3)))


def _show_points(page: Page, found: Points, shape: dict[str, Any]) -> None:
    """What is mapped, and how."""
    page.lines(sentence(found.source, page.width, 0), "bold")
    page.sentences([f"{counted(len(found), 'point')} of {counted(found.x.shape[1], 'number')}"])
    if found.notes:
        page.lines([""])
        page.sentences(f"note: {note}" for note in found.notes)
    page.facts(
        f"t-SNE     perplexity {shape['perplexity']:g}, {shape['metric']} distances, "
        f"{counted(shape['max_iter'], 'iteration')}, seed {shape['random_state']}"
    )


def _show_outcome(page: Page, outcome: _Outcome, paths: list[Path]) -> None:
    """How good the map is, and where it lies."""
    lines = [
        f"ended     after {counted(outcome.iterations, 'iteration')} in {outcome.seconds:.1f} s, "
        f"KL divergence {outcome.cost:.3f}"
    ]
    if outcome.trust is not None:
        among = "" if outcome.among == len(outcome.map) else f", among {outcome.among:,} of them"
        lines.append(
            f"trust     {outcome.trust:.3f} of 1: the {_NEIGHBOURS} nearest points on the map are "
            f"near in the data too{among}"
        )
    page.facts(*lines, *(f"saved     {path}, {_size(path)}" for path in paths))
    if outcome.map.notes[1:]:
        page.lines([""])
        page.sentences(f"note: {note}" for note in outcome.map.notes[1:])


def _size(path: Path) -> str:
    return filesize.decimal(os.path.getsize(path))

"""In: data that holds pictures, and what was asked. Out: a trained model, and a report of it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import typer
from rich.console import Console

from pullback.cli.asked import Asked, as_options
from pullback.cli.picture_report import show_picture_outcome, show_pictures
from pullback.cli.report import Page
from pullback.core.errors import CircuitError
from pullback.datasets import DATASETS
from pullback.datasets.images import PictureSet
from pullback.images import Pictures, list_csv, list_folder
from pullback.images.listed import lists_pictures
from pullback.images.recipe import PictureRecipe
from pullback.images.study import PictureStudy


def holds_pictures(data: str) -> bool:
    """Whether data are pictures: of a set, in a folder, or named by a CSV file."""
    if data in DATASETS:
        return isinstance(DATASETS[data], PictureSet)
    return os.path.isdir(data) or (data.lower().endswith(".csv") and lists_pictures(data))


def pictures_of(data: str, size: tuple[int, int] | None, skip_broken: bool) -> Pictures:
    """The pictures themselves.

    Raises `CircuitError` where they cannot be read, or are of another size than is told and were
    not read from files.
    """
    if data not in DATASETS:
        try:
            listing = list_folder(data) if os.path.isdir(data) else list_csv(data)
            found = listing.read(size, skip_broken=skip_broken)
        except CircuitError as error:
            raise CircuitError(as_options(str(error))) from None
        return replace(found, notes=tuple(map(as_options, found.notes)))
    if size is not None or skip_broken:
        option = "--size" if size is not None else "--skip-broken"
        raise CircuitError(f"{option} is for pictures in files, and {data} is a set of its own")
    return DATASETS[data]()  # pyright: ignore[reportReturnType]


def picture_study(data: str, asked: Asked) -> PictureStudy:
    """The study of these pictures, before training.

    Raises `CircuitError` where they cannot be read or learned from, or not as was asked.
    """
    told = asked.given("pictures", "folders")
    augment, size, skip = (told.pop(name, None) for name in ("augment", "size", "skip_broken"))
    names = () if augment is None else tuple(name.strip() for name in augment.split(","))
    recipe = PictureRecipe(**told, augment=names).checked()
    pictures = pictures_of(data, None if size is None else size_of(size), bool(skip))
    return PictureStudy.of(pictures, recipe)


def train_pictures(
    data: str, asked: Asked, path: Path | None, saved: str | None, as_json: bool
) -> None:
    """Train a model of pictures, judge it, show what is known, and save it if a path is given."""
    study = picture_study(data, asked)
    page = Page()
    if not as_json:
        show_pictures(page, study)
    outcome = study.train()
    with Console(stderr=True).status("training a linear model to compare with"):
        _ = outcome.metrics
    if path is not None:
        outcome.trained.save(path)
    if as_json:
        print(json.dumps(outcome.to_json_dict(saved), allow_nan=False))
    else:
        show_picture_outcome(page, outcome, saved)
    if outcome.interrupted:
        raise typer.Exit(130)


def size_of(text: str) -> tuple[int, int]:
    """A height and a width.

    >>> size_of("64"), size_of("48x64")
    ((64, 64), (48, 64))

    Raises `CircuitError` where they are not whole numbers above 0.
    """
    parts = text.lower().split("x")
    if not all(part.strip().isascii() and part.strip().isdigit() for part in parts):
        parts = []
    found = [int(part) for part in parts]
    if len(found) not in (1, 2) or 0 in found:
        raise CircuitError(f"--size is a height and width in pixels, as 64 or 48x64, got {text!r}")
    return found[0], found[-1]

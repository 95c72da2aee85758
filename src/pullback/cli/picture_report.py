"""In: what a study of pictures found. Out: what a person reads of it, at any width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from pullback.cli.layout import cell, sentence, shortened, table
from pullback.cli.report import HEADS, Page, show_end, show_layers, shown_value
from pullback.images.study import PictureOutcome, PictureStudy
from pullback.images.trained import Metric, Record, TrainedPictures

LINEAR = "softmax regression of the pixels"
_NAME = 48  # characters of a file's name
_COLOURS = {1: "grey", 3: "colour"}


def show_pictures(page: Page, study: PictureStudy) -> None:
    """What the pictures are, and what will be trained."""
    data, plan = study.data, study.plan
    rows = {part: len(part_of) for part, part_of in study.parts.items()}
    page.lines(sentence(data.source, page.width, 0), "bold")
    page.sentences(
        [
            f"{sum(rows.values()):,} pictures of {size_of(data.shape)}: {rows['train']:,} to train "
            f"on, {rows['validation']:,} to validate, {rows['test']:,} to test",
            classes_of(data.classes),
            *(f"note: {note}" for note in data.notes),
        ]
    )
    layers = ", ".join(map(repr, plan.model))
    springs = [f"L2({plan.l2:g})"] if plan.l2 else []
    mixed = [f"mixup {plan.mixup:g}"] if plan.mixup else []
    learns = ", ".join([type(plan.loss).__name__, repr(plan.optimizer), *springs, *mixed])
    model = f"model     {layers}: {study.parameters:,} parameters"
    page.facts(model, f"training  {learns}")


def size_of(shape: Sequence[int]) -> str:
    """A picture's size as people say it.

    >>> size_of((28, 32, 1))
    '28 x 32, grey'
    """
    height, width, channels = shape
    return f"{height} x {width}, {_COLOURS.get(channels, f'{channels} channels')}"


def classes_of(classes: Sequence[Any]) -> str:
    """How many classes there are, and which.

    >>> classes_of(["cat", "dog"])
    '2 classes: cat, dog'
    """
    return f"{len(classes)} classes: {', '.join(cell(name) for name in classes)}"


def show_picture_outcome(page: Page, outcome: PictureOutcome, saved: str | None) -> None:
    """How good it is, where it is wrong, and how it came to that."""
    study = outcome.study
    show_accuracy(page, outcome.metrics, f"always {study.data.classes[study.commonest]}")
    page.confusion(study.data.classes, outcome.confusion)
    _show_mistakes(page, outcome)
    show_layers(page, outcome.history)
    pictures = len(study.parts["train"]) * len(outcome.history)
    pace = f", {pictures / outcome.seconds:,.0f} pictures a second"
    show_end(page, outcome, study.recipe, saved, pace=pace)


def show_accuracy(page: Page, metrics: Sequence[Metric], trivial: str) -> None:
    """A line for each way to answer, a column for each part."""
    rows: list[tuple[str, ...]] = [("accuracy", *HEADS)]
    for name, who in (("this model", "model"), (LINEAR, "linear"), (trivial, "trivial")):
        values = (shown_value("accuracy", getattr(metric, who)) for metric in metrics)
        rows.append((cell(name), *values))
    page.headed(table(rows, page.width, right=(1, 2, 3), least={0: 6}))


def _show_mistakes(page: Page, outcome: PictureOutcome) -> None:
    """The pictures that were most confidently taken for another class."""
    if not outcome.mistakes:
        page.lines(["", "every picture of the test part is right"])
        return
    rows = [("picture", "true", "predicted", "sure")]
    for mistake in outcome.mistakes:
        name = shortened(mistake.file, _NAME) if mistake.file else f"{mistake.place + 1:,}"
        words = (cell(mistake.label), cell(mistake.prediction), f"{mistake.confidence:.1%}")
        rows.append((name, *words))
    page.lines(["", Text("most confidently wrong in the test part", "bold")])
    right = (3,) if outcome.mistakes[0].file else (0, 3)
    lines = table(rows, page.width, right=right, least={0: 7, 1: 8, 2: 9})
    page.lines([Text(lines[0], "dim"), *lines[1:]])


def show_trained(page: Page, path: str, trained: TrainedPictures) -> None:
    """What a saved model of pictures takes, and what it was trained on."""
    kind, record = trained.kind, trained.record
    size = size_of((kind.height, kind.width, kind.channels))
    page.lines([path], "bold")
    page.sentences(
        [
            f"tells {len(kind.classes)} classes of pictures apart, of {size}; others are "
            f"{'cut to shape and ' if kind.how == 'crop' else ''}scaled",
            classes_of(kind.classes),
        ]
    )
    show_record(page, record)


def show_record(page: Page, record: Record) -> None:
    """How a model was trained, and how good it was."""
    show_accuracy(page, record.metrics, record.trivial)
    counts = ", ".join(
        f"{metric.pictures:,} to {verb}"
        for metric, verb in zip(record.metrics, ("train on", "validate", "test"), strict=True)
    )
    springs = f", L2({record.l2:g})" if record.l2 else ""
    changed = f"; {', '.join(record.augment)}" if record.augment else ""
    epochs = f"{record.epochs} epoch{'' if record.epochs == 1 else 's'}"
    page.facts(
        f"data      {record.source}",
        f"pictures  {counts}",
        f"training  {record.kind}: {record.optimizer}{springs}{changed}",
        f"ended     after {epochs}, seed {record.seed}: {record.ended}",
    )

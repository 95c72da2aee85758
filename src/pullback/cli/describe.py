"""`pullback describe`: what a model file holds, and how it came to be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Annotated, Any

import typer

from pullback.cli.layout import table
from pullback.cli.picture_report import show_trained
from pullback.cli.report import Page, show_columns, show_metrics, shown_value
from pullback.cli.sequence_report import show_trained_sequences
from pullback.core.plain import to_plain
from pullback.images.trained import TrainedPictures, holds_pictures
from pullback.layers import Ensemble, Layer
from pullback.layers.saving import load_model
from pullback.layers.storage import read_about
from pullback.layers.summary import Row
from pullback.sequences.tasks.trained import TrainedSequences, holds_sequences
from pullback.tables import Target
from pullback.tables.measure import Measured
from pullback.tables.trained import PARTS, Record, Trained


def describe(
    model: Annotated[str, typer.Argument(help="a model file, of `pullback train --save` or save")],
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Show a saved model: its layers, what it predicts from what, and how it was trained."""
    version, about = read_about(model)
    if holds_pictures(about):
        _describe_pictures(model, TrainedPictures.load(model), as_json)
        return
    if holds_sequences(about):
        _describe_sequences(model, TrainedSequences.load(model), as_json)
        return
    from pullback.words.kept import holds_words  # which few files need

    if holds_words(about):
        _describe_words(model, version, as_json)
        return
    trained = None if about is None else Trained.load(model)
    layers = load_model(model) if trained is None else trained.model
    if as_json:
        print(json.dumps(_summary(model, layers, version, trained), allow_nan=False))
        return
    page = Page()
    if trained is None:
        page.lines([model], "bold")
        page.sentences(["layers alone, as `save` writes them: nothing tells what they were for"])
    else:
        _show_aim(page, model, trained)
    page.lines(["", *_layers(layers, page.width)])
    if trained is not None:
        show_columns(page, trained.preparation.columns, trained.target)
        _show_training(page, trained)
    page.lines([""])
    page.lines([f"written by pullback {version or '(unknown)'}"])


def _describe_pictures(path: str, trained: TrainedPictures, as_json: bool) -> None:
    """The same of a model of pictures."""
    if as_json:
        record = trained.record
        plain = {
            **_summary(path, trained.model, trained.version, None),
            "task": "classification",
            "classes": list(trained.classes),
            "pictures": to_plain(trained.kind),
            **to_plain(record),
        }
        print(json.dumps(plain, allow_nan=False))
        return
    page = Page()
    show_trained(page, path, trained)
    page.lines(["", *_layers(trained.model, page.width), ""])
    page.lines([f"written by pullback {trained.version or '(unknown)'}"])


def _describe_sequences(path: str, trained: TrainedSequences, as_json: bool) -> None:
    """The same of a model of sequences."""
    if as_json:
        plain = {
            **_summary(path, trained.model, trained.version, None),
            "task": trained.task,
            "inputs": trained.describe(),
            **to_plain(trained.record),
        }
        print(json.dumps(plain, allow_nan=False))
        return
    page = Page()
    show_trained_sequences(page, path, trained)
    page.lines(["", *_layers(trained.model, page.width), ""])
    page.lines([f"written by pullback {trained.version or '(unknown)'}"])


def _describe_words(path: str, version: str, as_json: bool) -> None:
    """The same of word vectors."""
    from pullback.cli.words_report import show_vectors, summary_of
    from pullback.words.vectors import WordVectors

    vectors = WordVectors.load(path)
    if as_json:
        print(json.dumps({"model": path, "version": version, **summary_of(vectors)}))
        return
    page = Page()
    show_vectors(page, path, vectors)
    page.lines(["", f"written by pullback {version or '(unknown)'}"])


def _show_aim(page: Page, path: str, trained: Trained) -> None:
    target, record = trained.target, trained.record
    page.lines([path], "bold")
    what = f"one of {len(target.classes)} classes" if target.classes else "a quantity"
    page.sentences([f"predicts {target.name}, {what}, from {_columns(trained)} of {record.data}"])


def _columns(trained: Trained) -> str:
    used = {feature.column for feature in trained.preparation.features}
    return f"{len(used)} column{'' if len(used) == 1 else 's'}"


def _layers(model: Layer, width: int) -> list[str]:
    """The summary of the layers, in this width; networks that are alike stand there once."""
    summary = model.summary()
    rows = _once(summary.rows) if isinstance(model, Ensemble) else summary.rows
    cells = [("name", "layer", "output", "parameters"), *(row.cells for row in rows)]
    return [*table(cells, width, right=(3,), least={1: 10, 0: 6}), summary.totals]


def _once(rows: Sequence[Row]) -> list[Row]:
    """The rows of members that are alike and follow each other, once, with how many there are."""
    members = [list(of) for _, of in groupby(rows, lambda row: row.name.partition(".")[0])]

    def alike(member: list[Row]) -> list[Row]:
        return [replace(row, name=row.name.partition(".")[2]) for row in member]

    found = []
    for _, run in groupby(members, alike):
        same = list(run)
        first, *inside = same[0]
        if len(same) > 1:
            first = replace(first, layer=f"{len(same)} × {first.layer}")
        found += [first, *inside]
    return found


def _show_training(page: Page, trained: Trained) -> None:
    record = trained.record
    show_metrics(
        page,
        trained.target,
        metrics_of(record),
        {"model": "this model", "linear": record.linear, "trivial": record.trivial},
        balanced=_tells(record),
    )
    train, validation, test = record.rows
    springs = f", L2({record.l2:g})" if record.l2 else ""
    epochs = f"{record.epochs} epoch{'' if record.epochs == 1 else 's'}"
    page.facts(
        f"data      {record.source}",
        f"rows      {train:,} to train on, {validation:,} to validate, {test:,} to test",
        f"training  {record.kind}: {record.loss}, {record.optimizer}{springs}",
        f"ended     after {epochs}, seed {record.seed}: {record.ended}",
        *([] if trained.threshold is None else [f"answers   {trained.answered}"]),
    )


def _tells(record: Record) -> bool:
    """Whether balanced accuracies are other than accuracies, as far as they are shown."""
    plain, balanced = (
        [
            shown_value(metric.name, x)
            for metric in record.metrics
            if metric.name == name
            for x in (metric.model, metric.linear, metric.trivial)
        ]
        for name in ("accuracy", "balanced_accuracy")
    )
    return plain != balanced


def metrics_of(record: Record) -> Mapping[str, Mapping[str, Measured]]:
    """The metrics by who answered, by part, by name."""
    found: dict[str, dict[str, Measured]] = {who: {} for who in ("model", "linear", "trivial")}
    for metric in record.metrics:
        for who, parts in found.items():
            parts.setdefault(metric.part, {})[metric.name] = getattr(metric, who)
    return found


def _summary(path: str, model: Layer, version: str, trained: Trained | None) -> dict[str, Any]:
    summary = model.summary()
    plain: dict[str, Any] = {
        "model": path,
        "version": version,
        "layers": [
            {"name": r.name, "layer": r.layer, "output": r.output, "parameters": r.parameters}
            for r in summary.rows
        ],
        "parameters": summary.parameters,
    }
    if trained is None:
        return plain
    target, record = trained.target, trained.record
    return {
        **plain,
        "task": target.task,
        **_target(target),
        "columns": [
            {"name": c.name, "kind": c.kind, "note": c.note} for c in trained.preparation.columns
        ],
        "inputs": [feature.name for feature in trained.preparation.features],
        "data": record.data,
        "source": record.source,
        "rows": dict(zip(PARTS, record.rows, strict=True)),
        "kind": record.kind,
        "loss": record.loss,
        "optimizer": record.optimizer,
        "l2": record.l2,
        "epochs": record.epochs,
        "ended": record.ended,
        "seed": record.seed,
        "metrics": metrics_of(record),
        "baselines": {"linear": record.linear, "trivial": record.trivial},
        "threshold": to_plain(trained.threshold),
    }


def _target(target: Target) -> dict[str, Any]:
    return {"target": target.name, "classes": list(target.classes)}

"""`pullback train`: a network trained on a named data set, and an honest summary of it."""

from __future__ import annotations

import inspect
import json
import time
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from pullback.cli.files import writable
from pullback.datasets import Dataset, load_dataset
from pullback.layers import Dense, ReLU, Sequential
from pullback.layers.layer import Layer
from pullback.losses import L2, SoftmaxCrossEntropy
from pullback.optim import SGD
from pullback.train import History, Trainer

_SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}


def train(
    data: Annotated[str, typer.Argument(help="the data set: digits")],
    epochs: Annotated[int, typer.Option(min=1, help="passes over the training rows")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="fixes the split, weights and order")] = 0,
    save: Annotated[
        str | None, typer.Option(metavar="FILE", help="write the trained model here")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Split a data set, train a network on it, and judge it on rows that it has never seen.

    Ctrl-C ends the training and not the rest: the summary, and the model saved, are of what was
    learned until then. The status is 130 then.
    """
    target = None if save is None else writable("--save", save)
    dataset = load_dataset(data)
    parts = dict(zip(_SHARES, dataset.split(*_SHARES.values(), seed=seed), strict=True))
    model = Sequential(Dense(256), ReLU(), Dense(len(dataset.classes)), rng=seed)
    trainer = Trainer(
        model,
        SoftmaxCrossEntropy(),
        SGD(0.1, momentum=0.9),
        penalties=[L2(1e-4)],
        seed=seed,
    )
    start = time.perf_counter()
    history = trainer.fit(
        parts["train"].inputs,
        parts["train"].labels,
        epochs=epochs,
        batch_size=32,
        validation=(parts["validation"].inputs, parts["validation"].labels),
    )
    seconds = time.perf_counter() - start
    measured = {k: trainer.evaluate(part.inputs, part.labels) for k, part in parts.items()}
    if target is not None:
        model.save(target)
    summary = _summary(dataset, parts, model, history, measured, seconds, seed, save)
    if as_json:
        print(json.dumps(summary))
    else:
        _show(summary, model)
    if history.ended.startswith("interrupted"):
        raise typer.Exit(130)


def _summary(
    dataset: Dataset,
    parts: dict[str, Dataset],
    model: Sequential,
    history: History,
    measured: dict[str, dict[str, float]],
    seconds: float,
    seed: int,
    save: str | None,
) -> dict[str, Any]:
    """What a practitioner wants to know of a run, as plain data."""
    commonest = int(np.bincount(parts["train"].labels).argmax())
    return {
        "data": dataset.name,
        "seed": seed,
        "epochs": len(history),
        "ended": history.ended,
        "seconds": round(seconds, 3),
        "parameters": sum(unit.size for unit in model.parameters.values()),
        "saved": save,
        "baseline": f"always {dataset.classes[commonest]}",
        **{f"{k}_rows": len(part) for k, part in parts.items()},
        **{f"{k}_loss": m["loss"] for k, m in measured.items()},
        **{f"{k}_accuracy": m["accuracy"] for k, m in measured.items()},
        **{
            f"{k}_baseline_accuracy": float(np.mean(part.labels == commonest))
            for k, part in parts.items()
        },
    }


def _show(summary: dict[str, Any], model: Sequential) -> None:
    """The summary as a table and a few lines."""
    out = Console(highlight=False)
    epochs = f"{summary['epochs']} epoch{'' if summary['epochs'] == 1 else 's'}"
    table = Table(title=f"{summary['data']}: {epochs}, seed {summary['seed']}")
    table.add_column("part")
    for column in ("rows", "loss", "accuracy", summary["baseline"]):
        table.add_column(column, justify="right")
    for k in _SHARES:
        table.add_row(
            k,
            f"{summary[f'{k}_rows']:,}",
            f"{summary[f'{k}_loss']:.4f}",
            f"{summary[f'{k}_accuracy']:.2%}",
            f"{summary[f'{k}_baseline_accuracy']:.2%}",
        )
    out.print(table)
    layers = ", ".join(map(_brief, model))
    out.print(f"model     {layers}: {summary['parameters']:,} parameters", markup=False)
    out.print(f"training  {summary['ended']}, {summary['seconds']:.2f} s")
    saved = summary["saved"] or "not saved; --save FILE keeps it"
    out.print(f"saved     {saved}", markup=False)


def _brief(layer: Layer) -> str:
    """A layer as one would write it: what it was told, where that is not what it does anyway.

    >>> _brief(Dense(10)), _brief(Dense(10, bias=False)), _brief(ReLU())
    ('Dense(10)', 'Dense(10, bias=False)', 'ReLU()')
    """
    expected = inspect.signature(type(layer)).parameters
    told = []
    for name, value in layer.config.items():
        default = expected[name].default
        if default is inspect.Parameter.empty:
            told.append(f"{value!r}")
        elif value != default:
            told.append(f"{name}={value!r}")
    return f"{type(layer).__name__}({', '.join(told)})"

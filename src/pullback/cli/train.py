"""`pullback train`: a model trained on data by name or from a file, and an honest summary of it."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from pullback.cli.asked import Asked
from pullback.cli.file_options import (
    Classes,
    Decimal,
    Gaps,
    Header,
    Kinds,
    Predicted,
    Separator,
    Size,
    TaskName,
    read_options,
)
from pullback.cli.files import model_file, refuse_same, writable
from pullback.cli.model_options import (
    Activation,
    Augment,
    Data,
    Dropped,
    Encoding,
    Hidden,
    LossName,
    Mixup,
    ModelName,
    SampleRate,
    SkipBroken,
    Smoothing,
    Steps,
    Tokenizer,
)
from pullback.cli.pictures import train_pictures
from pullback.cli.rare_options import (
    Calibrate,
    ClassWeights,
    Reliability,
    Sampling,
    Threshold,
)
from pullback.cli.rare_report import draw_reliability, drawable, show_rare
from pullback.cli.report import Page, show_data, show_end, show_layers, show_outcome
from pullback.cli.run_options import (
    BatchSize,
    Board,
    Checkpoint,
    EngineName,
    Epochs,
    Figure,
    Log,
    Monitored,
    OptimizerName,
    Patience,
    Rate,
    Resume,
    Seed,
    Springs,
    Threads,
)
from pullback.cli.sequences import train_sequences
from pullback.cli.similar import FIGURES
from pullback.cli.studies import PICTURED, SEQUENCES, kind_of, table_study
from pullback.core.errors import CircuitError
from pullback.core.plain import finite
from pullback.figures import refuse_without_matplotlib

_OTHERS = {PICTURED: train_pictures, SEQUENCES: train_sequences}
"""What trains on data beside tables."""


def train(
    data: Data,
    target: Predicted = None,
    task: TaskName = None,
    kind: Kinds = None,
    size: Size = None,
    augment: Augment = None,
    skip_broken: SkipBroken = False,
    tokenizer: Tokenizer = None,
    steps: Steps = None,
    encoding: Encoding = None,
    rate: SampleRate = None,
    model: ModelName = None,
    hidden: Hidden = None,
    activation: Activation = None,
    dropout: Dropped = None,
    loss: LossName = None,
    label_smoothing: Smoothing = None,
    mixup: Mixup = None,
    class_weights: ClassWeights = None,
    sampling: Sampling = None,
    threshold: Threshold = None,
    calibrate: Calibrate = None,
    reliability: Reliability = None,
    optimizer: OptimizerName = None,
    learning_rate: Rate = None,
    l2: Springs = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    patience: Patience = 20,
    seed: Seed = 0,
    engine: EngineName = "native",
    threads: Threads = None,
    monitor: Monitored = True,
    log: Log = None,
    tensorboard: Board = None,
    figure: Figure = None,
    checkpoint: Checkpoint = None,
    resume: Resume = False,
    separator: Separator = None,
    header: Header = None,
    decimal: Decimal = None,
    gaps: Gaps = None,
    classes: Classes = "text",
    save: Annotated[
        str | None, typer.Option(metavar="FILE", help="write the trained model here")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Prepare data, train a model on it, and judge it on rows that it has never seen.

    The data are a table, pictures, a text, sentences or recordings. The rows are split at random:
    70% to train on, 10% to validate, 20% to test; a part that a set brings is taken as it is, and
    of a long text the last tenth is kept to judge by. How a table becomes numbers is learned from
    the training rows alone. The model kept is that of the epoch with the best validation loss.

    Where one class is more than twice as common as another, measures are shown that do not rise
    where the commonest is always answered. A threshold, and a calibration, are chosen on the
    validation rows, saved with the model, and used by `pullback predict`.

    With --json, `metrics` has all measures by who answered and by part; the model's own of the test
    part stand at the top too: `test_accuracy` of classes, `test_rmse`, `test_mae` and `test_r2` of
    quantities.

    Ctrl-C ends the training and not the rest: the summary, and the model saved, are of what was
    learned until then. The status is 130 then.

    With --checkpoint, the same command with --resume goes on where it was left, be it by Ctrl-C, a
    crash or a kill -9, and ends with the same model as if it had never been. More --epochs than
    before prolong it, where no schedule hangs on them; another option is refused.
    """
    path = None if save is None else model_file(save)
    if path is not None:
        refuse_same("--save", path, data)
    if figure is not None:
        refuse_without_matplotlib()
        writable("--figure", figure, *FIGURES)
    if log is not None:
        refuse_same("--log", writable("--log", log), data)
    asked = Asked(
        {
            "model": model,
            "hidden": None if hidden is None else sizes(hidden),
            "dropout": dropout,
            "optimizer": optimizer,
            "learning_rate": None if learning_rate is None else rate_of(learning_rate),
            "l2": l2,
            "epochs": epochs,
            "batch_size": batch_size,
            "patience": patience,
            "seed": seed,
            "engine": engine,
            "threads": threads,
            "monitor": monitor,
            "log": log,
            "tensorboard": tensorboard,
            "figure": figure,
            "checkpoint": checkpoint,
            "resume": resume,
        },
        {
            "tables": {
                "activation": activation,
                "loss": loss,
                "label_smoothing": label_smoothing,
                "mixup": mixup,
                "balanced": balanced_classes(class_weights) or None,
                "sampling": sampling,
                "threshold": threshold,
                "calibrate": calibrate,
            },
            "files": {"target": target, "task": task, "kind": kind},
            "drawn": {"reliability": reliability},
            "pictures": {"size": size, "augment": augment},
            "folders": {"skip_broken": skip_broken or None},
            "sequences": {
                "tokenizer": tokenizer,
                "steps": steps,
                "encoding": encoding,
                "rate": rate,
            },
        },
    )
    options = read_options(separator, header, decimal, gaps, classes)
    kind_held = kind_of(data, asked, options)
    if kind_held in _OTHERS:
        _OTHERS[kind_held](data, asked, path, save, as_json)
        return
    picture = None if reliability is None else drawable(reliability)
    study = table_study(data, asked, options)
    page = Page()
    if not as_json:
        show_data(page, study)
    outcome = study.train()
    with Console(stderr=True).status("fitting a linear model to compare with"):
        _ = study.linear  # after training, which need not wait for scikit-learn to be imported
    if path is not None:
        outcome.trained.save(path)
    if picture is not None:
        draw_reliability(outcome, picture)
    if as_json:
        print(json.dumps(finite(outcome.to_json_dict(save)), allow_nan=False))
    else:
        show_outcome(page, outcome)
        show_rare(page, outcome)
        show_layers(page, outcome.history)
        show_end(page, outcome, study.recipe, save, reliability)
    if outcome.interrupted:
        raise typer.Exit(130)


def balanced_classes(class_weights: str | None) -> bool:
    if class_weights not in (None, "balanced"):
        raise CircuitError(f"--class-weights is balanced or not given, got {class_weights!r}")
    return class_weights is not None


def sizes(text: str) -> tuple[int, ...]:
    """The sizes of hidden layers.

    >>> sizes("64, 32")
    (64, 32)

    Raises `CircuitError` where they are not whole numbers above 0.
    """
    parts = text.split(",")
    if not all(part.strip().isascii() and part.strip().isdigit() for part in parts):
        raise CircuitError(f"--hidden is the sizes of layers, such as 64,64, got {text!r}")
    found = tuple(map(int, parts))
    if 0 in found:
        raise CircuitError(f"--hidden needs at least one unit in each layer, got {text!r}")
    return found


def rate_of(text: str) -> float | str:
    """A learning rate as it was typed: a number, or "find"."""
    if text.casefold() == "find":
        return "find"
    try:
        return float(text)
    except ValueError:
        raise CircuitError(
            f"--learning-rate is a number above 0, such as 0.1, or find, got {text!r}"
        ) from None

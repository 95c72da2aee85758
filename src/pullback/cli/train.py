"""`pullback train`: a model trained on data by name or from a file, and an honest summary of it."""

from __future__ import annotations

import json
import math
import os
from typing import Annotated, Any

import typer
from rich.console import Console

from pullback.cli.asked import Asked
from pullback.cli.file_options import (
    OF_PICTURES,
    Classes,
    Decimal,
    Gaps,
    Header,
    Kinds,
    Predicted,
    Separator,
    Size,
    TaskName,
    kinds_told,
    read_options,
)
from pullback.cli.files import model_file, refuse_same, writable
from pullback.cli.pictures import holds_pictures, train_pictures
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
from pullback.cli.sequences import holds_sequences, train_sequences
from pullback.cli.similar import FIGURES
from pullback.core.errors import CircuitError
from pullback.datasets import DATASETS, load_table
from pullback.figures import refuse_without_matplotlib
from pullback.files.folder import kind_in
from pullback.images.reading import PICTURES
from pullback.images.recipe import CHANGES
from pullback.images.recipe import MODELS as PICTURE_MODELS
from pullback.sequences.sound.reading import RECORDINGS
from pullback.sequences.tasks.classifying import MODELS as CLASSIFIERS
from pullback.sequences.tasks.hearing import MODELS as HEARERS
from pullback.sequences.tasks.writing import MODELS as WRITERS
from pullback.sequences.tasks.writing import TOKENIZERS
from pullback.sequences.text.folder import TEXTS
from pullback.tables import TASKS, ReadOptions
from pullback.tables.recipe import MODELS, Recipe
from pullback.tables.study import Study
from pullback.train.settings import named

_TRAINING, _SEQUENCES = "Training", "Text and sound"
_OTHERS = (
    ("sequences", "text or sound", holds_sequences, train_sequences),
    ("pictures", "pictures", holds_pictures, train_pictures),
)
"""The data beside tables: their kind, in a word, how they are known, and what trains on them."""


def train(
    data: Annotated[
        str,
        typer.Argument(
            help="a built-in set such as digits, fashion-mnist or shakespeare; a table (.csv, "
            ".parquet), a text (.txt), tagged sentences (.conllu); or a folder with a folder of "
            "pictures, recordings or texts for each class, or a .txt file with a text in a line"
        ),
    ],
    target: Predicted = None,
    task: TaskName = None,
    kind: Kinds = None,
    size: Size = None,
    augment: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            rich_help_panel=OF_PICTURES,
            help=f"changes at random in training, as flip,shift; of {', '.join(CHANGES)}",
        ),
    ] = None,
    skip_broken: Annotated[
        bool,
        typer.Option(
            "--skip-broken",
            rich_help_panel=OF_PICTURES,
            help="leave out files, of recordings too, that are damaged",
        ),
    ] = False,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(TOKENIZERS),
            rich_help_panel=_SEQUENCES,
            help="what a text is divided into; by default characters, and words of texts with a "
            "class, where these are not single words",
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            rich_help_panel=_SEQUENCES,
            help="of a text that a network sees at once; by default 128, of a transformer 64, and "
            "of texts with a class up to 1000",
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_SEQUENCES,
            help="in which a text is written, such as latin-1; by default utf-8",
        ),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(
            metavar="HERTZ",
            rich_help_panel=_SEQUENCES,
            help="samples a second that recordings are brought to; by default theirs",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_TRAINING,
            help=f"of tables {', '.join(MODELS)}, by default mlp; of pictures "
            f"{', '.join(PICTURE_MODELS)}, by default convnet; of text {', '.join(WRITERS)}, of "
            f"recordings {', '.join(HEARERS)}, by default lstm; of texts with a class "
            f"{', '.join(CLASSIFIERS)}, by default fasttext",
        ),
    ] = None,
    hidden: Annotated[
        str | None,
        typer.Option(
            metavar="SIZES",
            rich_help_panel=_TRAINING,
            help="sizes of hidden layers, or recurrent ones, as 64,64",
        ),
    ] = None,
    activation: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", rich_help_panel=_TRAINING, help="after each of them; by default ReLU"
        ),
    ] = None,
    dropout: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            rich_help_panel=_TRAINING,
            help="dropped behind layers; by default by the task",
        ),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", rich_help_panel=_TRAINING, help="such as Huber; by default by the task"
        ),
    ] = None,
    label_smoothing: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            rich_help_panel=_TRAINING,
            help="of each label that is given to all classes alike, as 0.1; of tables",
        ),
    ] = None,
    mixup: Annotated[
        float | None,
        typer.Option(
            metavar="ALPHA",
            rich_help_panel=_TRAINING,
            help="mix rows at random, as 0.2; of tables (of pictures it is --augment mixup)",
        ),
    ] = None,
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
            "learning_rate": None if learning_rate is None else _rate(learning_rate),
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
    _refuse_empty(data)
    for kind_held, what, holds, train_others in _OTHERS:
        if holds(data):
            asked.refuse_but(f"these are {what}", kind_held, "folders")
            if options != ReadOptions():
                raise CircuitError(f"how to read a file can be told of tables; {data} has {what}")
            train_others(data, asked, path, save, as_json)
            return
    asked.refuse_but("this is a table", "tables", "files", "drawn")
    recipe = Recipe(**asked.given("tables")).checked()
    if task is not None:
        task = named("task", task, TASKS)
    kinds = kinds_told(kind or ())
    picture = None if reliability is None else drawable(reliability)
    study = Study.of(load_table(data, target, task, kinds, options), recipe)
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
        show_end(page, outcome, recipe, save, reliability)
    if outcome.interrupted:
        raise typer.Exit(130)


def _refuse_empty(data: str) -> None:
    """Refuse a folder without any file that can be learned from."""
    kinds = (PICTURES, RECORDINGS, TEXTS)
    if data not in DATASETS and os.path.isdir(data) and kind_in(data, kinds) is None:
        raise CircuitError(
            f"there are no pictures, recordings or texts in {data}; files are known by the endings "
            "of their names, such as .png, .wav and .txt"
        )


def balanced_classes(class_weights: str | None) -> bool:
    if class_weights not in (None, "balanced"):
        raise CircuitError(f"--class-weights is balanced or not given, got {class_weights!r}")
    return class_weights is not None


def finite(thing: Any) -> Any:
    """The same with None for what JSON has no number for."""
    if isinstance(thing, dict):
        return {k: finite(v) for k, v in thing.items()}
    if isinstance(thing, list):
        return [finite(v) for v in thing]
    return None if isinstance(thing, float) and not math.isfinite(thing) else thing


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


def _rate(text: str) -> float | str:
    """A learning rate as it was typed: a number, or "find"."""
    if text.casefold() == "find":
        return "find"
    try:
        return float(text)
    except ValueError:
        raise CircuitError(
            f"--learning-rate is a number above 0, such as 0.1, or find, got {text!r}"
        ) from None

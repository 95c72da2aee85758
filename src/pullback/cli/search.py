"""`pullback search`: settings tried on a table by cross-validation, and one model of the best."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from pullback.cli.file_options import Kinds, Predicted, Reading, TaskName
from pullback.cli.files import model_file, refuse_same, writable
from pullback.cli.model_options import LossName
from pullback.cli.rare_options import ClassWeights, Sampling
from pullback.cli.report import Page
from pullback.cli.run_options import EngineName, Patience
from pullback.cli.similar import FIGURES
from pullback.cli.studies import table_of
from pullback.cli.training_options import balanced_classes, sizes
from pullback.core.errors import CircuitError
from pullback.core.plain import finite
from pullback.tables.measure import MEASURES
from pullback.tables.recipe import Recipe

_FIXED = {
    "hidden": sizes,
    "activation": str,
    "dropout": float,
    "label_smoothing": float,
    "mixup": float,
    "optimizer": str,
    "learning_rate": float,
    "l2": float,
    "batch_size": int,
}
"""What can be fixed, and how it is read of the command line."""
_METRICS = ", ".join(name for names in MEASURES.values() for name in names)
_SEARCHING, _TRAINING = "Searching", "Training"


def search(
    data: Annotated[
        str,
        typer.Argument(help="a table: a built-in set such as digits or iris, a .csv or a .parquet"),
    ],
    *,
    minutes: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            rich_help_panel=_SEARCHING,
            help="how long all of it may take; by default 10, or until --trials are tried",
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(metavar="N", rich_help_panel=_SEARCHING, help="how many settings to try"),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            rich_help_panel=_SEARCHING,
            help="processes that try settings at once; by default one for each core",
        ),
    ] = None,
    folds: Annotated[
        int,
        typer.Option(
            metavar="N", rich_help_panel=_SEARCHING, help="of the cross-validation, from 2 on"
        ),
    ] = 5,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_SEARCHING,
            help=f"what to be best by: {_METRICS}; by default accuracy, and rmse of quantities",
        ),
    ] = None,
    networks: Annotated[
        int,
        typer.Option(
            metavar="N",
            rich_help_panel=_SEARCHING,
            help="of the best settings, at most, that answer together, each trained once a fold",
        ),
    ] = 5,
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=_SEARCHING,
            help="keep the trials here: a journal, a .db of SQLite, or a database's address, as "
            "mysql://…, which many machines may use at once",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            rich_help_panel=_SEARCHING,
            help="go on with the trials in --storage, or join who is adding to them",
        ),
    ] = False,
    fix: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            rich_help_panel=_SEARCHING,
            help=f"what not to try: {', '.join(_FIXED)}, as hidden=64,64; for each again",
        ),
    ] = None,
    target: Predicted = None,
    task: TaskName = None,
    kind: Kinds = None,
    loss: LossName = None,
    class_weights: ClassWeights = None,
    sampling: Sampling = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            rich_help_panel=_TRAINING,
            help="most passes over the rows for each network; by default 40, more if they are few",
        ),
    ] = None,
    patience: Patience = 20,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", rich_help_panel=_TRAINING, help="fixes the split, the folds, the weights"
        ),
    ] = 0,
    engine: EngineName = "native",
    reading: Reading,
    save: Annotated[
        str | None, typer.Option(metavar="FILE", help="write the model of the best here")
    ] = None,
    table: Annotated[
        str | None,
        typer.Option("--csv", metavar="FILE", help="write all that was tried here, as a table"),
    ] = None,
    figure: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="draw what was tried and what mattered: .png, .svg, …"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Try settings of networks on a table, and make one model of the best.

    A fifth of the rows, the same as of `pullback train`, is kept to judge the finished model by.
    The others are divided into folds. Settings are judged by how well a network trained on all
    folds but one answers that one, on average over the folds; whatever is worse than others after
    some folds is spared the rest. The first settings are those of `pullback train`; what follows is
    drawn by what did well. Sizes and number of layers, activation, dropout, optimizer, learning
    rate, springs, batch size, mixup and, of classes, label smoothing are tried.

    The settings that cannot be told from the best, a network of each for every fold, answer
    together: the mean of their probabilities, or of their quantities. `pullback predict` and
    `pullback describe` take the file of --save as any other.

    Time decides how far a search comes, so that two of the same seed differ; with --trials and
    --jobs 1 they do not. Ctrl-C ends the search and not the rest: the model is made of what was
    found until then. The status is 130 then.
    """
    paths = _written(save, table, figure, data)
    given = _fixed(fix or ())
    recipe = Recipe(
        loss=loss,
        balanced=balanced_classes(class_weights),
        sampling=sampling,
        epochs=epochs,
        patience=patience,
        seed=seed,
        engine=engine,
        **given,
    )
    with _as_fixed():
        recipe = recipe.checked()
    read = table_of(data, target, task, kind, reading.options)
    from pullback.cli.search_report import show_end, show_ended, show_task
    from pullback.search import Search  # which few commands need

    with _as_fixed():
        whole = Search(read, recipe, given=given, folds=folds, metric=metric)
    whole.refuse(minutes, trials, jobs, storage, resume, networks)
    page = Page()
    if not as_json:
        show_task(page, whole.task)
    ended = whole.run(
        minutes=minutes,
        trials=trials,
        jobs=jobs,
        storage=storage,
        resume=resume,
        networks=networks,
    )
    if save is not None and ended.together is not None:
        ended.together.trained.save(paths[save])
    if table is not None:
        ended.found.table.to_csv(paths[table], index=False, lineterminator="\n")
    if figure is not None:
        from pullback.search.drawing import drawn

        drawn(whole.task, ended.found).save(paths[figure])
    if as_json:
        told = {**ended.to_json_dict(whole.task), "saved": save if ended.together else None}
        print(json.dumps(finite(told), allow_nan=False))
    else:
        with Console(stderr=True).status("measuring what mattered"):
            _ = ended.found.importance
        show_ended(page, whole.task, ended)
        show_end(page, ended, save, storage, table, figure)
    if ended.interrupted:
        raise typer.Exit(130)


def _written(save: str | None, table: str | None, figure: str | None, data: str) -> dict[str, Path]:
    """The paths of the files that are to be written, refused now where they cannot be."""
    paths = {}
    if save is not None:
        paths[save] = model_file(save)
        refuse_same("--save", paths[save], data)
    for option, name, endings in (
        ("--csv", table, (".csv",)),
        ("--figure", figure, FIGURES),
    ):
        if name is not None:
            paths[name] = writable(option, name, *endings)
            refuse_same(option, paths[name], data)
    if figure is not None:
        from pullback.figures import refuse_without_matplotlib

        refuse_without_matplotlib()
    return paths


def _fixed(texts: Sequence[str]) -> dict[str, Any]:
    """The settings that are given, and not tried.

    >>> _fixed(["hidden=64,32", "optimizer=Adam"])
    {'hidden': (64, 32), 'optimizer': 'Adam'}

    Raises `CircuitError` for what is no setting, or not as it may be.
    """
    given: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not sign or name not in _FIXED:
            known = ", ".join(_FIXED)
            raise CircuitError(f"--fix is NAME=VALUE, with a name of {known}, got {text!r}")
        if name in given:
            raise CircuitError(f"--fix tells {name} twice; tell it once")
        try:
            with _as_fixed():
                given[name] = _FIXED[name](value)
        except CircuitError:
            raise
        except ValueError:
            raise CircuitError(f"--fix {name} needs a number, got {value!r}") from None
    return given


@contextmanager
def _as_fixed() -> Iterator[None]:
    """Errors inside name what is fixed as this command does, and not as `pullback train` does."""
    options = "|".join(name.replace("_", "-") for name in _FIXED)
    try:
        yield
    except CircuitError as error:
        fixed = re.sub(rf"--({options})\b", lambda m: f"--fix {m[1].replace('-', '_')}", str(error))
        raise CircuitError(fixed) from None

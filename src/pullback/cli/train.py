"""`pullback train`: a model trained on data by name or from a file, and an honest summary of it."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from pullback.cli.file_options import Reading
from pullback.cli.files import model_file, refuse_same, writable
from pullback.cli.model_options import Data
from pullback.cli.pictures import train_pictures
from pullback.cli.rare_report import draw_reliability, drawable, show_rare
from pullback.cli.report import Page, show_data, show_end, show_layers, show_outcome
from pullback.cli.sequences import train_sequences
from pullback.cli.similar import FIGURES
from pullback.cli.studies import PICTURED, SEQUENCES, kind_of, table_study
from pullback.cli.training_options import Training
from pullback.core.plain import finite
from pullback.figures import refuse_without_matplotlib

_OTHERS = {PICTURED: train_pictures, SEQUENCES: train_sequences}
"""What trains on data beside tables."""


def train(
    data: Data,
    training: Training,
    reading: Reading,
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
    if training.figure is not None:
        refuse_without_matplotlib()
        writable("--figure", training.figure, *FIGURES)
    if training.log is not None:
        refuse_same("--log", writable("--log", training.log), data)
    asked, options, reliability = training.asked, reading.options, training.reliability
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

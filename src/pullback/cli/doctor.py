"""`pullback doctor`: why a model of these data does not learn, with the proof; or that it does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pullback.cli.file_options import Reading
from pullback.cli.files import refuse_same, writable
from pullback.cli.model_options import Data
from pullback.cli.picture_report import show_pictures
from pullback.cli.report import Page, show_data
from pullback.cli.sequence_report import show_sequences
from pullback.cli.studies import kind_of, study_of
from pullback.cli.training_options import Training
from pullback.core.errors import CircuitError
from pullback.images.study import PictureStudy
from pullback.sequences.tasks.study import Study as SequenceStudy
from pullback.tables.study import Study
from pullback.train.fitting import trainer_of

if TYPE_CHECKING:
    from pullback.diagnosis import Report

AnyStudy = Study | PictureStudy | SequenceStudy

OF_TRAIN = (
    *("sampling", "threshold", "calibrate", "reliability", "patience", "monitor"),
    *("log", "tensorboard", "figure", "checkpoint", "resume"),
)
"""The options of a training that are none of an examination."""


def doctor(
    data: Data,
    *,
    seconds: Annotated[
        float, typer.Option(metavar="N", help="about how long the examination may take")
    ] = 30.0,
    training: Training,
    reading: Reading,
    save: Annotated[
        str | None,
        typer.Option(metavar="FILE.html", help="write the report here, as a page to read or send"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Find out why a model does not learn these data, or that it is well.

    The model is that which `pullback train` would train with the same options, on the same rows;
    it is judged by the validation part, and the test part is not looked at. Each finding has a
    name, the evidence, the cause, a cure, and its proof: the same training with that one change.

    A table is examined as the network sees it, prepared: columns are told by their names, and an
    input that is a part of one as "colour=red" or "age is missing".

    The status is 0 where the model is well, 1 where something was found that costs it anything (a
    note does not), 2 after a mistake, and 130 after Ctrl-C, which ends the examination and shows
    what was found until then.
    """
    path = None if save is None else writable("--save", save, ".html")
    if path is not None:
        refuse_same("--save", path, data)
    if not 0.0 < seconds < float("inf"):
        raise CircuitError(f"--seconds is a number above 0, such as 30, got {seconds:g}")
    asked, options = training.asked, reading.options
    study = study_of(kind_of(data, asked, options), data, asked, options)
    page = Page()
    if not as_json:
        _show(page, study)
    report = _examined(study, seconds)
    if path is not None:
        report.save(path)
    if as_json:
        name = study.name if isinstance(study, SequenceStudy) else study.data.name
        print(json.dumps({"data": name, **report.to_json_dict(), "saved": save}, allow_nan=False))
    else:
        page.show(report)
        page.facts(f"saved     {save or 'not saved; --save FILE.html keeps it'}")
    if report.ended:
        raise typer.Exit(130)
    if not report.healthy:
        raise typer.Exit(1)


def _show(page: Page, study: AnyStudy) -> None:
    """What the data are, and which model is examined."""
    if isinstance(study, Study):
        show_data(page, study)
    elif isinstance(study, PictureStudy):
        show_pictures(page, study)
    else:
        show_sequences(page, study)


def _examined(study: AnyStudy, seconds: float) -> Report:
    """The doctor's report on the model that the study would train."""
    from pullback.diagnosis import doctor as examine  # which few commands need

    recipe, columns, mixup = study.recipe, [], 0.0
    sizes: dict[str, Any] = {} if recipe.batch_size is None else {"batch_size": recipe.batch_size}
    if isinstance(study, Study):
        (inputs, labels), validation = map(study.numbers, ("train", "validation"))
        mixup = study.plan.mixup
        columns = [feature.name for feature in study.preparation.features]
    elif isinstance(study, PictureStudy):
        train, kept = study.parts["train"], study.parts["validation"]
        inputs, labels, validation = train.inputs, train.labels, (kept.inputs, kept.labels)
        mixup = study.plan.mixup
    else:
        inputs, labels, validation = study.plan.batches, None, study.plan.validation
    return examine(
        trainer_of(recipe, study.plan, mixup),
        inputs,
        labels,
        validation=validation,
        epochs=study.plan.epochs,
        columns=columns,
        seconds=seconds,
        **sizes,
    )

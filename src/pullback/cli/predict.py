"""`pullback predict`: a trained model's answers for the rows of a table, as a table."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from pullback.cli.file_options import Reading
from pullback.cli.files import refuse_same, writable
from pullback.cli.layout import sentence
from pullback.cli.report import NAMES, shown_value
from pullback.core.errors import CircuitError
from pullback.datasets import DATASETS, load_table
from pullback.files.answers import Answers
from pullback.images.trained import TrainedPictures, holds_pictures
from pullback.layers.storage import read_about
from pullback.sequences.tasks.trained import TrainedSequences, holds_sequences
from pullback.tables import Dataset, ReadOptions, Table, read_table
from pullback.tables.measure import MEASURES, judged
from pullback.tables.read import row_numbers
from pullback.tables.trained import Trained

if TYPE_CHECKING:
    import pandas as pd

_SUFFIXES = (".csv", ".parquet")


def predict(
    model: Annotated[str, typer.Argument(help="a file that `pullback train --save` wrote")],
    *,
    data: Annotated[
        list[str] | None,
        typer.Argument(
            help="a CSV or Parquet file, or a built-in set; for a model of pictures, recordings or "
            "texts (.txt, .conllu), files of them, and folders"
        ),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="a text itself, of a model of texts; again for more"),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="in which texts are written; by default that of the training"
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="write to this .csv or .parquet file, not to the screen"),
    ] = None,
    reading: Reading,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Write a model's predictions as CSV: one row for each row of the data, in its order.

    Of pictures and recordings, a row has the file, the prediction, and the probability of each
    class; of recordings of several words the file, what was heard, and how likely. Of texts, a row
    is a line of a file, and of sentences a word with its tag.

    A table's file is read as that of the training was, in its decimal mark and its gaps,
    unless told otherwise. Each row has the line of the file, the prediction and, of classes, the
    probability of each, or the score where the model gives no probabilities. Where the data has
    the target too, or files are in folders of the names of classes, how good they are is said on
    standard error.
    """
    data = data or []
    path = None if output is None else writable("--output", output, *_SUFFIXES)
    if path is not None:
        refuse_same("--output", path, model, *data)
    options = reading.options
    about = read_about(model)[1]
    if holds_pictures(about) or holds_sequences(about):
        if options != ReadOptions():
            raise CircuitError(f"how to read a file can be told of tables; {model} takes others")
        trained = (TrainedPictures if holds_pictures(about) else TrainedSequences).load(model)
        if isinstance(trained, TrainedPictures):
            _refuse_texts(encoding, text)
            found = trained.answers(data)
        elif text:
            _refuse_both(data, encoding)
            found = trained.answers_to(text)
        else:
            _refuse_nothing(data)
            found = trained.answers(data, encoding=encoding)
        _show_answers(found, trained.task, model, data, path, output, as_json)
        return
    from pullback.words.kept import holds_words  # which few files need

    if holds_words(about):
        raise CircuitError(f"{model} holds word vectors, which `pullback similar` asks")
    _refuse_texts(encoding, text)
    _refuse_nothing(data)
    if len(data) > 1:
        raise CircuitError(f"a model of tables takes one table, got {len(data)}: {', '.join(data)}")
    trained = Trained.load(model).read_with(options)
    (name,) = data
    read = _table(name, options)
    inputs, notes = trained.preparation.transform(read.frame, read.habits)
    answers = trained.answer(inputs)
    table = answers.table(read.frame.index)
    truth = trained.target.truth(read.frame)
    known = None if truth is None else ~trained.target.gaps(truth)
    found = None if truth is None else judged(answers, truth)
    if trained.answered:
        notes = (*notes, f"the model answers {trained.answered}")
    _say((*read.notes, *notes))
    if path is not None:
        _write(table, path)
    if as_json:
        summary = {
            "model": model,
            "data": name,
            "task": trained.target.task,
            "target": trained.target.name,
            "classes": list(trained.target.classes),
            "metrics": found,
            "notes": [*read.notes, *notes],
            "saved": output,
            "rows": [] if path is not None else table.to_dict("records"),
        }
        print(json.dumps(summary, allow_nan=False))
    elif path is None:
        _print(table.to_csv(index=False, lineterminator="\n"))
    if found is not None and known is not None:
        values = (f"{NAMES[m]} {shown_value(m, found[m])}" for m in MEASURES[trained.target.task])
        rows = "1 row" if known.sum() == 1 else f"{known.sum():,} rows"
        _say([f"{trained.target.name} of {rows}: {', '.join(values)}"], "")
    if path is not None and not as_json:
        _say([f"{len(table):,} predictions written to {output}"], "")


def _refuse_texts(encoding: str | None, text: list[str] | None) -> None:
    for option, value in (("--encoding", encoding), ("--text", text)):
        if value:
            raise CircuitError(f"{option} is for models of texts, and this is none")


def _refuse_both(data: list[str], encoding: str | None) -> None:
    if data or encoding:
        raise CircuitError("--text tells a text itself; leave out files, and their --encoding")


def _refuse_nothing(data: list[str]) -> None:
    if not data:
        raise CircuitError("name the data to predict; `pullback describe MODEL` says what it takes")


def _show_answers(
    found: Answers,
    task: str,
    model: str,
    data: list[str],
    path: Path | None,
    output: str | None,
    as_json: bool,
) -> None:
    """The answers for pictures, recordings and texts."""
    import pandas as pd

    table = pd.DataFrame(dict(found.columns))
    _say(found.notes)
    if path is not None:
        _write(table, path)
    if as_json:
        summary = {
            "model": model,
            "data": data,
            "task": task,
            "classes": list(found.classes),
            "metrics": dict(found.measured) or None,
            "notes": list(found.notes),
            "saved": output,
            "rows": [] if path is not None else table.to_dict("records"),
        }
        print(json.dumps(summary, allow_nan=False))
    elif path is None:
        _print(table.to_csv(index=False, lineterminator="\n", float_format="%.6g"))
    else:
        _say([f"{len(table):,} predictions written to {output}"], "")
    if found.measured and not as_json:
        values = ", ".join(f"{name} {x:.2%}" for name, x in found.measured.items())
        _say([f"{found.judged}: {values}"], "")


def _table(data: str, options: ReadOptions) -> Table:
    """The table in a file, or of a built-in set, whose inputs are taken back to what they were."""
    import pandas as pd

    if data not in DATASETS:
        return read_table(data, options)
    if options != ReadOptions():
        raise CircuitError(f"{data} is built in, so leave out how to read a file")
    whole = load_table(data)
    if not isinstance(whole, Dataset):
        return Table(whole.frame)
    preparation = whole.preparation
    assert preparation is not None
    values = {
        feature.column: x * feature.scale + feature.centre
        for feature, x in zip(preparation.features, whole.inputs.T.astype(float), strict=True)
    }
    if preparation.target is not None:
        values[preparation.target.name] = np.array(whole.classes)[whole.labels]
    return Table(pd.DataFrame(values, index=row_numbers(len(whole))))


def _print(text: str) -> None:
    """A table's text on standard output, where no answer may become another: as UTF-8.

    Raises `CircuitError` where a terminal cannot show it.
    """
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        if not out.isatty():
            out.reconfigure(encoding="utf-8")
        elif text.encode(out.encoding, errors="replace").decode(out.encoding) != text:
            raise CircuitError(
                f"this terminal writes {out.encoding}, which cannot show all of the predictions; "
                "--output writes them to a file"
            )
    out.write(text)


def _write(table: pd.DataFrame, path: Path) -> None:
    if path.suffix.lower() == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False, lineterminator="\n")


def _say(texts: Any, start: str = "note: ") -> None:
    """Sentences for a person, on standard error."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    for text in texts:
        for line in sentence(f"{start}{text}", console.width):
            console.print(line, markup=False, soft_wrap=True)

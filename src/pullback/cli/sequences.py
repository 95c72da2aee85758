"""In: text or sound, and what was asked. Out: a trained model, and a report of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from pullback.cli.asked import Asked, as_options
from pullback.cli.report import Page
from pullback.cli.sequence_report import show_sequence_outcome, show_sequences
from pullback.core.errors import CircuitError
from pullback.datasets import DATASETS
from pullback.datasets.load import holds_texts
from pullback.datasets.speech import SpeechSet
from pullback.datasets.texts import TextSet
from pullback.files.folder import kind_in
from pullback.files.listed import lists_files
from pullback.images.reading import PICTURES
from pullback.sequences.sound.folder import list_recordings
from pullback.sequences.sound.listing import Listing
from pullback.sequences.sound.reading import RECORDINGS, SUFFIXES
from pullback.sequences.sound.recordings import Recordings
from pullback.sequences.tasks.classifying import ClassifyingStudy
from pullback.sequences.tasks.hearing import HearingStudy
from pullback.sequences.tasks.recipe import SequenceRecipe
from pullback.sequences.tasks.study import Study
from pullback.sequences.tasks.tagging import TaggingStudy
from pullback.sequences.tasks.writing import WritingStudy
from pullback.sequences.text.folder import texts_in
from pullback.sequences.text.long_text import Text, TextFile
from pullback.sequences.text.sentences import CONLLU, Sentences, TaggedSentences, read_conllu

_TEXTS = (".txt", ".text", ".txt.gz")
STUDIES: dict[type, Callable[[Any, SequenceRecipe], Study]] = {
    Text: WritingStudy.of,
    TextFile: WritingStudy.of,
    Sentences: ClassifyingStudy.of,
    TaggedSentences: TaggingStudy.of,
    Recordings: HearingStudy.of,
    Listing: HearingStudy.of,
}
"""By the type of the data, what learns from them."""


def holds_sequences(data: str) -> bool:
    """Whether data are text or sound: of a set, in a file or folder, or named by a CSV file."""
    if data in DATASETS:
        return isinstance(DATASETS[data], SpeechSet | TextSet)
    if os.path.isdir(data):
        return holds_texts(data) or kind_in(data, (PICTURES, RECORDINGS)) is RECORDINGS
    name = data.lower()
    return name.endswith((*_TEXTS, *CONLLU, *SUFFIXES)) or (
        name.endswith(".csv") and lists_files(data, RECORDINGS)
    )


def sequence_study(data: str, asked: Asked) -> Study:
    """The study of these texts or recordings, before training.

    Raises `CircuitError` where they cannot be read or learned from, or not as was asked.
    """
    told = asked.given("sequences", "folders")
    how = {name: told.pop(name) for name in ("encoding",) if name in told}
    try:
        held = sequences_of(data, how)
        study = STUDIES[type(held)](held, SequenceRecipe(**told))
    except CircuitError as error:
        raise CircuitError(as_options(str(error))) from None
    return replace(study, notes=tuple(map(as_options, study.notes)))


def train_sequences(
    data: str, asked: Asked, path: Path | None, saved: str | None, as_json: bool
) -> None:
    """Train a model of sequences, judge it, show what is known, and save it if a path is given."""
    study = sequence_study(data, asked)
    page = Page()
    if not as_json:
        show_sequences(page, study)
    outcome = study.train(tell=None if as_json else _tell)
    if path is not None:
        outcome.trained.save(path)
    if as_json:
        print(json.dumps(outcome.to_json_dict(saved), allow_nan=False))
    else:
        show_sequence_outcome(page, outcome, saved)
    if outcome.interrupted:
        raise typer.Exit(130)


def sequences_of(data: str, how: dict[str, Any]) -> Any:
    """The data set, or what the files hold.

    Raises `CircuitError` where it cannot be read, or was to be read in a way that it has no use
    for.
    """
    if data in DATASETS:
        _refuse_how(data, how)
        return DATASETS[data]()
    if data.lower().endswith(CONLLU):
        _refuse_how(data, how)
        return read_conllu(data)
    texts = os.path.isdir(data) and holds_texts(data)
    if not texts and (os.path.isdir(data) or data.lower().endswith(".csv")):
        _refuse_how(data, how)
        return list_recordings(data)
    if data.lower().endswith(SUFFIXES):
        raise CircuitError(
            f"{data} is one recording, and to learn takes many: give a folder with a folder of "
            "recordings for each class"
        )
    encoding = how.pop("encoding", "utf-8")
    _refuse_how(data, how)
    if texts:
        return texts_in(data, encoding)
    if not os.path.exists(data):
        raise CircuitError(f"cannot read {data}: there is no such file")
    return TextFile(data, encoding)


def _refuse_how(data: str, how: dict[str, Any]) -> None:
    for name in how:
        raise CircuitError(f"--{name.replace('_', '-')} says nothing about {data}")


def _tell(text: str) -> None:
    """What a person would like to see while it trains, above the live line."""
    first, _, rest = text.partition("\n")
    console = Console(stderr=True, highlight=False)
    console.print(first, style="bold", markup=False)
    for line in rest.splitlines():
        console.print(f"    {line}", markup=False, soft_wrap=True)
    console.print()

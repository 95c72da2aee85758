"""Published texts: read from small files in their formats, and as they are where they are."""

from __future__ import annotations

import gzip
import os
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.datasets import DATASETS, load_dataset, load_table
from pullback.datasets.texts import EWT, NAMES, SENTENCE_POLARITY, SHAKESPEARE
from pullback.sequences.text import Sentences, TaggedSentences, Text

SETS = [SHAKESPEARE, SENTENCE_POLARITY, NAMES, EWT]


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A person's own folder of data."""
    monkeypatch.setenv("PULLBACK_DATA", str(tmp_path))
    for data in SETS:
        (tmp_path / data.name).mkdir()
    return tmp_path


def zipped(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), text)


def test_the_last_tenth_is_kept(own):
    (own / "shakespeare" / "input.txt").write_bytes(b"0123456789abcdefghi\r\n" * 10)
    data = replace(SHAKESPEARE, sizes=(210,))()
    assert isinstance(data, Text)
    assert (len(data), len(data.validation)) == (189, 21)
    assert data.text + data.validation.text == "0123456789abcdefghi\r\n" * 10
    with pytest.raises(pb.CircuitError, match=r"input.txt holds 210 characters, not 1,115,394; it"):
        SHAKESPEARE()


def test_classes_are_files_of_an_archive(own):
    path = own / "names" / "names.zip"
    zipped(path, names__female_DOT_txt="Ada \nEve\n\n", names__male_DOT_txt="Bob")
    data = replace(NAMES, sizes=(2, 1))()
    assert isinstance(data, Sentences)
    assert data.texts == ("Ada", "Eve", "Bob")
    assert data.labels.tolist() == [0, 0, 1]
    assert data.classes == ("female", "male")
    with pytest.raises(pb.CircuitError, match=r"names.zip holds 2 texts in .*, not 5,001"):
        NAMES()
    zipped(path, names__female_DOT_txt="Ada")
    with pytest.raises(pb.CircuitError, match=r"names.zip lacks names/male.txt; it is damaged"):
        replace(NAMES, sizes=(1, 1))()
    path.write_bytes(b"no archive")
    with pytest.raises(pb.CircuitError, match=r"cannot read .*names.zip: .*; it is damaged"):
        NAMES()


@pytest.mark.parametrize("end", ["", ".gz"])
def test_parts_of_conllu(own, end):
    for part, word in (("train", "a"), ("dev", "b"), ("test", "c")):
        line = f"1\t{word}\t_\tX" + "\t_" * 6 + "\n\n"
        data = line.encode()
        path = own / "ewt" / f"en_ewt-ud-{part}.conllu{end}"
        path.write_bytes(gzip.compress(data) if end else data)
    data = replace(EWT, sizes=(1, 1, 1))()
    assert isinstance(data, TaggedSentences)
    assert [x.words for x in (data, data.validation, data.test)] == [
        (("a",),),
        (("b",),),
        (("c",),),
    ]
    assert data.name == data.test.name == "ewt"
    with pytest.raises(pb.CircuitError, match="holds 1 sentences, not 12,544"):
        EWT()


@pytest.mark.parametrize("data", SETS, ids=lambda data: data.name)
def test_the_sets_are_registered(data, own, monkeypatch):
    assert DATASETS[data.name] is data
    assert all(file.md5 is None or re.fullmatch("[0-9a-f]{32}", file.md5) for file in data.files)
    assert all(file.home.startswith("https://") and file.home[-1] == "/" for file in data.files)
    with pytest.raises(pb.CircuitError, match=r"PULLBACK_DATA is .*, and there is no .*: put it"):
        load_dataset(data.name)
    with pytest.raises(
        pb.CircuitError, match=f"^{data.name} holds text, and this takes tables; .*"
    ):
        load_table(data.name)


def has(name):
    folder = Path(os.environ.get("PULLBACK_DATA") or "nowhere") / name
    return pytest.mark.skipif(
        not folder.is_dir(), reason=f"PULLBACK_DATA names no folder with {name}"
    )


@has("shakespeare")
def test_shakespeare_itself():
    data = load_dataset("shakespeare")
    assert data.text.startswith("First Citizen:\nBefore we proceed any further, hear me speak.")
    assert (len(data), len(data.validation)) == (1_003_854, 111_540)
    assert len(set(data.text + data.validation.text)) == 65


@has("sentence-polarity")
def test_sentence_polarity_itself():
    data = load_dataset("sentence-polarity")
    assert np.bincount(data.labels).tolist() == [5_331, 5_331]
    assert data.classes == ("negative", "positive")
    assert data.texts[0] == "simplistic , silly and tedious ."


@has("names")
def test_names_themselves():
    data = load_dataset("names")
    assert np.bincount(data.labels).tolist() == [5_001, 2_943]
    assert (data.texts[0], data.texts[-1]) == ("Abagael", "Zorro")


@has("ewt")
def test_ewt_itself():
    data = load_dataset("ewt")
    assert [len(x) for x in (data, data.validation, data.test)] == [12_544, 2_001, 2_077]
    assert len(data.classes) == 17
    assert data.validation.words[0] == ("From", "the", "AP", "comes", "this", "story", ":")
    assert data.validation.tags[0] == ("ADP", "DET", "PROPN", "VERB", "DET", "NOUN", "PUNCT")
    for part in (data.validation, data.test):
        assert all((y >= 0).all() for y in part.labels(data.classes))

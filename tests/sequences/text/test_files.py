"""Text files by pieces: the same numbers as of the whole, in memory that does not grow with it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import pullback as pb
from pullback.files import text as module
from pullback.sequences.text import (
    BytePairs,
    Characters,
    Words,
    encode_file,
    text_pieces,
)

TEXT = "It's a naïve  café,\r\n\r\nwith 1,000.5 things —  👩‍👧 \x1c and\tso   on!\n" * 7


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT.encode())
    return path


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000, 1 << 16])
def test_the_numbers_of_pieces_are_those_of_the_whole(text_file, tmp_path, monkeypatch, size):
    monkeypatch.setattr(module, "_PIECE", size)
    assert "".join(text_pieces(text_file)) == TEXT
    for k, tokenizer in enumerate((Characters.of(TEXT), Words.of(TEXT), BytePairs.of(TEXT))):
        numbers = encode_file(text_file, tokenizer, tmp_path / f"{k}.npy")
        assert isinstance(numbers, np.memmap)
        np.testing.assert_array_equal(numbers, tokenizer.encode(TEXT))
        np.testing.assert_array_equal(np.load(tmp_path / f"{k}.npy", mmap_mode="r"), numbers)


def test_a_text_without_spaces_comes_by_pieces_too(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_PIECE", 10)
    (tmp_path / "a.txt").write_text("acgt" * 100)
    assert len(list(text_pieces(tmp_path / "a.txt"))) == 1
    assert len(list(text_pieces(tmp_path / "a.txt", whole_words=False))) == 40
    numbers = encode_file(tmp_path / "a.txt", Characters.of("acgt"), tmp_path / "a.npy")
    assert numbers.tolist() == [0, 1, 2, 3] * 100


def test_vocabularies_are_made_of_pieces(text_file, monkeypatch):
    monkeypatch.setattr(module, "_PIECE", 5)
    assert Characters.of(text_pieces(text_file)) == Characters.of(TEXT)
    assert Words.of(text_pieces(text_file)) == Words.of(TEXT)


def test_numbers_take_as_few_bytes_as_they_need(tmp_path):
    path = tmp_path / "a.txt"
    for count, dtype in [(1, "u1"), (256, "u1"), (257, "u2"), (70_000, "u4")]:
        tokenizer = Characters(tuple(chr(k) for k in range(0x10000, 0x10000 + count)))
        path.write_text(tokenizer.vocabulary[-1] * 3, encoding="utf-8")
        numbers = encode_file(path, tokenizer, tmp_path / "a.npy")
        assert numbers.dtype == dtype
        assert numbers.tolist() == [count - 1] * 3


def test_an_empty_file_has_no_numbers(tmp_path):
    (tmp_path / "a.txt").write_text("")
    assert list(text_pieces(tmp_path / "a.txt")) == []
    assert encode_file(tmp_path / "a.txt", Characters.of("a"), tmp_path / "a.npy").shape == (0,)


def test_other_encodings(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("naïve".encode("latin-1"))
    assert "".join(text_pieces(path, "latin-1")) == "naïve"
    path.write_bytes("naïve".encode("utf-16"))
    assert "".join(text_pieces(path, "utf-16")) == "naïve"
    path.write_bytes(b"naive")
    with pytest.raises(pb.CircuitError, match=r"a.txt is not text in utf-16, by its byte 0"):
        list(text_pieces(path, "utf-16"))


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize(
    ("data", "at"), [(b"ab\xffcd", 2), ("aé".encode()[:-1], 1), ("é€".encode()[:-1], 2)]
)
def test_bytes_that_are_no_text_are_named(tmp_path, monkeypatch, data, at, size):
    monkeypatch.setattr(module, "_PIECE", size)
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(pb.CircuitError, match=rf"a.txt is not text in utf-8, by its byte {at};"):
        list(text_pieces(tmp_path / "a.txt"))


def test_what_cannot_be_read_or_written_is_refused(text_file, tmp_path):
    tokenizer = Characters.of(TEXT)
    with pytest.raises(pb.CircuitError, match=r"cannot read .*missing.txt: No such file"):
        list(text_pieces(tmp_path / "missing.txt"))
    with pytest.raises(pb.CircuitError, match="there is no encoding 'utf-9'"):
        list(text_pieces(text_file, "utf-9"))
    with pytest.raises(pb.CircuitError, match=r"a file that ends in .npy, got .*a.bin"):
        encode_file(text_file, tokenizer, tmp_path / "a.bin")
    with pytest.raises(pb.CircuitError, match=r"cannot write .*a.npy: No such file"):
        encode_file(text_file, tokenizer, tmp_path / "no" / "a.npy")


def test_what_was_there_stays_where_encoding_fails(text_file, tmp_path):
    to = tmp_path / "a.npy"
    to.write_bytes(b"old")
    with pytest.raises(
        pb.CircuitError, match=r"a.txt, from character 0 on: the character 't' at position 1"
    ):
        encode_file(text_file, Characters.of("I"), to)
    assert to.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npy", "a.txt"]


MEMORY = """
import sys, tracemalloc
from pullback.sequences.text import *

path, to = sys.argv[1:]
tracemalloc.start()
numbers = encode_file(path, Characters.of(text_pieces(path)), to)
for made in (TextStreams(numbers, 16, 64), TextWindows(numbers, 16, 64)):
    for inputs, labels in made():
        pass
print(len(numbers), tracemalloc.get_traced_memory()[1])
"""


def test_memory_does_not_grow_with_the_text(tmp_path):
    """20 MB of text, in a process of its own, whose own memory is measured at its highest."""
    path = tmp_path / "long.txt"
    line = "The quick brown fox jumps over the lazy dog, and so on and on and on.\n"
    path.write_text(line * (20_000_000 // len(line)))
    command = [sys.executable, "-c", MEMORY, str(path), str(tmp_path / "long.npy")]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    count, peak = map(int, made.stdout.split())
    assert count == path.stat().st_size
    assert peak < 6_000_000  # of which most is one piece in several forms

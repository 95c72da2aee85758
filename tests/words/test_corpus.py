"""What is a corpus and what is none, and text files read by pieces."""

import gzip
import tracemalloc

import pytest

from pullback.core.errors import CircuitError
from pullback.files import text as reading
from pullback.words.corpus import TextFiles, corpus_of, split_lower

TEXT = "To be, or\nnot to be.\n\n \nThat is THE question:\r\n\r\nIt's naïve; l’été 42.\n"
PARAGRAPHS = [
    ["to", "be", "or", "not", "to", "be"],
    ["that", "is", "the", "question"],
    ["it's", "naïve", "l'été"],
]


@pytest.fixture
def path(tmp_path):
    (tmp_path / "a.txt").write_bytes(TEXT.encode())
    return tmp_path / "a.txt"


def sentences(files):
    return [list(words) for words in files if words]


@pytest.mark.parametrize("size", [1, 2, 7, 1 << 16])
def test_a_file_is_read_by_pieces_and_paragraphs_end_sentences(path, monkeypatch, size):
    monkeypatch.setattr(reading, "_PIECE", size)
    files = TextFiles(path)
    assert sentences(files) == PARAGRAPHS
    assert sentences(files) == PARAGRAPHS  # anew


def test_lines_may_be_sentences_and_files_end_them(path, tmp_path):
    lines = sentences(TextFiles(path, lines=True))
    assert lines[:2] == [["to", "be", "or"], ["not", "to", "be"]]
    with gzip.open(tmp_path / "b.txt.gz", "wt") as file:
        file.write("Once more")
    assert sentences(TextFiles([path, tmp_path / "b.txt.gz"])) == [*PARAGRAPHS, ["once", "more"]]


def test_words_may_be_split_otherwise(path):
    assert next(iter(TextFiles(path, split=str.split))) == ["To", "be,", "or", "not", "to", "be."]


def test_a_long_text_in_one_line_is_cut(tmp_path, monkeypatch):
    (tmp_path / "long.txt").write_text("word " * 25_000)
    lengths = [len(words) for words in TextFiles(tmp_path / "long.txt") if words]
    assert max(lengths) <= 10_000
    assert sum(lengths) == 25_000


def test_a_file_is_never_in_memory_as_a_whole(tmp_path):
    path = tmp_path / "large.txt"
    path.write_text("some words that repeat, and repeat.\n\n" * 60_000)
    tracemalloc.start()
    try:
        assert sum(map(len, TextFiles(path))) == 360_000
        assert tracemalloc.get_traced_memory()[1] < path.stat().st_size / 2
    finally:
        tracemalloc.stop()


def test_paths_are_files(path):
    for given in (path, str(path), [path, path], [str(path)], [path, str(path)]):
        assert isinstance(corpus_of(given), TextFiles)
    lists = [["a"], ["b"]]
    assert corpus_of(lists) is lists


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("To be or not", "there is no file 'To be or not'"),
        (["one sentence", "another"], "sentence 0 of the corpus is a text, 'one sentence'"),
        ([["a", "b"] for _ in range(1)].__iter__(), "read more than once, which a list_iterator"),
        ((words for words in [["a"]]), "which a generator cannot be; give a list of lists"),
        (7, "or the path of a text file, got int"),
        ({"a": 1}, "got dict"),
        (b"text", "got bytes"),
        ({("a", "b")}, "read in an order, which a set has not"),
    ],
)
def test_what_is_no_corpus_is_refused_with_a_cure(given, words):
    with pytest.raises(CircuitError, match=words):
        corpus_of(given)


def test_files_that_are_missing_or_no_text_are_refused(path, tmp_path):
    with pytest.raises(CircuitError, match=r"there is no file 'b\.txt'"):
        corpus_of([str(path), "b.txt"])
    with pytest.raises(CircuitError, match="is a folder"):
        corpus_of(tmp_path)
    with pytest.raises(CircuitError, match=r"is no file; give the paths"):
        corpus_of(tmp_path / "b.txt")
    with pytest.raises(CircuitError, match="or several; got none"):
        TextFiles([])
    path.write_bytes("été".encode("latin-1"))
    with pytest.raises(CircuitError, match="is not text in utf-8-sig, by its byte 0"):
        list(TextFiles(path))
    assert sentences(TextFiles(path, encoding="latin-1")) == [["été"]]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_utf16_is_told_and_never_read_as_single_letters(encoding, path):
    path.write_bytes("the cat sat".encode(encoding))
    for other in ("utf-8-sig", "latin-1"):
        with pytest.raises(CircuitError, match=f"not text in {other}: .* give encoding='utf-16'"):
            list(TextFiles(path, encoding=other))
    assert sentences(TextFiles(path, encoding=encoding)) == [["the", "cat", "sat"]]
    path.write_bytes(b"the\0 cat " * 9)  # a few are noise
    assert sentences(TextFiles(path)) == [["the", "cat"] * 9]


def test_words_are_runs_of_letters():
    assert split_lower("") == []
    assert split_lower("Don’t don't") == ["don't"] * 2
    assert split_lower("A_b c-d e2f 'g' h'i' Ünï") == [
        "a",
        "b",
        "c",
        "d",
        "e",
        "f",
        "g",
        "h'i",
        "ünï",
    ]

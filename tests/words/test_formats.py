"""Files of word vectors: as their formats are described, as gensim has them, and damaged."""

import gzip
import json
import struct

import numpy as np
import pytest
from safetensors.numpy import save

from pullback import CircuitError
from pullback.layers.storage import FORMAT as OF_MODELS
from pullback.words import WordVectors
from pullback.words.subwords import Subwords

WORDS = ["the", "king", "quéen", "東京", "new_york"]
ENDINGS = [".safetensors", ".bin", ".bin.gz", ".txt", ".txt.gz", ".vec", ".VEC"]


def some(words=WORDS, dimensions=7, **more):
    matrix = np.random.default_rng(0).normal(size=(len(words), dimensions)).astype(np.float32)
    return WordVectors(words, matrix, **more)


def put(path, data):
    path.write_bytes(data)
    return path


# There and back -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("words", "dimensions"), [(WORDS, 7), (["a"], 1), ([], 3), ("abc", 300)])
def test_there_and_back(ending, words, dimensions, tmp_path):
    vectors = some(words, dimensions)
    vectors.save(tmp_path / f"v{ending}")
    again = WordVectors.load(tmp_path / f"v{ending}")
    assert again.words == vectors.words
    np.testing.assert_array_equal(again.matrix, vectors.matrix)
    assert [path.name for path in tmp_path.iterdir()] == [f"v{ending}"]


def test_safetensors_keep_all(tmp_path):
    table = np.random.default_rng(1).normal(size=(11, 7)).astype(np.float32)
    more = {"counts": np.array([9, 7, 5, 5, 2]), "context": np.ones((5, 7), np.float32)}
    vectors = some([*WORDS[:-1], "a b\t"], subwords=Subwords(2, 4, 11, table), **more)
    vectors.save(tmp_path / "v.safetensors")
    again = WordVectors.load(tmp_path / "v.safetensors")
    assert again.words == vectors.words
    np.testing.assert_array_equal(again.counts, vectors.counts)
    np.testing.assert_array_equal(again.context, vectors.context)
    np.testing.assert_array_equal(again["unseen"], vectors["unseen"])
    assert again.subwords == vectors.subwords
    few = WordVectors.load(tmp_path / "v.safetensors", limit=2)
    assert few.words == ("the", "king")
    assert few.counts.tolist() == [9, 7]
    np.testing.assert_array_equal(few["unseen"], vectors["unseen"])


def test_numbers_at_the_edges_of_float32(tmp_path):
    edges = np.array([[0.0, -0.0, 1e-45, -3e-45, 1.1754944e-38, 0.1, 1 / 3, 9e14]], np.float32)
    for ending in ENDINGS:
        WordVectors(["a"], edges).save(tmp_path / f"v{ending}")
        again = WordVectors.load(tmp_path / f"v{ending}").matrix
        np.testing.assert_array_equal(again.view(np.uint32), edges.view(np.uint32))


def test_more_than_one_part(tmp_path):
    vectors = some([f"w{k}" for k in range(5003)], 64)
    for ending in (".bin", ".vec"):
        vectors.save(tmp_path / f"v{ending}")
        again = WordVectors.load(tmp_path / f"v{ending}")
        np.testing.assert_array_equal(again.matrix, vectors.matrix)
        few = WordVectors.load(tmp_path / f"v{ending}", limit=4999)
        assert few.words == vectors.words[:4999]
        np.testing.assert_array_equal(few.matrix, vectors.matrix[:4999])


# As the formats are described ---------------------------------------------------------------------

NUMBERS = [[0.5, -1.25], [3.0, 0.1]]
ROWS = [struct.pack("<2f", *row) for row in NUMBERS]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("word2vec.txt", b"2 2\nking 0.5 -1.25\ntea 3.0 0.1\n"),
        ("no-last-end.txt", b"2 2\nking 0.5 -1.25\ntea 3 .1"),
        ("windows.txt", b"2 2\r\nking 0.5 -1.25\r\ntea 3.0 0.1\r\n"),
        ("mark.txt", b"\xef\xbb\xbf2 2\nking 0.5 -1.25\ntea 3.0 0.1\n"),
        ("fasttext.vec", b"2 2\nking 0.5 -1.25 \ntea 3 0.1 \n"),
        ("glove.txt", b"king 0.5 -1.25\ntea 3.0 1e-1\n"),
        ("glove-mark.txt", b"\xef\xbb\xbfking 0.5 -1.25\ntea 3.0 0.1\n"),
        ("empty-lines.txt", b"2 2\nking 0.5 -1.25\n\ntea 3.0 0.1\n\n\n"),
        ("of-c.bin", b"2 2\nking " + ROWS[0] + b"\ntea " + ROWS[1] + b"\n"),
        ("of-gensim.bin", b"2 2\nking " + ROWS[0] + b"tea " + ROWS[1]),
        ("text-by-another-name.bin", b"2 2\nking 0.5 -1.25\ntea 3.0 0.1\n"),
        ("binary-by-another-name.txt", b"2 2\nking " + ROWS[0] + b"tea " + ROWS[1]),
        ("no-ending", b"king 0.5 -1.25\ntea 3.0 0.1\n"),
    ],
)
def test_fixed_bytes(name, data, tmp_path):
    for path in (
        put(tmp_path / name, data),
        put(tmp_path / f"{name}.gz", gzip.compress(data)),
        put(tmp_path / "compressed-by-another-name.txt", gzip.compress(data)),
    ):
        vectors = WordVectors.load(path)
        assert vectors.words == ("king", "tea")
        np.testing.assert_array_equal(vectors.matrix, np.array(NUMBERS, np.float32))
        assert WordVectors.load(path, limit=1).words == ("king",)
        assert WordVectors.load(path, limit=0).words == ()
        assert WordVectors.load(path, limit=9).words == ("king", "tea")


def test_what_is_written_byte_by_byte(tmp_path):
    vectors = WordVectors(["king", "té"], NUMBERS)
    vectors.save(tmp_path / "v.bin")
    assert (tmp_path / "v.bin").read_bytes() == b"2 2\nking " + ROWS[0] + b"t\xc3\xa9 " + ROWS[1]
    vectors.save(tmp_path / "v.txt")
    assert (tmp_path / "v.txt").read_bytes() == b"2 2\nking 0.5 -1.25\nt\xc3\xa9 3.0 0.1\n"


def test_words_with_spaces_in_text(tmp_path):
    path = put(tmp_path / "v.txt", b"2 2\n. . . 0.5 -1.25\n3 0 1\n")
    assert WordVectors.load(path).words == (". . .", "3")
    path = put(tmp_path / "v.txt", b". . 0.5 -1.25\na 0 1\nb 2 3\n")
    assert WordVectors.load(path).words == (". .", "a", "b")


def test_of_a_word_twice_the_first_row_counts_and_it_is_said(tmp_path):
    path = put(tmp_path / "v.txt", b"3 1\na 1\nb 2\na 3\n")
    with pytest.warns(UserWarning, match="1 word twice, of which the first row counts: a") as said:
        vectors = WordVectors.load(path)
    assert said[0].filename == __file__
    assert vectors.words == ("a", "b")
    assert vectors.matrix.tolist() == [[1.0], [2.0]]


def test_bytes_that_are_no_utf8_are_written_out_and_it_is_said(tmp_path):
    path = put(tmp_path / "v.bin", b"2 1\ncaf\xe9 \0\0\0\0caf\xc3\xa9 \0\0\0\0")
    with pytest.warns(UserWarning, match="1 word that are no UTF-8"):
        assert WordVectors.load(path).words == ("caf\\xe9", "café")


# Mistakes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is empty"),
        (b"\n\n", "begins neither with how many words"),
        (b"2 2\nking 0.5 -1.25\n", "ends after 1 of the 2 words"),
        (b"1 2\nking 0.5 -1.25\ntea 3 4\n", "1 words, and after them more follows"),
        (b"2 2\nking 0.5 -1.25\ntea 3\n", "line 3 has 1 of the 2 numbers: 'tea 3'"),
        (b"2 2\nking 0.5 -1.25\ntea 3 x\n", "line 3 has 'x' where a number should be"),
        (b"2 2\nking 0,5 -1,25\ntea 3 4\n", "word 1|ends after|more follows"),
        (b"king 0.5 -1.25\ntea 3 4\nodd 7\n", "line 3 has 1 of the 2 numbers"),
        (b"king 0.5 -1.25\ntea 3 nan\n", "row 1 of matrix holds nan"),
        (b"king 0.5 -1.25\ntea 3 1e99\n", "row 1 of matrix holds inf"),
        (b"2 2\nking 0.5 -1.25\n 3 4\n", "row 2 has no word"),
        (b"king queen tea\n", "begins neither with how many words"),
        (b"2 0\n", "vectors of 0 numbers"),
        (b"2 999999999\nking 0.5 -1.25\n", "vectors of 999,999,999 numbers"),
        (b"999999999999 2\nking 0.5 -1.25\n", "ends after 1 of the 999,999,999,999 words"),
        (b"999999999999 2\nking " + ROWS[0], "ends after 1 of the 999,999,999,999 words"),
        (b"9999999 99999\nking " + ROWS[0], "ends after 0 of the 9,999,999 words"),
        (b"2 2\nking " + ROWS[0] + b"\ntea " + ROWS[1][:7], "ends after 1 of the 2 words"),
        (b"1 2\nking " + ROWS[0] + b"\ntea " + ROWS[1], "after them more follows"),
        (b"1 2\n" + bytes(1 << 17), "word 1 has no end"),
        (b"1 2\n" + b"\xff" * (1 << 23), "word 1 has no end"),
        (b"king 1\n" + b"1" * (1 << 23), "a line of more than"),
        (struct.pack("<i", 793712314) + bytes(99), "fastText's own format"),
        (b"PK\x03\x04abc", "a ZIP archive"),
        (b"\x80\x04\x95abc", "a pickle"),
        (b"\x93NUMPY\x01", "a matrix without words"),
        (b"<!DOCTYPE html>\n<html>", "a page of a web site"),
        (gzip.compress(b"2 2\nking 0.5 -1.25\ntea 3 4\n")[:-9], "damaged"),
        (gzip.compress(b""), "it is empty"),
        (b"\x1f\x8b\x08\x00garbage", "damaged"),
    ],
)
def test_damaged_files_are_told(data, said, tmp_path):
    with pytest.raises(CircuitError, match=said) as refused:
        WordVectors.load(put(tmp_path / "v.txt", data))
    assert "v.txt" in str(refused.value)


def test_other_files(tmp_path):
    with pytest.raises(CircuitError, match="No such file"):
        WordVectors.load(tmp_path / "missing.bin")
    with pytest.raises(CircuitError, match="is a folder"):
        WordVectors.load(tmp_path)
    with pytest.raises(CircuitError, match="limit is a whole number"):
        WordVectors.load(tmp_path, limit=-1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"about": {"format": "pullback trained model, version 1"}}, "holds no word vectors"),
        ({"about": None}, "holds no word vectors: it is layers alone"),
        ({"about": 3}, "holds no word vectors"),
        ({"vectors": None}, "vectors"),
        ({"vectors": np.zeros((3, 2), np.float32)}, "for each of 2 words"),
        ({"vectors": np.full((2, 2), np.nan, np.float32)}, "holds nan"),
        ({"words": np.frombuffer(b"a\xff\nb", np.uint8)}, "damaged"),
        ({"words": np.frombuffer(b"a\n", np.uint8)}, "at least one letter"),
        ({"words": np.frombuffer(b"a\na", np.uint8)}, "twice"),
        ({"counts": np.array([1.5, 2.0])}, "counts are"),
        ({"context": np.zeros((2, 2, 2), np.float32)}, "context has"),
        ({"subwords": {"low": 3, "high": 6}}, "buckets"),
        ({"subwords": {"low": "3", "high": 6}, "buckets": np.eye(2)}, "no whole numbers"),
        ({"subwords": {"low": 6, "high": 3}, "buckets": np.eye(2)}, "at least"),
        ({"subwords": {"low": 3, "high": 6}, "buckets": np.zeros((2, 3, 4))}, "buckets has a row"),
        ({"subwords": [3], "buckets": np.eye(2)}, "damaged"),
    ],
)
def test_safetensors_of_other_things(change, said, tmp_path):
    about = {"format": "pullback word vectors, version 1"}
    if "subwords" in change:
        about["subwords"] = change.pop("subwords")
    about = change.pop("about", about)
    words = np.frombuffer(b"a\nb", np.uint8)
    tensors = {"vectors": np.eye(2, dtype=np.float32), "words": words} | change
    metadata = {"format": OF_MODELS, "config": "{}"}
    if about is not None:
        metadata["about"] = json.dumps(about)
    data = save({k: x for k, x in tensors.items() if x is not None}, metadata)
    with pytest.raises(CircuitError, match=said):
        WordVectors.load(put(tmp_path / "v.safetensors", data))


@pytest.mark.parametrize("name", ["v", "v.npy", "v.gz", ".bin", "v.safetensors.gz", "v.model"])
def test_endings_that_nobody_knows(name, tmp_path):
    with pytest.raises(CircuitError, match="tells no format by its ending"):
        some().save(tmp_path / name)


def test_words_that_a_format_cannot_hold(tmp_path):
    for ending, word in ((".txt", "new york"), (".bin", "a\tb"), (".safetensors", "a\nb")):
        with pytest.raises(CircuitError, match="cannot hold the word"):
            some(["fine", word]).save(tmp_path / f"v{ending}")
    with pytest.raises(CircuitError, match="cannot hold the word"):
        some(["\udce9"]).save(tmp_path / "v.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", [".txt", ".bin"])
def test_words_that_are_too_long_to_be_read_again_are_refused(ending, tmp_path):
    path = tmp_path / f"v{ending}"
    some(["é" * 10_000, "b"]).save(path)
    assert WordVectors.load(path).words[0] == "é" * 10_000
    with pytest.raises(CircuitError, match="cannot hold a word of 100,000 letters"):
        some(["b", "é" * 100_000]).save(path)
    some(["b", "é" * 100_000]).save(tmp_path / "v.safetensors")


def test_what_was_there_stays_where_nothing_new_can_be_written(tmp_path, monkeypatch):
    path = put(tmp_path / "v.txt", b"before")
    monkeypatch.setattr("pullback.words.lines.write", lambda *_: iter([1, 1 / 0]), raising=True)
    with pytest.raises(ZeroDivisionError):
        some().save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["v.txt"]
    assert path.read_bytes() == b"before"
    with pytest.raises(CircuitError, match="cannot write to the folder"):
        some().save(tmp_path / "missing" / "v.txt")


@pytest.mark.parametrize("ending", [".bin", ".txt", ".bin.gz", ".safetensors"])
@pytest.mark.filterwarnings("ignore")
def test_any_damage_gives_vectors_or_one_kind_of_error(ending, tmp_path):
    """Bytes changed, cut out, put in: what comes is finite vectors, or `CircuitError`."""
    path = tmp_path / f"v{ending}"
    some().save(path)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(120):
        data = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            at = int(rng.integers(len(data)))
            match rng.integers(4):
                case 0:
                    data[at] = rng.integers(256)
                case 1:
                    del data[at : at + int(rng.integers(1, 30))]
                case 2:
                    data[at:at] = rng.bytes(int(rng.integers(1, 9)))
                case 3:
                    data[at : at + 1] = b"9"
            data = data or bytearray(b" ")
        path.write_bytes(data)
        try:
            vectors = WordVectors.load(path)
        except CircuitError:
            refused += 1
        else:
            assert np.isfinite(vectors.matrix).all()
            for word in vectors.words[:1]:
                assert np.isfinite(vectors.cosines(vectors[word])).all()
    assert refused > 30


# As gensim has them -------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".bin", ".txt", ".bin.gz", ".txt.gz"])
def test_as_gensim(ending, tmp_path):
    gensim = pytest.importorskip("gensim.models")
    vectors, binary = some(), ending.startswith(".bin")
    vectors.save(tmp_path / f"ours{ending}")
    theirs = gensim.KeyedVectors.load_word2vec_format(
        str(tmp_path / f"ours{ending}"), binary=binary
    )
    assert tuple(theirs.index_to_key) == vectors.words
    np.testing.assert_array_equal(theirs.vectors, vectors.matrix)
    theirs.save_word2vec_format(str(tmp_path / f"theirs{ending}"), binary=binary)
    again = WordVectors.load(tmp_path / f"theirs{ending}")
    assert again.words == vectors.words
    np.testing.assert_array_equal(again.matrix, vectors.matrix)
    if not ending.endswith(".gz"):
        ours, theirs = (tmp_path / f"{who}{ending}" for who in ("ours", "theirs"))
        assert ours.read_bytes() == theirs.read_bytes()

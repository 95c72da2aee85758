"""Sentences of classes and CoNLL-U, and every line that is not of the format."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

import pullback as pb
from pullback.sequences.text import (
    Sentences,
    TaggedSentences,
    Words,
    padded,
    read_conllu,
    read_sentences,
)


def row(identity, word, tag):
    return "\t".join([identity, word, "_", tag, *"______"])


GOOD = "\n".join(
    [
        "# newdoc id = one",
        "# text = I don't, she does.",
        row("1", "I", "PRON"),
        row("2-3", "don't", "_"),
        row("2", "do", "AUX"),
        row("3", "n't", "PART"),
        row("3.1", "like", "VERB"),
        row("3.2", "it", "PRON"),
        row("4", ",", "PUNCT"),
        "",
        "",
        row("0.1", "left out", "VERB"),
        row("1", "_", "SYM"),
        row("2", "New York", "_"),
        "",
        "",
    ]
)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("zipped", [False, True])
def test_conllu(tmp_path, end, zipped):
    data = GOOD.replace("\n", end).encode()
    path = tmp_path / ("a.conllu.gz" if zipped else "a.conllu")
    path.write_bytes(gzip.compress(data) if zipped else data)
    found = read_conllu(path)
    assert found.name == path.name
    assert found.words == (("I", "do", "n't", ","), ("_", "New York"))
    assert found.tags == (("PRON", "AUX", "PART", "PUNCT"), ("SYM", "_"))
    assert found.classes == ("AUX", "PART", "PRON", "PUNCT", "SYM")
    assert [y.tolist() for y in found.labels()] == [[2, 0, 1, 3], [4, -1]]
    assert read_conllu(path, name="mine").name == "mine"


def test_a_last_sentence_needs_no_empty_line(tmp_path):
    (tmp_path / "a").write_text(row("1", "a", "X"))
    assert read_conllu(tmp_path / "a").words == (("a",),)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["1 a _ X"], r"line 1: it has 1 columns with tabs between them, not 10"),
        (["# fine", row("1", "a", "X") + "\t_"], r"line 2: it has 11 columns"),
        ([row("2", "a", "X")], "line 1: word 2 follows word 0"),
        ([row("1", "a", "X"), row("3", "a", "X")], "line 2: word 3 follows word 1"),
        ([row("1", "a", "X"), row("1", "a", "X")], "line 2: word 1 follows word 1"),
        ([row("x", "a", "X")], "line 1: 'x' numbers no word"),
        ([row("01", "a", "X")], "line 1: '01' numbers no word"),
        ([row("1", "", "X")], "line 1: its word is empty"),
        ([row("1", "a", "")], "line 1: its tag is empty"),
        ([row("2-3", "ab", "_")], "line 1: the words 2-3 cannot follow word 0"),
        ([row("1-1", "ab", "_")], "line 1: the words 1-1 cannot follow word 0"),
        (
            [row("1-3", "ab", "_"), row("1", "a", "X"), row("2-3", "b", "_")],
            "line 3: the words 2-3 cannot follow word 1",
        ),
        (
            [row("1-2", "ab", "_"), row("1", "a", "X"), "", ""],
            "line 3: the sentence ends before word 2",
        ),
        (
            [row("1-2", "ab", "_"), row("1", "a", "X")],
            "at its end: the sentence ends before word 2",
        ),
        ([row("1.1", "a", "X")], "line 1: the empty node 1.1 follows word 0"),
        (["", "# nothing", ""], "holds no sentence in CoNLL-U"),
    ],
)
def test_malformed_lines_are_named(tmp_path, lines, said):
    (tmp_path / "bad.conllu").write_text("\n".join(lines))
    with pytest.raises(pb.CircuitError, match=rf"bad.conllu.*{said}"):
        read_conllu(tmp_path / "bad.conllu")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(pb.CircuitError, match=r"cannot read .*missing: No such file"):
        read_conllu(tmp_path / "missing")
    (tmp_path / "a.gz").write_bytes(b"no gzip")
    with pytest.raises(pb.CircuitError, match=r"cannot read .*a.gz: .*; it is damaged"):
        read_conllu(tmp_path / "a.gz")
    (tmp_path / "b.gz").write_bytes(gzip.compress(GOOD.encode() * 50)[:-20])
    with pytest.raises(pb.CircuitError, match=r"cannot read .*b.gz: .*; it is damaged"):
        read_conllu(tmp_path / "b.gz")
    (tmp_path / "c").write_bytes(b"# fine\n# \xff\n")
    with pytest.raises(pb.CircuitError, match=r"c, line 2: it is not text in utf-8"):
        read_conllu(tmp_path / "c")


def test_labels_by_the_classes_of_others():
    data = TaggedSentences("two", (("a", "b"), ("c",)), (("X", "Y"), ("Z",)))
    assert [y.tolist() for y in data.labels(("Z", "Y", "X"))] == [[2, 1], [0]]
    with pytest.raises(pb.CircuitError, match=r"sentence 1 has the tag 'Z' at word 0, .* X, Y"):
        data.labels(("X", "Y"))
    for words, tags in [((("a",),), (("X", "Y"),)), ((("a",),), ())]:
        with pytest.raises(pb.CircuitError, match="there is not one tag for each word"):
            TaggedSentences("odd", words, tags)


def test_tagged_sentences_become_a_batch():
    data = TaggedSentences("two", (("the", "cat"), ("cat",)), (("DET", "NOUN"), ("NOUN",)))
    words = Words.of(data.words, minimum=2, unknown="<unknown>")
    x, lengths = padded([words.encode(sentence) for sentence in data.words])
    y, _ = padded(data.labels(), fill=-1)
    assert x.tolist() == [[0, 1], [1, 0]]
    assert lengths.tolist() == [2, 1]
    assert y.tolist() == [[0, 1], [1, -1]]


def test_sentences_of_classes(tmp_path):
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_bytes(b" fine film \r\n\r\nwell done")
    bad.write_bytes("dull\nna\u00efve\n\n".encode("latin-1"))
    with pytest.raises(pb.CircuitError, match=r"bad.txt, line 2: it is not text in utf-8"):
        read_sentences({"bad": bad, "good": good})
    data = read_sentences({"bad": bad, "good": good}, name="films", encoding="latin-1")
    assert data.texts == ("dull", "naïve", "fine film", "well done")
    assert data.labels.tolist() == [0, 0, 1, 1]
    assert data.classes == ("bad", "good")
    assert (data.name, len(data)) == ("films", 4)
    part = data.rows([3, 0])
    assert (part.texts, part.labels.tolist()) == (("well done", "dull"), [1, 0])
    assert part.rows(slice(1, None)).places.tolist() == [0]
    for half in data.split(0.5, 0.5):
        assert sorted(half.labels) == [0, 1]
    (tmp_path / "empty").write_text("\n \n")
    with pytest.raises(pb.CircuitError, match=r"empty holds no sentence"):
        read_sentences({"bad": bad, "empty": tmp_path / "empty"}, encoding="latin-1")
    with pytest.raises(pb.CircuitError, match="two classes at least, a file each; got 1"):
        read_sentences({"bad": bad})


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0], "one class number for each of 2 texts"),
        ([0, 2], "of 2 classes are from 0 to 1, got 0 to 2"),
        ([0, -1], "got -1 to 0"),
        ([0.0, 1.0], "got float64"),
    ],
)
def test_wrong_labels_are_refused(labels, said):
    with pytest.raises(pb.CircuitError, match=said):
        Sentences("s", ("a", "b"), np.array(labels), ("x", "y"))

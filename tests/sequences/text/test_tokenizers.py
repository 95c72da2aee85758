"""Text to numbers and back: what comes back, what is refused, and what a file keeps."""

from __future__ import annotations

import json
import pickle
import re
import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullback as pb
from pullback.sequences.text import (
    BytePairs,
    Characters,
    Words,
    join_words,
    load_tokenizer,
    load_with,
    save_with,
    split_words,
    tokenizer_from,
    word_ngrams,
)

TEXTS = [
    "plain",
    "naïve — ‘quoted’ – 3½",
    "cafe\u0301 and café",
    "a\u0300\u0316\u0301b",
    "👩‍👩‍👧 👍🏽 🇩🇪🇫🇷 ☺️",
    "line\r\nline\rline\n\n",
    "हिन्दी और தமிழ்",
    "日本語。中文",
    "עברית ואَلْعَرَبِيَّة",
    "\u0301 starts with a mark\t\x00\x1c\u2028",
    "\U0010ffff\ufeff",
    " ",
]
PIECES = BytePairs.of(TEXTS * 3, size=300)


def exact(text):
    return [Characters.of([text, "x"]), PIECES]


@pytest.mark.parametrize("text", [*TEXTS, ""])
def test_characters_and_byte_pairs_give_back_what_was_encoded(text):
    for tokenizer in exact(text):
        numbers = tokenizer.encode(text)
        assert numbers.dtype == np.int64
        assert numbers.ndim == 1
        assert tokenizer.decode(numbers) == text
        assert "".join(tokenizer.stream(numbers)) == text


@given(st.text(max_size=50))
@settings(max_examples=200, deadline=None)
def test_any_text_comes_back(text):
    for tokenizer in exact(text):
        assert tokenizer.decode(tokenizer.encode(text)) == text
        assert "".join(tokenizer.stream(iter(tokenizer.encode(text)))) == text


@given(st.text(st.sampled_from("ab1 .,'’-\r\n(!%☺\u0301\u200d🇩🇪👍🏽"), max_size=24))
@settings(max_examples=500, deadline=None)
def test_words_that_are_joined_are_divided_into_the_same(text):
    words = split_words(text)
    assert split_words(join_words(words)) == words
    if words:
        tokenizer = Words.of(text)
        numbers = tokenizer.encode(text)
        assert tokenizer.encode(tokenizer.decode(numbers)).tolist() == numbers.tolist()
        assert "".join(tokenizer.stream(numbers)) == tokenizer.decode(numbers)


@given(st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_words_lose_nothing_but_spaces(text):
    kept = "".join(split_words(text))
    lines = re.sub(r"\r\n|\r", "\n", text)
    assert kept == re.sub(r"[^\S\n]", "", lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop", ["Don't", "stop"]),
        ("it’s o'clock-ish", ["it’s", "o'clock-ish"]),
        ("'tis 'quoted'", ["'", "tis", "'", "quoted", "'"]),
        ("1,000.50 and 3.14.", ["1,000.50", "and", "3.14", "."]),
        ("v2.5kg", ["v2", ".", "5kg"]),
        ("a--b", ["a", "-", "-", "b"]),
        ("end.\r\nnext", ["end", ".", "\n", "next"]),
        ("cafe\u0301s", ["cafe\u0301s"]),
        ("हिन्दी", ["हिन्दी"]),
        ("👩‍👧👍🏽!", ["👩‍👧", "👍🏽", "!"]),
        ("🇩🇪🇫🇷", ["🇩🇪", "🇫🇷"]),
        ("snake_case x²", ["snake_case", "x²"]),
        ("", []),
        (" \t\u00a0", []),
    ],
)
def test_text_is_divided_as_people_would(text, words):
    assert split_words(text) == words


def test_joined_words_look_as_people_write():
    words = ["Well", ",", "(", "he", ")", "said", ":", "50", "%", "!", "\n", "Yes", "."]
    assert join_words(words) == "Well, (he) said: 50%!\nYes."


def test_every_combining_mark_belongs_to_its_letter():
    marks = [chr(k) for k in range(sys.maxunicode + 1) if unicodedata.category(chr(k)) == "Mn"]
    assert all(split_words(f"a{mark}") == [f"a{mark}"] for mark in marks)


def test_vocabularies():
    assert Characters.of(["ba", "c"]).vocabulary == ("a", "b", "c")
    assert Characters.of("aab", minimum=2).vocabulary == ("a",)
    words = Words.of(["b a b", "c a b"])
    assert words.vocabulary == ("b", "a", "c")
    assert Words.of(["b a b", "c a b"], minimum=2).vocabulary == ("b", "a")
    assert Words.of(["b a b", "c a b"], most=1, unknown="?").vocabulary == ("?", "b")
    assert Words.of("? a ?", unknown="?").vocabulary == ("?", "a")
    assert Words.of("A a", lower=True).vocabulary == ("a",)
    assert len(words) == 3
    assert [len(PIECES), len(BytePairs.of("", size=500))] == [300, 256]


def test_the_unknown_is_refused_by_place_or_has_an_entry():
    with pytest.raises(pb.CircuitError, match=r"the character 'z' at position 2 .*unknown="):
        Characters.of("ab").encode("abzy")
    with pytest.raises(pb.CircuitError, match=r"'\\U0001f989' at position 0|'🦉' at position 0"):
        Characters.of("ab").encode("🦉")
    with pytest.raises(pb.CircuitError, match=r"the word 'cow' at position 1 .*unknown="):
        Words.of("the cat").encode("the cow")
    letters = Characters.of("ab", unknown="\ufffd")
    assert letters.decode(letters.encode("azb🦉")) == "a\ufffdb\ufffd"
    words = Words.of("the cat", unknown="<unknown>")
    assert words.encode("the cow").tolist() == [2, 0]
    assert words.encode(["the", "<unknown>"]).tolist() == [2, 0]


@pytest.mark.parametrize("numbers", [[3], [-1], [0, 300], [[0]], [0.5], "0", [True]])
@pytest.mark.parametrize("tokenizer", [Characters.of("abc"), Words.of("a b c"), PIECES])
def test_numbers_of_no_entry_are_refused(tokenizer, numbers):
    if tokenizer is PIECES and numbers == [3]:
        return
    with pytest.raises(pb.CircuitError, match=r"asked for at position|numbers to decode"):
        tokenizer.decode(numbers)


def test_a_stream_refuses_them_too():
    for tokenizer in (Characters.of("abc"), Words.of("a b c"), PIECES):
        with pytest.raises(pb.CircuitError, match="-1 is asked for"):
            list(tokenizer.stream([0, -1]))


@pytest.mark.parametrize("text", [None, 3, b"bytes", ["a", 3], [""]])
def test_what_is_no_text_is_refused(text):
    for tokenizer in (Characters.of("abc"), Words.of("a b c"), PIECES):
        with pytest.raises(pb.CircuitError, match=r"a tokenizer encodes a text|words are a text"):
            tokenizer.encode(text)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Characters.of(""), "needs a character at least; the text is empty"),
        (lambda: Words.of(" "), "needs a word at least; the text is empty"),
        (lambda: Characters(("a", "a")), "'a' stands in the vocabulary twice"),
        (lambda: Characters(("ab",)), "one character, got 'ab'"),
        (lambda: Characters(("",)), "a text of a character or more, got ''"),
        (lambda: Words(("a", 3)), "a text of a word or more, got 3"),
        (lambda: Words(("a",), unknown="?"), "the unknown, '\\?', is not in the vocabulary"),
        (lambda: BytePairs.of("a", size=255), "256 entries at least, one a byte; got 255"),
        (lambda: BytePairs("{}"), "the JSON is of no tokenizer"),
        (lambda: BytePairs("not JSON"), "the JSON is of no tokenizer"),
        (lambda: PIECES.encode("\ud800"), "half a pair of UTF-16"),
    ],
)
def test_what_makes_no_tokenizer_is_refused(make, said):
    with pytest.raises(pb.CircuitError, match=said):
        make()


def test_lone_surrogates_are_characters():
    letters = Characters.of("a\ud800")
    assert letters.decode(letters.encode("\ud800a")) == "\ud800a"
    assert tokenizer_from(json.loads(json.dumps(letters.describe()))) == letters


EVERY = [
    Characters.of("añ☺", unknown="☺"),
    Words.of("the cat", unknown="<unknown>", lower=True),
    PIECES,
]


@pytest.mark.parametrize("tokenizer", EVERY, ids=lambda x: type(x).__name__)
def test_it_is_frozen_plain_data(tokenizer):
    again = tokenizer_from(json.loads(json.dumps(tokenizer.describe())))
    assert again == tokenizer
    assert again.vocabulary == tokenizer.vocabulary
    assert pickle.loads(pickle.dumps(tokenizer)) == tokenizer
    assert hash(again) == hash(tokenizer)
    with pytest.raises(AttributeError):
        tokenizer.vocabulary = ()


@pytest.mark.parametrize("tokenizer", EVERY, ids=lambda x: type(x).__name__)
def test_a_models_file_keeps_it(tokenizer, tmp_path):
    model = pb.Sequential(pb.Embedding(len(tokenizer), 4), pb.Dense(len(tokenizer)))
    model(np.zeros((1, 3), np.int64))
    save_with(model, tokenizer, tmp_path / "a.safetensors")
    read, again = load_with(tmp_path / "a.safetensors")
    assert again == tokenizer
    x = np.array([[0]])
    np.testing.assert_array_equal(read(x).value, model(x).value)
    model.save(tmp_path / "b.safetensors")
    with pytest.raises(pb.CircuitError, match="holds no tokenizer: write the model with save_with"):
        load_tokenizer(tmp_path / "b.safetensors")


@pytest.mark.parametrize(
    "description",
    [
        None,
        [],
        {},
        {"kind": "Letters"},
        {"kind": "Characters"},
        {"kind": "Characters", "vocabulary": ["ab"], "unknown": None},
        {"kind": "Characters", "vocabulary": ["a"], "unknown": None, "more": 1},
        {"kind": "Words", "vocabulary": [1]},
        {"kind": "BytePairs", "model": {"evil": True}},
        {"kind": ["Words"]},
    ],
)
def test_damaged_descriptions_are_refused(description):
    with pytest.raises(pb.CircuitError, match="this describes no tokenizer"):
        tokenizer_from(description)


def test_byte_pairs_stream_whole_characters():
    numbers = PIECES.encode("é🦉日")
    parts = list(PIECES.stream(numbers))
    assert len(numbers) > len(parts)
    assert all("\ufffd" not in part for part in parts)
    assert "".join(PIECES.stream(numbers[:-1])).startswith("é🦉")


def test_byte_pairs_join_what_often_meets():
    pieces = BytePairs.of("low lower lowest " * 10, size=258)
    assert pieces.vocabulary[256:] == ("lo", "low")
    assert len(pieces.encode("low")) == 1


def test_without_the_library_the_cure_is_said(monkeypatch):
    monkeypatch.setattr("pullback.sequences.text.byte_pairs.find_spec", lambda name: None)
    for make in (lambda: BytePairs.of("a"), lambda: BytePairs(PIECES.model)):
        with pytest.raises(pb.CircuitError, match=r'pip install "pullback\[text\]"'):
            make()


@pytest.mark.parametrize("longest", [1, 2, 3, 7])
def test_ngrams_are_all_runs_of_words(longest):
    for count in (0, 1, 2, 5):
        words = [f"w{k}" for k in range(count)]
        runs = [words[i:j] for i in range(count) for j in range(i + 1, count + 1)]
        expected = sorted((run for run in runs if len(run) <= longest), key=len)
        assert word_ngrams(words, longest) == [" ".join(run) for run in expected]
    numbers = Words.of([word_ngrams(["not", "good"])]).encode(["not good"])
    assert numbers.shape == (1,)


def test_ngrams_of_no_words_are_refused():
    with pytest.raises(pb.CircuitError, match="longest must be a whole number"):
        word_ngrams(["a"], 0)

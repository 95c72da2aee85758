"""The task of classifying: how texts are divided, what is learned, and what a file keeps."""

from dataclasses import replace

import numpy as np
import pytest

from pullback import CircuitError
from pullback.sequences.tasks.classifier import Pieces, TextClassifier
from pullback.sequences.tasks.classifying import MODELS, ClassifyingStudy
from pullback.sequences.tasks.recipe import SequenceRecipe
from pullback.sequences.tasks.trained import TrainedSequences
from pullback.sequences.text import Sentences, Words

GOOD, BAD, PLAIN = (
    ("fine", "great", "lovely"),
    ("dull", "awful", "poor"),
    ("film", "it", "was", "a"),
)
QUICK = {"engine": "eager", "epochs": 1, "batch_size": 16, "hidden": (6,)}


def films(count=120, seed=0, classes=("bad", "good")):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    texts = []
    for label in labels:
        words = [*rng.choice(PLAIN, 4), *rng.choice(GOOD if label else BAD, 2)]
        texts.append(" ".join(rng.permutation(words)))
    return Sentences("films", tuple(texts), labels, classes, "some films")


def names(count=90):
    rng = np.random.default_rng(1)
    labels = np.arange(count) % 2
    texts = ["".join(rng.choice(list("bdklmn"), 3)) + ("a" if y else "o") for y in labels]
    return Sentences("names", tuple(texts), labels, ("male", "female"))


def recipe(**more):
    return SequenceRecipe(**{**QUICK, **more})


@pytest.fixture(scope="module")
def learned():
    study = ClassifyingStudy.of(films(), recipe(epochs=12, learning_rate=0.05))
    return study, study.train(progress=False)


def test_what_words_tell_is_learned(learned):
    study, outcome = learned
    by = {(m.name, m.who): m for m in outcome.measures}
    assert study.recipe.model == "fasttext"
    assert study.counts == {"train": 84, "validation": 12, "test": 24}
    assert by["accuracy", "this model"].test > 0.95
    assert by["accuracy", "logistic regression on words"].test > 0.95
    assert by["accuracy", "always bad"].test == 0.5
    assert {name for name, _ in by} == {"accuracy"}
    classes, counts = study.confusion()
    assert classes == ("bad", "good")
    right = np.trace(counts) / counts.sum()
    assert right == pytest.approx(by["accuracy", "this model"].test)
    assert outcome.to_json_dict(None)["test_accuracy"] == pytest.approx(right)


def test_unequal_classes_are_balanced_too():
    data = films(160)
    kept = data.rows(np.flatnonzero((data.labels == 1) | (np.arange(160) % 4 == 0)))
    study = ClassifyingStudy.of(kept, recipe())
    measures = study.train(progress=False).measures
    trivial = {m.name: m.test for m in measures if m.who == "always good"}
    assert trivial["balanced accuracy"] == 0.5
    assert trivial["accuracy"] == pytest.approx(2 / 3, abs=0.03)


def test_single_words_are_read_by_their_characters():
    study = ClassifyingStudy.of(names(), recipe())
    assert (study.recipe.tokenizer, study.recipe.model) == ("characters", "lstm")
    assert any("single words" in note for note in study.notes)
    assert {"a", "o"} < set(study.words.vocabulary)
    told = ClassifyingStudy.of(names(), recipe(tokenizer="words"))
    assert told.recipe.model == "fasttext"
    assert not any("single words" in note for note in told.notes)


def test_mistakes_are_the_surest_first(learned):
    study, _ = learned
    data = films(60)
    wrong = replace(study, parts={**study.parts, "test": data.rows(slice(0, 12))})
    wrong.__dict__["probabilities"] = {"test": np.tile([0.2, 0.8], (12, 1)) + 0.0}
    wrong.probabilities["test"][4] = [0.1, 0.9]
    title, rows = wrong.mistakes()
    assert title == "most confidently wrong in the test part"
    assert rows[0] == ("text", "true", "predicted", "sure")
    assert rows[1] == (data.texts[4], "bad", "good", "90.0%")
    assert len(rows) == 7  # the bad ones


@pytest.mark.parametrize("tokenizer", ["words", "characters"])
@pytest.mark.parametrize("model", MODELS)
def test_every_model_trains_is_saved_and_answers(model, tokenizer, tmp_path):
    study = ClassifyingStudy.of(films(60), recipe(model=model, tokenizer=tokenizer))
    outcome = study.train(progress=False)
    outcome.trained.save(tmp_path / "a.safetensors")
    again = TrainedSequences.load(tmp_path / "a.safetensors")
    assert isinstance(again, TextClassifier)
    assert again.record == outcome.record
    texts = [*films(5, seed=3).texts, "never met", ""]
    found = again.probabilities(texts)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    np.testing.assert_allclose(found, outcome.trained.probabilities(texts), rtol=1e-6)


def test_files_are_answered_line_by_line(learned, tmp_path):
    trained = learned[1].trained
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text("a great film\n\nlovely it was\n")
    bad.write_text("awful, poor\n")
    found = trained.answers([str(good), str(bad)])
    assert list(found.columns) == [
        "file",
        "text",
        "prediction",
        "probability bad",
        "probability good",
    ]
    assert found.columns["text"] == ["a great film", "lovely it was", "awful, poor"]
    assert found.columns["prediction"] == ["good", "good", "bad"]
    assert found.measured == {"accuracy": 1.0}
    other = tmp_path / "other.txt"
    other.write_text("great\n")
    assert not trained.answers([str(other)]).measured
    other.write_text("\n")
    with pytest.raises(CircuitError, match=r"there is no text in .*other.txt"):
        trained.answers([str(other)])
    table = tmp_path / "a.csv"
    table.write_text("x\n1\n")
    with pytest.raises(CircuitError, match=r"a.csv is a table, and this model takes .txt files"):
        trained.answers([str(table)])
    other.write_bytes(b"caf\xe9\n")
    with pytest.raises(CircuitError, match=r"other.txt, line 1: it is not text in utf-8"):
        trained.answers([str(other)])


def test_files_that_are_texts_are_answered_whole(tmp_path):
    data = replace(films(60), by_file=True)
    trained = ClassifyingStudy.of(data, recipe(epochs=12, learning_rate=0.05)).train(
        progress=False
    ).trained  # fmt: skip
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "1.txt").write_text("great\nlovely film\n")
    found = trained.answers([str(tmp_path)])
    assert len(found.columns["file"]) == 1
    assert found.measured == {"accuracy": 1.0}
    assert "a text in each file" in " ".join(trained.says())


def test_parts_of_its_own_are_taken_as_they_are():
    whole = films(60)
    data = replace(films(80), test=whole)
    study = ClassifyingStudy.of(data, recipe())
    assert study.counts == {"train": 70, "validation": 10, "test": 60}


def test_what_is_said_of_texts():
    data = films(60)
    twice = replace(data, texts=(*data.texts[:-1], data.texts[0]))
    study = ClassifyingStudy.of(twice, recipe(steps=3))
    notes = " ".join(study.notes)
    assert "1 text stands in several classes" in notes
    assert "of 60 texts longer than 3 words the beginning counts" in notes
    assert study.pieces.of("a b c d") == ["a", "b", "c", "a b", "b c"]


@pytest.mark.parametrize(
    ("data", "more", "message"),
    [
        (films(), {"tokenizer": "pairs"}, "no tokenizer 'pairs' .* there are: words, characters"),
        (films(), {"model": "transformer"}, "no model of texts with a class 'transformer'"),
        (films(), {"rate": 8000}, "--rate says nothing about texts with a class"),
        (films(), {"hidden": (8, 8)}, "fasttext has one layer"),
        (films(), {"model": "lstm", "hidden": (8, 9)}, "the same units"),
        (films(4), {}, "class 'bad' has 2 examples, and each of 3 parts needs one"),
        (Sentences("one", ("a b", "c"), [0, 0], ("x",)), {}, "one has only one class, 'x'"),
        (Sentences("none", (), [], ()), {}, "none has no texts"),
    ],
)
def test_mistakes_are_told_before_work(data, more, message):
    given = {key: value for key, value in QUICK.items() if key != "hidden"} | more
    with pytest.raises(CircuitError, match=message):
        ClassifyingStudy.of(data, SequenceRecipe(**given))


def test_what_does_not_belong_together_is_refused(learned, tmp_path):
    trained = learned[1].trained
    path = tmp_path / "odd.safetensors"
    odd = (
        replace(trained, classes=("a", "b", "c")),
        replace(trained, pieces=replace(trained.pieces, steps=0)),
        replace(trained, words=Words(("a", "b"))),
        replace(trained, words=Words.of([str(k) for k in range(999)], unknown="?")),
    )
    for one in odd:
        one.save(path)
        with pytest.raises(CircuitError, match="is damaged"):
            TrainedSequences.load(path)


def test_pieces():
    assert Pieces(False, 1, 9).of("One\ntwo") == ["one", "two"]
    assert Pieces(True, 2, 3).of("Anna") == ["A", "n", "n", "A n", "n n"]
    assert Pieces(False, 2, 9).of("") == []


def test_texts_to_test_that_were_learned_are_told_of():
    texts = tuple(["good"] * 30 + ["bad"] * 30)
    data = Sentences("films", texts, np.repeat([0, 1], 30), ("+", "-"))
    study = ClassifyingStudy.of(data, recipe())
    assert any("12 of 12 texts to test stand in the training part too" in x for x in study.notes)

"""The task of writing: what a text becomes, what is learned, and what a file keeps."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pullback import CircuitError
from pullback.sequences.tasks.recipe import SequenceRecipe
from pullback.sequences.tasks.trained import TrainedSequences
from pullback.sequences.tasks.writing import MODELS, WritingStudy
from pullback.sequences.text import Sampling
from pullback.sequences.text.long_text import Text, TextFile

RHYME = "the cat sat on the mat, and the rat sat on the cat.\n" * 60
QUICK = {"engine": "eager", "steps": 16, "batch_size": 8, "hidden": (8,), "epochs": 1}


def recipe(**more):
    return SequenceRecipe(**{**QUICK, **more})


def trained(**more):
    study = WritingStudy.of(Text("rhyme", RHYME, "a rhyme"), recipe(**more))
    return study, study.train(progress=False)


@pytest.fixture(scope="module")
def learned():
    return trained(engine="native", hidden=(24,), epochs=12, learning_rate=0.02)


def test_what_repeats_is_learned_better_than_by_counting(learned):
    study, outcome = learned
    by = {(m.name, m.who): m for m in outcome.measures}
    own = by["nats a character", "this model"]
    assert own.validation < by["nats a character", "by the character before it"].validation / 2
    assert own.test is None
    assert by["bits a character", "this model"].validation == pytest.approx(
        own.validation / math.log(2)
    )
    assert by["next character right", "this model"].validation > 0.9
    assert study.counts == {"train": len(RHYME) * 9 // 10, "validation": len(RHYME) // 10}


def test_counting_is_what_numpy_counts(learned):
    study, outcome = learned
    by = {(m.name, m.who): m for m in outcome.measures}
    shares = np.bincount(study.train_numbers, minlength=len(study.tokenizer)) + 1.0
    shares /= shares.sum()
    kept = -np.log(shares[study.kept_numbers[1:]]).mean()
    named = by["nats a character", "by how often each character comes"]
    assert named.validation == pytest.approx(kept)
    # of a text whose every second letter follows from the first, one letter before it tells all
    two = WritingStudy.of(Text("ab", "ab" * 4000, "ab"), recipe())
    behind = two._counted([two.kept_numbers])["by the character before it"]
    assert behind[0] < 0.01


def test_the_measured_nats_are_those_of_the_loss(learned):
    study, outcome = learned
    inputs, labels = study.plan.validation
    loss = float(study.plan.loss(study.plan.model.predict(inputs), labels).value)
    own = next(m for m in outcome.measures if m.who == "this model")
    assert own.validation == pytest.approx(loss, rel=1e-5)


def test_what_was_saved_writes_the_same(learned, tmp_path):
    _, outcome = learned
    path = tmp_path / "rhyme.safetensors"
    outcome.trained.save(path)
    again = TrainedSequences.load(path)
    assert again.record == outcome.record
    cold = Sampling(temperature=0.0)
    texts = ["".join(w.write("the c", 30, sampling=cold)) for w in (outcome.trained, again)]
    assert texts[0] == texts[1]
    assert texts[0].startswith("at")


@pytest.mark.parametrize("model", MODELS)
def test_every_model_trains_is_saved_and_writes(model, tmp_path):
    _, outcome = trained(model=model, hidden=(8, 8))
    assert len(outcome.history) == 1
    outcome.trained.save(tmp_path / "a.safetensors")
    writer = TrainedSequences.load(tmp_path / "a.safetensors")
    assert len("".join(writer.write("the", 40, engine="eager"))) == 40
    assert outcome.to_json_dict(None)["validation_nats_a_character"] > 0


@pytest.mark.parametrize("tokenizer", ["words", "pairs"])
def test_other_tokenizers_tell_of_characters_too(tokenizer):
    if tokenizer == "pairs":
        pytest.importorskip("tokenizers")
    study, outcome = trained(tokenizer=tokenizer, steps=4)
    nats, bits = (
        next(m for m in outcome.measures if m.name.startswith(name) and m.who == "this model")
        for name in ("nats", "bits")
    )
    size = len(study.train_numbers) + len(study.kept_numbers)
    per = len(RHYME) / size
    assert bits.validation == pytest.approx(nats.validation / per / math.log(2))
    assert sum(study.counts.values()) == pytest.approx(len(RHYME), abs=2)


def test_a_file_is_read_as_its_text_is(tmp_path):
    path = tmp_path / "rhyme.txt"
    path.write_text("\ufeff" + RHYME, encoding="utf-8")
    studies = [
        WritingStudy.of(data, recipe()) for data in (TextFile(path), Text("rhyme", RHYME, "a"))
    ]
    assert studies[0].tokenizer == studies[1].tokenizer
    for name in ("train_numbers", "kept_numbers"):
        np.testing.assert_array_equal(*(getattr(study, name) for study in studies))


def test_a_sample_is_told_after_the_first_epoch_and_some_more():
    told = []
    study = WritingStudy.of(Text("rhyme", RHYME, "a rhyme"), recipe(epochs=1))
    study.train(progress=False, tell=told.append)
    assert len(told) == 1
    assert told[0].startswith("epoch 1 writes:\n")
    assert len(told[0]) > 150


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        ("short", {}, "5 characters, and to learn from sequences of 16 takes 340"),
        ("", {}, "the text is empty: there is nothing to learn"),
        (RHYME, {"steps": 0}, "--steps is a whole number of at least 1"),
        (RHYME, {"model": "gpt"}, "there is no model of text 'gpt'; there are: lstm, gru, rnn"),
        (RHYME, {"tokenizer": "letters"}, "there is no tokenizer 'letters'"),
        (RHYME, {"hidden": (8, 9)}, "--hidden gives all recurrent layers the same units"),
        (RHYME, {"rate": 8000}, "--rate says nothing about text"),
        (RHYME, {"dropout": 1.0}, "--dropout is a share"),
    ],
)
def test_mistakes_are_told_before_work(text, more, message):
    with pytest.raises(CircuitError, match=message):
        WritingStudy.of(Text("a text", text, "the text"), recipe(**more))


def test_an_unknown_character_of_a_prompt_is_named(learned):
    _, outcome = learned
    said = "character 'Z' at position 0 of the prompt was not in the text"
    with pytest.raises(CircuitError, match=said):
        outcome.trained.write("Zoo", 3)
    with pytest.raises(CircuitError, match="a prompt has a character at least"):
        outcome.trained.write("", 3)


def test_what_does_not_belong_together_is_refused(learned, tmp_path):
    _, outcome = learned
    path = tmp_path / "odd.safetensors"
    replace(outcome.trained, tokenizer=type(outcome.trained.tokenizer).of("ab")).save(path)
    with pytest.raises(CircuitError, match="damaged: the layers do not write in its vocabulary"):
        TrainedSequences.load(path)

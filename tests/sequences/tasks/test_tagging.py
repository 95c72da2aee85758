"""The task of tagging: parts, what is learned beside what counting gives, what a file keeps."""

from dataclasses import replace

import numpy as np
import pytest

from pullback import CircuitError
from pullback.sequences.tasks.recipe import SequenceRecipe
from pullback.sequences.tasks.tagger import SequenceTagger
from pullback.sequences.tasks.tagging import TaggingStudy
from pullback.sequences.tasks.trained import TrainedSequences
from pullback.sequences.text import TaggedSentences

QUICK = {"engine": "eager", "epochs": 1, "batch_size": 16, "hidden": (6,)}
TAGS = ("DET", "NOUN", "VERB", "DET", "NOUN")


def sentences(count=60, seed=0, name="cats"):
    """Of "paint", only the place tells whether it is a noun or a verb."""
    rng = np.random.default_rng(seed)
    nouns, verbs = ("cat", "dog", "paint", "rat"), ("paint", "sees")
    words = []
    for _ in range(count):
        first, second = rng.choice(nouns, 2)
        words.append(("the", str(first), str(rng.choice(verbs)), "a", str(second)))
    return TaggedSentences(name, tuple(words), (TAGS,) * count)


def recipe(**more):
    return SequenceRecipe(**{**QUICK, **more})


def row(k, word, tag):
    return "\t".join([str(k), word, "_", tag, *"______"])


@pytest.fixture(scope="module")
def learned():
    data = replace(sentences(), test=sentences(20, seed=5), validation=sentences(10, seed=6))
    new = replace(data.test, words=(("the", "fox", "paint", "a", "cat"), *data.test.words[1:]))
    study = TaggingStudy.of(
        replace(data, test=new), recipe(epochs=10, learning_rate=0.02, hidden=(12,))
    )
    return study, study.train(progress=False)


def test_what_the_place_of_a_word_tells_is_learned(learned):
    study, outcome = learned
    by = {(m.name, m.who): m for m in outcome.measures}
    assert study.counts == {"train": 60, "validation": 10, "test": 20}
    assert by["words right", "this model"].test > 0.97
    assert by["words right", "the commonest tag of each word"].test < 0.97
    assert by["words right", "always DET"].test == pytest.approx(0.4)
    assert by["sentences entirely right", "always DET"].test == 0.0
    new = by["new words right", "this model"]
    assert (new.train, new.validation) == (None, None)
    assert new.test in (0.0, 1.0)  # the one fox
    classes, counts = study.confusion()
    assert classes == ("DET", "NOUN", "VERB")
    assert counts.sum() == 100
    assert np.trace(counts) / 100 == pytest.approx(by["words right", "this model"].test)


def test_counting_is_what_counting_gives():
    words = (("a", "a", "b"), ("a", "c", "b")) * 10
    tags = (("X", "Y", "Z"), ("X", "Y", "Z")) * 10
    odd = TaggedSentences("odd", (("b", "new", "a"),), (("Z", "Z", "Y"),))
    data = TaggedSentences("abc", words, tags, validation=odd, test=odd)
    study = TaggingStudy.of(data, recipe())
    by = {(m.name, m.who): m for m in study.train(progress=False).measures}
    each = by["words right", "the commonest tag of each word"]
    assert each.train == pytest.approx(5 / 6)  # the second a of the first sentence is wrong
    assert each.test == pytest.approx(1 / 3)  # b; new has the commonest tag of all, X
    assert by["words right", "always X"].train == pytest.approx(1 / 3)
    assert by["new words right", "always X"].test == 0.0


def test_mistakes_are_counted_by_word(learned):
    study, _ = learned
    data = study.parts["test"]
    odd = replace(data, tags=(("VERB", *TAGS[1:]),) * 3 + data.tags[3:])
    wrong = replace(study, parts={**study.parts, "test": odd})
    title, rows = wrong.mistakes()
    assert title == "most often wrong in the test part"
    assert rows[0] == ("word", "true", "predicted", "times", "such as in")
    assert rows[1][:4] == ("the", "VERB", "DET", "3")
    assert rows[1][4].startswith("the ")


def test_what_was_saved_tags_the_same(learned, tmp_path):
    _, outcome = learned
    outcome.trained.save(tmp_path / "a.safetensors")
    again = TrainedSequences.load(tmp_path / "a.safetensors")
    assert isinstance(again, SequenceTagger)
    assert again.record == outcome.record
    asked = [("the", "paint", "sees", "a", "zebra"), ("a",)]
    assert again.tag(asked) == outcome.trained.tag(asked)
    assert again.tag(asked)[0][:3] == [("the", "DET"), ("paint", "NOUN"), ("sees", "VERB")]
    with pytest.raises(CircuitError, match="sentence 1 has no words"):
        again.tag([("a",), ()])


def test_files_are_tagged_word_by_word(learned, tmp_path):
    trained = learned[1].trained
    text, tagged = tmp_path / "a.txt", tmp_path / "b.conllu"
    text.write_text("the cat paint a dog\n\nthe rat don't\n")
    lines = [row(1, "the", "DET"), row(2, "cat", "VERB"), row(3, "sees", "_"), "", ""]
    tagged.write_text("\n".join(lines))
    found = trained.answers([str(text), str(tagged)])
    assert list(found.columns) == ["file", "sentence", "word", "tag", "probability"]
    assert list(found.columns["sentence"]) == [1] * 5 + [2] * 3 + [1] * 3
    assert found.columns["tag"][:5] == list(TAGS)
    assert ((found.columns["probability"] > 0) & (found.columns["probability"] <= 1)).all()
    assert found.measured == {"words right": 0.5}
    assert found.judged == "by the tags of 2 words"
    assert 'such as "don\'t"' in found.notes[0]
    assert not trained.answers([str(text)]).measured
    assert not trained.answers([str(tagged)]).notes
    text.write_text("\n")
    with pytest.raises(CircuitError, match="there is no sentence in"):
        trained.answers([str(text)])


def test_parts_are_drawn_by_sentence():
    study = TaggingStudy.of(sentences(50), recipe())
    assert study.counts == {"train": 35, "validation": 5, "test": 10}
    assert study.train(progress=False).measures


def test_sentences_without_tags_are_left_out():
    data = sentences(30)
    tags = (("_", *TAGS[1:]), ("_",) * 5, *data.tags[2:])
    study = TaggingStudy.of(replace(data, tags=tags), recipe())
    assert sum(study.counts.values()) == 28
    assert "2 of 30 sentences" in study.notes[0]


def test_a_tag_that_the_training_part_lacks_is_a_class():
    odd = TaggedSentences("odd", (("oh",),), (("INTJ",),))
    study = TaggingStudy.of(replace(sentences(), test=odd), recipe())
    assert study.classes == ("DET", "INTJ", "NOUN", "VERB")


@pytest.mark.parametrize(
    ("data", "more", "message"),
    [
        (sentences(9), {}, "cats has 9 sentences with tags, and to learn and judge takes 10"),
        (replace(sentences(), tags=(("_",) * 5,) * 60), {}, "cats has no sentence whose words all"),
        (replace(sentences(), tags=(("X",) * 5,) * 60), {}, "cats has only one tag, 'X'"),
        (sentences(), {"model": "gru"}, "no model of tagged sentences 'gru'; there are: lstm"),
        (sentences(), {"tokenizer": "words"}, "--tokenizer says nothing about tagged sentences"),
        (sentences(), {"steps": 4}, "--steps says nothing about tagged sentences"),
        (sentences(), {"hidden": (8, 8)}, "a tagger has one recurrent layer"),
    ],
)
def test_mistakes_are_told_before_work(data, more, message):
    with pytest.raises(CircuitError, match=message):
        TaggingStudy.of(data, recipe(**more))


def test_what_does_not_belong_together_is_refused(learned, tmp_path):
    trained = learned[1].trained
    path = tmp_path / "odd.safetensors"
    for classes in (("a", "b"), ("a",), ("a", "a", "b")):
        replace(trained, numbering=replace(trained.numbering, classes=classes)).save(path)
        with pytest.raises(CircuitError, match="is damaged"):
            TrainedSequences.load(path)

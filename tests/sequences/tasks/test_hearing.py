"""The task of hearing: which recordings can be learned from, what is learned, what a file keeps."""

from dataclasses import replace

import numpy as np
import pytest

import pullback as pb
from pullback.sequences.decoding import label_error_rate, prefix_beam_search
from pullback.sequences.sound import Recordings, Sound, resampled, spectrogram, strung
from pullback.sequences.tasks.hearing import MODELS, HearingStudy
from pullback.sequences.tasks.recipe import SequenceRecipe
from pullback.sequences.tasks.recognizer import Recognizer, scores_of
from pullback.sequences.tasks.sounds import names_within
from pullback.sequences.tasks.trained import TrainedSequences

RATE = 8000
QUICK = {"hidden": (6,), "epochs": 1, "batch_size": 9, "engine": "eager"}
WORDS = {"words": (1, 3), "silence": (0.02, 0.05)}


def tones(count, seed=0, classes=("low", "middle", "high")):
    """Recordings of words, of which each is a pitch."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(classes)
    pitch = np.array([400.0, 900.0, 2000.0])[labels] * rng.uniform(0.95, 1.05, count)
    times = [np.arange(n) / RATE for n in rng.integers(600, 1000, count)]
    sounds = [0.1 * np.sin(2 * np.pi * f * t) for f, t in zip(pitch, times, strict=True)]
    return Recordings("tones", sounds, RATE, labels, classes)


def study_of(data, **more):
    return HearingStudy.of(data, SequenceRecipe(**QUICK | more), progress=False)


@pytest.fixture(scope="module")
def word():
    study = study_of(tones(60), engine="native", epochs=8, learning_rate=0.02)
    return study, study.train(progress=False)


@pytest.fixture(scope="module")
def string():
    train, test = strung(tones(45), 120, **WORDS), strung(tones(12, 1), 20, seed=1, **WORDS)
    data = replace(train, test=test)
    more = {"hidden": (12,), "dropout": 0.0, "epochs": 14, "learning_rate": 0.02}
    study = study_of(data, engine="native", **more)
    told = []
    return study, study.train(progress=False, tell=told.append), told


def test_a_word_is_learned_and_judged_in_each_part(word):
    study, outcome = word
    assert study.counts == {"train": 42, "validation": 6, "test": 12}
    by = {m.who: m for m in outcome.measures}
    assert by["this model"].test == by["this model"].train == 1.0
    assert by["softmax regression of mean and deviation"].test > 0.9
    assert by["always low"].test == pytest.approx(1 / 3)
    classes, counts = study.confusion()
    assert classes == ("low", "middle", "high")
    assert counts.tolist() == [[4, 0, 0], [0, 4, 0], [0, 0, 4]]
    assert study.mistakes()[1] == [("recording", "true", "predicted", "sure")]
    assert study.watching(print) == ()
    plain = outcome.to_json_dict(None)
    assert plain["test_accuracy"] == 1.0
    assert plain["recordings"] == study.counts


def test_mistakes_are_those_that_were_most_sure(word):
    study, _ = word
    wrong = replace(study.parts["test"], labels=(study.parts["test"].labels + 1) % 3)
    title, rows = replace(study, parts={**study.parts, "test": wrong}).mistakes()
    assert title == "most confidently wrong in the test part"
    assert len(rows) == 9
    sure = [float(row[3].rstrip("%")) for row in rows[1:]]
    assert sure == sorted(sure, reverse=True)
    whole = tones(60)
    for name, true, predicted, _ in rows[1:]:
        label = whole.labels[int(name) - 1]
        assert predicted == whole.classes[label] != true


def test_strings_are_learned_and_what_is_heard_is_told_meanwhile(string):
    study, outcome, told = string
    by = {(m.name, m.who): m for m in outcome.measures}
    assert by["labels wrong", "this model"].test < 0.1
    assert by["strings right", "this model"].test > 0.8
    assert by["labels wrong", "always nothing"].test == 1.0
    wanted = [row[row >= 0].tolist() for row in study.parts["test"].labels]
    assert by["labels wrong", "this model"].test == label_error_rate(study.found["test"], wanted)
    assert study.confusion() is None
    assert study.mistakes()[1][0] == ("recording", "wrong", "said", "heard")
    assert told[0].startswith("epoch 1: ")
    assert "heard: " in told[-1]
    assert study.counts["test"] == 20


@pytest.mark.parametrize("which", ["word", "string"])
def test_a_file_hears_as_the_model_did(which, request, tmp_path):
    study, outcome, *_ = request.getfixturevalue(which)
    outcome.trained.save(tmp_path / "m")
    again = TrainedSequences.load(tmp_path / "m")
    assert isinstance(again, Recognizer)
    assert (again.classes, again.rate) == (study.classes, RATE)
    sounds = study.parts["test"].sounds[:3]
    for found, scores in zip(again.scores(sounds), study.scores["test"], strict=False):
        np.testing.assert_allclose(found, scores, atol=2e-3)
    assert again.record.measures == outcome.measures


@pytest.mark.parametrize("gain", [0.1, 10.0])
def test_how_loud_a_word_is_does_not_matter(word, gain):
    study, outcome = word
    heard = outcome.trained.scores([gain * sound for sound in study.parts["test"].sounds])
    np.testing.assert_array_equal(np.argmax(heard, axis=1), study.parts["test"].labels)


def test_a_spectrogram_shows_what_was_heard_when(string):
    study, outcome, _ = string
    model = outcome.trained
    sound = Sound(study.parts["test"].sounds[0], RATE)
    spans = model.heard(sound)
    assert all(0.0 <= span.begin < span.end <= len(sound.samples) / RATE + 0.02 for span in spans)
    names = [model.classes[k] for k in study.found["test"][0]]
    assert [span.label for span in spans] == names  # where blanks stand between equal ones
    pytest.importorskip("matplotlib")
    assert spectrogram(sound, heard=spans).axes


def test_strings_in_files_are_heard_with_their_probability(string, tmp_path):
    soundfile = pytest.importorskip("soundfile")
    study, outcome, _ = string
    test = study.parts["test"]
    for k in range(4):
        soundfile.write(tmp_path / f"{k}.wav", test.sounds[k], RATE, subtype="FLOAT")
    found = outcome.trained.answers([str(tmp_path)])
    assert list(found.columns) == ["file", "heard", "probability"]
    assert found.measured == {}
    heard = [" ".join(test.classes[k] for k in row) for row in study.found["test"][:4]]
    assert found.columns["heard"] == heard
    for scores, share in zip(study.scores["test"], found.columns["probability"], strict=False):
        (beam,) = prefix_beam_search(scores[None], width=64, blank=3)
        assert share == pytest.approx(np.exp(beam[0].log_probability), rel=0.01)


def test_words_are_not_heard_at_a_time(word):
    with pytest.raises(pb.CircuitError, match="hears one word in a whole sound, and not when"):
        word[1].trained.heard(tones(1).sounds[0])


def test_other_rates_are_resampled(word):
    model = word[1].trained
    twice = Sound(resampled(tones(1).sounds[0], RATE, 2 * RATE), 2 * RATE)
    assert model.scores([twice])[0].argmax() == 0
    study = study_of(tones(30), rate=4000)
    assert study.notes == ("all recordings are resampled from 8,000 Hz to 4,000 Hz",)
    assert study.parts["test"].rate == study.whole[0].config["rate"] == 4000


@pytest.mark.parametrize("kind", MODELS)
def test_each_model_trains(kind):
    study = study_of(tones(30), model=kind, dropout=0.0)
    assert type(study.plan.model[3]).__name__ == kind.upper()
    outcome = study.train(progress=False)
    assert len(outcome.history) == 1
    assert study_of(tones(30), model=kind, hidden=(5, 5)).plan.model[4].config["layers"] == 2


def test_scores_are_as_of_each_alone(word):
    study, _ = word
    rows = study.features["train"][:5]
    together = scores_of(study.plan.model, rows)
    for row, scores in zip(rows, together, strict=True):
        np.testing.assert_allclose(scores_of(study.plan.model, [row])[0], scores, atol=1e-5)
    assert scores_of(study.plan.model, []) == []


def short(data):
    return replace(data, sounds=(*data.sounds[:-1], data.sounds[-1][:50]))


ONE = replace(tones(30, classes=("low",)), labels=np.zeros(30, int))
CROWDED = Recordings(
    "crowded",
    [np.ones(400)] * 20,
    RATE,
    np.repeat([[0, 1] * 3], 20, axis=0),
    ("no", "yes"),
)


@pytest.mark.parametrize(
    ("data", "more", "message"),
    [
        (tones(30), {"model": "transformer"}, "no model of recordings 'transformer'"),
        (tones(30), {"steps": 4}, "--steps says nothing about recordings"),
        (tones(30), {"tokenizer": "words"}, "--tokenizer says nothing about recordings"),
        (tones(30), {"rate": 7}, "from 1,000 to 768,000, got 7"),
        (tones(30), {"rate": 2000}, "--rate is at least 4,000 samples a second"),
        (tones(30), {"dropout": 1.0}, "--dropout is a share"),
        (tones(30), {"skip_broken": True}, "--skip-broken is for recordings in files"),
        (replace(tones(30), rate=3000), {}, "recordings of 3,000 samples a second, too few"),
        (ONE, {}, "only one class, 'low'"),
        (short(tones(30)), {}, r"1 recording of less than 0.025 s.* such as 30; leave it out"),
        (CROWDED, {}, "recording 1 of 0.05 s has 6 labels, more than its 3 frames can hold"),
        (tones(4), {}, "each of 3 parts needs one"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_before_work(data, more, message):
    with pytest.raises(pb.CircuitError, match=message):
        study_of(data, **more)


@pytest.mark.parametrize(
    "about",
    [
        {"classes": ["low", "middle", "high"], "single": 1},
        {"classes": ["low", "low", "high"], "single": True},
        {"classes": "low", "single": True},
        {"classes": ["low", "middle"], "single": True},
        {"classes": ["low", "middle"], "single": False},
    ],
)
def test_a_file_that_tells_what_is_not_so_is_refused(word, about):
    trained = word[1].trained
    with pytest.raises(pb.CircuitError, match=r"not possible|have other classes"):
        Recognizer.construct(about, model=trained.model, record=trained.record).check()


def test_sounds_that_are_none_are_refused(word):
    model = word[1].trained
    with pytest.raises(pb.CircuitError, match=r"too short to hear a word: it takes 0\.025 s"):
        model.scores([np.ones(50)])
    with pytest.raises(pb.CircuitError, match="a sound is floats of shape"):
        model.scores([np.ones((2, 50))])


def test_names_are_told_from_the_folder_of_all(tmp_path):
    assert names_within([tmp_path / "a.wav"]) == ["a.wav"]
    assert names_within([tmp_path / "b" / "a.wav", tmp_path / "c.wav"]) == ["b/a.wav", "c.wav"]

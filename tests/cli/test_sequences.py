"""The command line on text and sound: trained on, described, asked, and refused."""

import gzip
import json

import pytest
from tests.cli.command import run

RHYME = "the cat sat on the mat, and the rat sat on the cat.\n" * 60


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "rhyme.txt"
    path.write_text(RHYME)
    return path


@pytest.fixture(scope="module")
def model(text):
    path = text.with_suffix(".safetensors")
    done = run(
        "train", text, "--model", "gru", "--hidden", 16, "--steps", 16, "--epochs", 3,
        "--engine", "eager", "--learning-rate", "find", "--save", path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return path, done


def test_a_text_is_trained_on_and_reported(model):
    _, done = model
    assert "3,120 characters: 2,808 to train on, 312 to validate" in done.stdout
    assert "GRU(16)" in done.stdout
    for words in ("nats a character", "bits a character", "by the character before it"):
        assert words in done.stdout
    assert "epoch 1 writes:" in done.stderr
    assert "found by trying" in done.stdout


def test_it_writes(model):
    path, _ = model
    first, second, other = (
        run("sample", path, "--prompt", "the cat", "--count", 60, "--temperature", 0.8, *more)
        for more in ([], [], ["--seed", 1, "--top-k", 3, "--top-p", 0.9])
    )
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout != other.stdout
    assert first.stdout.startswith("the cat")
    assert len(first.stdout) == len("the cat") + 60 + 1


def test_it_is_described(model):
    path, _ = model
    said = run("describe", path).stdout
    assert "writes text, character by character" in said
    assert "gru: SequenceCrossEntropy" in said
    assert "find" not in said
    plain = json.loads(run("describe", path, "--json").stdout)
    assert plain["task"] == "language modelling"
    assert plain["inputs"]["kind"] == "gru"


def test_a_compressed_text_is_the_same_text(text):
    packed = text.with_name("rhyme.txt.gz")
    packed.write_bytes(gzip.compress(text.read_bytes()))
    how = ["--hidden", 8, "--steps", 16, "--epochs", 1, "--engine", "eager", "--json"]
    plain, other = (json.loads(run("train", path, *how).stdout) for path in (text, packed))
    assert plain["metrics"] == other["metrics"]


def test_a_model_that_counting_beats_is_told_so(text):
    done = run("train", text, "--hidden", 2, "--steps", 16, "--epochs", 1, "--engine", "eager")
    assert "note: by the character before it is better than this model" in done.stdout


def test_all_of_it_is_told_as_json(text):
    done = run(
        "train", text, "--hidden", 8, "--steps", 16, "--epochs", 1, "--engine", "eager", "--json"
    )  # fmt: skip
    plain = json.loads(done.stdout)
    assert plain["metrics"]["this model"]["validation"]["nats_a_character"] > 0
    assert plain["characters"] == {"train": 2808, "validation": 312}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "TEXT", "--target", "x"], "--target is for tables, and these are text or sound"),
        (["train", "TEXT", "--size", "8"], "--size is for pictures, and these are text or sound"),
        (["train", "TEXT", "--separator", "tab"], "can be told of tables"),
        (["train", "TEXT", "--skip-broken"], "--skip-broken says nothing about"),
        (["train", "TEXT", "--steps", "4000"], "to learn from sequences of 4000 takes"),
        (["train", "TEXT", "--encoding", "klingon"], "there is no encoding 'klingon'"),
        (["train", "none.txt"], "cannot read none.txt: there is no such file"),
        (["train", "shakespeare", "--encoding", "utf-8"], "--encoding says nothing about"),
        (["train", "iris", "--steps", "4"], "--steps is for text and sound, and this is a table"),
        (["sample", "MODEL", "--prompt", "Zoo"], "character 'Z' at position 0"),
        (["sample", "MODEL", "--prompt", ""], "a prompt has a character at least"),
        (["sample", "MODEL", "--temperature", "-1"], "a temperature is a finite number"),
        (["sample", "MODEL", "--count", "-1"], "whole numbers from 0 on"),
        (["sample", "TEXT"], "rhyme.txt"),
        (["predict", "MODEL", "TEXT"], "with pullback sample MODEL"),
        (["predict", "MODEL", "--text", "the"], "answers for no text that is told"),
        (["predict", "MODEL"], "name the data to predict"),
        (["train", "WAV"], "is no text: it is a recording or film"),
        (["show", "MODEL"], "holds no model of pictures"),
    ],
)
def test_mistakes_are_told_in_a_sentence(text, model, arguments, message):
    wav = text.with_name("sound.txt")
    wav.write_bytes(b"RIFF\x24\x08\x00\x00WAVEfmt ")
    given = [{"TEXT": text, "MODEL": model[0], "WAV": wav}.get(x, x) for x in arguments]
    done = run(*given)
    assert done.returncode == 2, done.stdout
    assert message in done.message
    assert done.stdout == ""

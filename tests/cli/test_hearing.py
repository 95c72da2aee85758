"""The command line on recordings: in folders, flat or in a list, trained on, asked, and refused."""

import csv
import io
import json
import shutil

import numpy as np
import pytest
from tests.cli.command import run

soundfile = pytest.importorskip("soundfile", reason="soundfile is in the extra `sound`")

PITCHES = {"high": 2000.0, "low": 400.0, "middle": 900.0}
QUICK = ["--hidden", 8, "--epochs", 2, "--engine", "eager"]


def tone(pitch, rng, rate=8000):
    times = np.arange(rng.integers(rate // 13, rate // 8)) / rate
    return 0.1 * np.sin(2 * np.pi * pitch * rng.uniform(0.95, 1.05) * times)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Folders for classes, one flat folder, and a list of its files."""
    root = tmp_path_factory.mktemp("sound")
    rng = np.random.default_rng(0)
    rows = ["file,label"]
    for name, pitch in PITCHES.items():
        for k in range(10):
            sound = tone(pitch, rng)
            for path in (root / "folders" / name / f"{k}.wav", root / "flat" / f"{name}_x_{k}.wav"):
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, sound, 8000)
            rows.append(f"flat/{name}_x_{k}.wav,{name}")
    (root / "list.csv").write_text("\n".join(rows))
    return root


@pytest.fixture(scope="module")
def model(root):
    path = root / "heard.safetensors"
    done = run("train", root / "folders", "--hidden", 8, "--epochs", 10, "--learning-rate", 0.02,
               "--dropout", 0, "--save", path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return path, done


def test_folders_are_trained_on_and_reported(model):
    _, done = model
    assert "30 recordings: 21 to train on, 3 to validate, 6 to test" in done.stdout
    assert "3 classes: high, low, middle; one in each recording" in done.stdout
    assert "deviation=[" in done.stdout
    assert "… 40 numbers]" in " ".join(done.stdout.split())
    for words in ("softmax regression of mean", "always high", "rows: true class"):
        assert words in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_files_and_folders_are_heard(model, root):
    path, _ = model
    done = run("predict", path, root / "folders" / "low", root / "folders" / "high" / "3.wav")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["prediction"] for row in rows] == ["low"] * 10 + ["high"]
    shares = [[float(row[f"probability {name}"]) for name in PITCHES] for row in rows]
    np.testing.assert_allclose(np.sum(shares, axis=1), 1.0, atol=1e-5)
    assert "by the folders of 11 recordings: accuracy 100.00%" in done.message


def test_files_at_another_rate_are_resampled_and_it_is_said(model, tmp_path):
    sound = tone(2000.0, np.random.default_rng(1), 16000)
    soundfile.write(tmp_path / "fast.flac", np.stack([sound, sound], axis=1), 16000)
    done = run("predict", model[0], tmp_path, "--json")
    plain = json.loads(done.stdout)
    assert plain["rows"][0]["prediction"] == "high"
    assert plain["metrics"] is None
    assert plain["notes"] == [
        "1 recording of 1 is resampled from 16,000 Hz to 8,000 Hz",
        "1 recording of 1 has several channels, which are mixed down to one",
    ]


def test_it_is_described(model):
    said = run("describe", model[0]).stdout
    assert "tells which of 3 classes is heard in a recording: high, low, middle" in said
    assert "CentreOverSteps()" in said
    assert json.loads(run("describe", model[0], "--json").stdout)["task"] == "speech recognition"


def test_names_of_files_may_tell_the_classes(root):
    done = run("train", root / "flat", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "3 classes: high, low, middle" in done.stdout
    assert 'before the first "_": high, low, middle' in " ".join(done.stdout.split())


def test_a_list_of_recordings(root):
    done = run("train", root / "list.csv", *QUICK, "--rate", 4000, "--json")
    assert done.returncode == 0, done.stderr
    plain = json.loads(done.stdout)
    assert plain["classes"] == ["high", "low", "middle"]
    assert "files are in column 'file'; in Python, file= names another" in plain["notes"]
    assert "LogMel" not in plain["model"]["layers"]
    assert any("4,000 Hz" in fact for fact in plain["facts"])


def test_what_is_damaged_is_left_out_if_told(root, tmp_path):
    folder = tmp_path / "some"
    shutil.copytree(root / "folders", folder)
    soundfile.write(folder / "low" / "silent.wav", np.zeros(800), 8000)
    (folder / "low" / "empty.wav").touch()
    soundfile.write(folder / "low" / "short.wav", tone(400.0, np.random.default_rng(0))[:99], 8000)
    soundfile.write(
        folder / "low" / "fast.wav", tone(400.0, np.random.default_rng(0), 16000), 16000
    )
    refused = run("train", folder, *QUICK)
    assert refused.returncode == 2
    assert "2 of 34 files cannot be read" in refused.message
    assert "it is silent" in refused.message
    assert "--skip-broken leaves them out" in refused.message
    done = run("train", folder, *QUICK, "--skip-broken")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "31 recordings" in said
    assert "left out: 1 recording of less than 0.025 s" in said
    assert "low/short.wav" in said
    assert "resampled from 16,000 Hz to 8,000 Hz; --rate takes another" in said


@pytest.fixture(scope="module")
def bad(root):
    folder = root / "bad"
    (folder / "one" / "low").mkdir(parents=True)
    shutil.copy(root / "folders" / "low" / "1.wav", folder / "one" / "low")
    (folder / "mixed").mkdir()
    for name in ("low_1.wav", "low_2.wav", "loud.wav"):
        shutil.copy(root / "folders" / "low" / "1.wav", folder / "mixed" / name)
    soundfile.write(folder / "silent.wav", np.zeros(800), 8000)
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("no sound at all")
    soundfile.write(folder / "short.wav", tone(400.0, np.random.default_rng(0))[:99], 8000)
    return folder


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "BAD/one"], "only one class in"),
        (["train", "BAD/mixed"], "or let names begin with their class, as yes_1.wav"),
        (["train", "BAD/mixed"], "but loud.wav does not"),
        (["train", "BAD/silent.wav"], "silent.wav is one recording, and to learn takes many"),
        (["train", "ROOT/folders", "--rate", "7"], "a whole number of samples a second"),
        (["train", "ROOT/folders", "--steps", "7"], "--steps says nothing about recordings"),
        (["train", "ROOT/folders", "--size", "8"], "--size is for pictures"),
        (["train", "ROOT/folders", "--encoding", "latin-1"], "--encoding says nothing about"),
        (["train", "ROOT/folders", "--model", "resnet"], "there are: lstm, gru, rnn"),
        (["train", "spoken-digits", "--encoding", "utf-8"], "--encoding says nothing about"),
        (["predict", "MODEL", "BAD/silent.wav"], "silent.wav: it is silent; record it again"),
        (["predict", "MODEL", "BAD/empty.wav"], "empty.wav: it is empty"),
        (["predict", "MODEL", "BAD/text.wav"], "text.wav: it is no recording"),
        (["predict", "MODEL", "BAD/short.wav"], "0.012 s, too short to hear a word"),
        (["predict", "MODEL", "BAD/none.wav"], "there is no such file"),
        (["sample", "MODEL"], "heard.safetensors"),
    ],
)
def test_mistakes_are_told_in_a_sentence(root, bad, model, arguments, message):
    places = {"MODEL": model[0], "BAD": bad, "ROOT": root}
    given = []
    for x in arguments:
        first, slash, rest = x.partition("/")
        given.append(f"{places[first]}{slash}{rest}" if first in places else x)
    done = run(*given)
    assert done.returncode == 2, done.stdout
    assert message in done.message
    assert done.stdout == ""

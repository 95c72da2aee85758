"""`pullback doctor`: what it says of data of all kinds, its status, and what it refuses."""

import json
import signal

import numpy as np
import pandas as pd
import pytest
from tests.cli.command import run

import pullback as pb
from pullback import diagnosis

QUICK = "--engine", "eager", "--hidden", "4", "--epochs", "2"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, 80).astype(float)
    age[::5] = np.nan
    colour = rng.choice(["red", "blue", "grey"], 80)
    frame = pd.DataFrame({"age": age, "colour": colour, "bought": np.where(age > 50, "yes", "no")})
    path = tmp_path_factory.mktemp("tables") / "shop.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture
def seen(monkeypatch):
    """What the doctor is given, and a report of no findings, without an examination."""
    given = {}

    def doctor(trainer, data, labels=None, **more):
        given.update(trainer=trainer, data=data, labels=labels, **more)
        return diagnosis.Report(None, (), (), (), 1.0)

    monkeypatch.setattr(diagnosis, "doctor", doctor)
    return given


def found(severity):
    finding = diagnosis.Finding("dying ReLUs", severity, "all are 0", "a slope of 0")
    return diagnosis.Report(None, (finding,), (), (), 1.0)


def test_a_table_is_examined_as_train_would_learn_it(table, seen):
    options = ("--activation", "tanh", "--l2", "0.5", "--batch-size", "7", "--mixup", "0.2")
    done = run("doctor", table, *QUICK, *options, "--seed", 3, "--seconds", 9)
    assert done.returncode == 0, done.stderr
    trainer = seen["trainer"]
    assert repr(trainer.model) == "Sequential(Dense(4), Tanh(), Dense(1))"
    assert (trainer.mixup, trainer.engine, trainer.seed) == (0.2, "eager", 3)
    assert (seen["batch_size"], seen["epochs"], seen["seconds"]) == (7, 2, 9.0)
    assert seen["columns"] == ["age", "age is missing", "colour=blue", "colour=grey", "colour=red"]
    assert seen["data"].shape == (56, 5)
    assert [len(x) for x in seen["validation"]] == [8, 8]


def test_what_is_examined_is_said_first(table, seen):
    said = " ".join(run("doctor", table, *QUICK, columns=70).stdout.split())
    for words in ("80 rows: 56 to train on", "Dense(4), ReLU()", "healthy:", "--save FILE.html"):
        assert words in said


@pytest.mark.parametrize(("severity", "status"), [("severe", 1), ("mild", 1), ("note", 0)])
def test_the_status_tells_whether_anything_is_amiss(table, monkeypatch, severity, status):
    monkeypatch.setattr(diagnosis, "doctor", lambda *data, **how: found(severity))
    done = run("doctor", table, *QUICK)
    assert done.returncode == status
    assert f"1. dying ReLUs ({severity})" in done.stdout
    assert "130 after Ctrl-C" in " ".join(run("doctor", "--help").stdout.split())


def test_a_sick_net_is_found_out_written_and_told_as_json(table, tmp_path):
    path = tmp_path / "report.html"
    sick = ("--model", "linear", "--engine", "eager", "--epochs", 1, "--learning-rate", "1e-6")
    done = run("doctor", table, *sick, "--seconds", 2, "--json", "--save", path)
    found = json.loads(done.stdout)
    assert done.returncode == (0 if found["healthy"] else 1), done.stderr
    assert (found["data"], found["saved"]) == ("shop.csv", str(path))
    assert {x["name"] for x in found["checks"]} >= {"a linear model is beaten"}
    assert found["net"]["optimizer"].startswith("SGD(1e-06")
    assert "</html>" in path.read_text(encoding="utf-8")


def test_ctrl_c_ends_it_with_what_was_found(table):
    stop = diagnosis.examination.Clock.at

    def at(clock, what):
        if "linear" in what:
            signal.raise_signal(signal.SIGINT)
        stop(clock, what)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diagnosis.examination.Clock, "at", at)
        done = run("doctor", table, *QUICK, "--seconds", 5)
    assert done.returncode == 130
    assert "nothing was found before the end" in done.stdout
    assert "✓ what comes in reaches what goes out" in done.stdout


def test_pictures_are_examined_too(tmp_path, seen):
    rng = np.random.default_rng(0)
    image = pytest.importorskip("PIL.Image")
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        for k in range(10):
            pixels = rng.integers(0, 255, (8, 8), np.uint8)
            image.fromarray(pixels).save(tmp_path / name / f"{k}.png")
    done = run("doctor", tmp_path, "--model", "mlp", *QUICK, "--augment", "flip,mixup")
    assert done.returncode == 0, done.stderr
    assert "20 pictures of 8 x 8" in done.stdout
    assert seen["data"].shape[1:] == (8, 8, 1)
    assert seen["trainer"].mixup > 0.0
    assert len(seen["validation"][0]) == 2


def test_sequences_are_examined_too(tmp_path, seen):
    (tmp_path / "text.txt").write_text("the cat sat on the mat. " * 40, encoding="utf-8")
    done = run("doctor", tmp_path / "text.txt", *QUICK, "--steps", 8, "--batch-size", 4)
    assert done.returncode == 0, done.stderr
    assert "960 characters" in done.stdout
    inputs, labels = next(iter(seen["data"]()))
    assert (inputs.shape, labels.shape, seen["labels"]) == ((4, 8), (4, 8), None)
    assert (seen["epochs"], seen["batch_size"]) == (2, 4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--seconds", "0"), "--seconds is a number above 0, such as 30, got 0"),
        (("--seconds", "nan"), "--seconds is a number above 0"),
        (("--save", "report.pdf"), "--save writes .html files: name it report.html"),
        (("--steps", "3"), "--steps is for text and sound, and this is a table"),
        (("--optimizer", "SDG"), "there is no optimizer 'SDG'"),
        (("--hidden", "a"), "--hidden is the sizes of layers"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_any_work(table, options, words):
    done = run("doctor", table, *options)
    assert done.returncode == 2
    assert words in done.message
    assert done.stdout == ""


def test_it_is_a_name_of_the_library():
    assert pb.doctor is diagnosis.doctor
    assert "doctor" in pb.__all__

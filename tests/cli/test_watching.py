"""What a monitor sees, on the command line: a table, lines of JSON, a figure, event files."""

import json
import sys

import pytest
from tests.cli.command import run


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def train(*arguments):
    return run("train", "iris", "--epochs", 2, "--engine", "eager", "--hidden", 4, *arguments)


def test_the_layers_are_shown_logged_and_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    done = train("--log", "run.jsonl", "--figure", "run.svg")
    assert done.returncode == 0, done.stderr
    assert "layer" in done.stdout
    assert {"mean", "std", "zeros", "gradient", "ratio"} <= set(done.stdout.split())
    assert "relu1" in done.stdout
    lines = [json.loads(line) for line in (tmp_path / "run.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["begin", "epoch", "epoch", "end"]
    assert list(lines[1]["layers"]) == ["dense1", "relu1", "dense2"]
    assert (tmp_path / "run.svg").stat().st_size > 10_000
    assert done.stdout.endswith("written   run.jsonl\nwritten   run.svg\n")


def test_without_a_monitor_nothing_of_layers_is_shown():
    done = train("--no-monitor")
    assert done.returncode == 0, done.stderr
    assert "relu1" not in done.stdout


def test_event_files(tmp_path):
    pytest.importorskip("tensorboardX")
    done = train("--tensorboard", "board")
    assert done.returncode == 0, done.stderr
    assert any("tfevents" in file.name for file in (tmp_path / "board").iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--figure", "run.txt"), "--figure"),
        (("--log", "none/run.jsonl"), "--log"),
        (("--figure", "none/run.svg"), "--figure"),
        (("--tensorboard", "file"), "--tensorboard needs a folder, and file is a file"),
        (("--tensorboard", "file/in"), "and file is a file: file/in cannot be in it"),
        (("--tensorboard", ""), "--tensorboard needs the name of a folder"),
        (("--save", "model.png"), "--save writes a model: name it model.safetensors, not model."),
    ],
)
def test_files_that_cannot_be_written_are_refused_before_work(arguments, message, tmp_path):
    (tmp_path / "file").touch()
    done = train(*arguments)
    assert done.returncode == 2
    assert message in done.message
    assert not done.stdout


def test_without_tensorboardx_nothing_is_begun(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    done = train("--tensorboard", "board")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'pip install "pullback[tensorboard]"' in done.message

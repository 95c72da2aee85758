"""The command line, run as a user runs it: what it prints, and how it refuses."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

import pullback as pb


def run(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "pullback", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
    )


def test_explain_shows_values_gradients_check_and_strategies(tmp_path):
    done = run("explain", "(x + y) * z", "x=-2", "y=5", "z=-4", "--svg", tmp_path / "out.svg")
    assert done.returncode == 0, done.stderr
    assert "= -12" in done.stdout
    for name, grad in (("x", "-4"), ("y", "-4"), ("z", "3")):
        line = next(row for row in done.stdout.splitlines() if row.strip().startswith(f"{name} "))
        assert line.endswith(f"grad {grad}")
    assert "-11.59" in done.stdout
    assert ET.parse(tmp_path / "out.svg").getroot().tag.endswith("svg")


def test_explain_takes_arrays_and_constants():
    done = run("explain", "sum(x * y)", "x=[1,2]", "y=[3,4]")
    assert done.returncode == 0, done.stderr
    assert "= 11" in done.stdout
    assert run("explain", "2 + 3").returncode == 0
    assert run("explain", "x * 2", "x=[1,2]").returncode == 0  # many outputs: no strategies


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "x * y", "x=1"], "'y' has no value"),
        (["explain", "x *", "x=1"], "cannot read the expression"),
        (["explain", "x", "x"], "cannot read 'x'; give values as"),
        (["explain", "x", "x=abc"], "cannot read the value of 'x'"),
        (["explain", "x", "x=1", "y=2"], "'y' has a value but does not occur"),
        (["explain", "open('f')", "x=1"], "unknown function 'open'"),
        (["explain", "x * 2", "x=1", "--svg", "/nowhere/at/all.svg"], "/nowhere/at/all.svg"),
        (["explain", "x * 2", "x=1", "--svg", "picture.bmp"], "svg"),
        (["train", "digitz"], "did you mean 'digits'"),
        (["train", "digits", "--epochs", "0"], "epochs"),
        (["train", "digits", "--seed", "x"], "seed"),
        (["train", "digits", "--save", "/nowhere/at/all"], "no folder"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_a_mistake_is_one_message_and_status_2(arguments, message, tmp_path):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_train_digits_as_json(tmp_path):
    done = run("train", "digits", "--json", "--save", tmp_path / "m.safetensors")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["test_accuracy"] >= 0.97
    assert summary["test_baseline_accuracy"] < 0.15
    assert summary["seconds"] < 30
    assert summary["train_rows"] + summary["validation_rows"] + summary["test_rows"] == 1797
    model = pb.Sequential.load(tmp_path / "m.safetensors")
    assert sum(unit.size for unit in model.parameters.values()) == summary["parameters"]


def test_train_digits_is_repeatable_and_readable():
    first, second = (run("train", "digits", "--epochs", 2, "--seed", 5) for _ in range(2))
    assert first.returncode == 0, first.stderr

    def table(done):
        return [line for line in done.stdout.splitlines() if "%" in line]

    assert table(first) == table(second) != []


def test_help_names_the_commands():
    done = run("--help")
    assert done.returncode == 0
    assert "explain" in done.stdout
    assert "train" in done.stdout

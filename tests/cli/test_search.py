"""`pullback search`: what it says of what it found, what it writes, and what it refuses."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from tests.cli.command import run
from tests.search.small import flowers, prices

from pullback.tables.trained import Trained

pytest.importorskip("optuna")

QUICK = "--engine", "eager", "--epochs", "2", "--jobs", "1", "--folds", "2", "--fix", "hidden=4"


def fast(*arguments, **how):
    return run("search", *QUICK, *arguments, **how)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "flowers.csv"
    flowers(60).frame.to_csv(path, index=False)
    return path


def test_all_that_was_found_is_said_and_written(table, tmp_path, monkeypatch):
    files = {"--save": "m.safetensors", "--csv": "trials.csv", "--figure": "trials.png"}
    monkeypatch.chdir(tmp_path)
    done = fast(table, "--trials", 11, *(x for pair in files.items() for x in pair), columns=70)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    for words in (
        "60 rows: 48 to search on, in 2 folds, and 12 to test the model that comes of it",
        "the best of",
        "chosen by all folds but one, on that one",
        "the model, on the test part, which nothing was chosen by",
        "what mattered",
        "all trials were tried",
        "logistic regression",
    ):
        assert words in said
    assert max(map(len, done.stdout.splitlines())) <= 70
    assert "95% confidence interval of the model's accuracy, by the test part: " in said
    assert "written trials.csv written trials.png" in said
    assert "learning rate" in said
    assert "learning rate factor" not in said
    own = next(line.split() for line in done.stdout.splitlines() if line.startswith("    0  "))
    assert {"SGD", "0.1", "0.0003"} <= set(own)  # as pullback train takes them
    trials = pd.read_csv(tmp_path / "trials.csv")
    assert list(trials["trial"]) == list(range(11))
    assert {"mean", "fold1", "fold2", "learning_rate_factor", "ended"} <= set(trials)
    assert (tmp_path / "trials.png").stat().st_size > 10_000
    predicted = run("predict", tmp_path / "m.safetensors", table)
    assert "species of 60 rows: accuracy" in predicted.message
    described = run("describe", tmp_path / "m.safetensors").stdout
    assert " 2 × Sequential(…) " in described  # of a fold each, and alike
    assert "sequential2" not in described
    assert "balanced accuracy" not in described  # as it is the accuracy
    assert "networks together" in described
    assert "validated by 2 folds in turn" in " ".join(described.split())


def test_json_is_one_object_of_the_same_numbers(table, tmp_path):
    done = fast(table, "--trials", 2, "--json", "--save", tmp_path / "m")
    found = json.loads(done.stdout)
    assert found["recipe"]["trial"] == 0
    assert found["best"]["mean"] >= found["recipe"]["mean"]
    assert found["rows"] == {"searched": 48, "test": 12}
    record = Trained.load(tmp_path / "m").record
    of_test = [m.model for m in record.metrics if (m.part, m.name) == ("test", "accuracy")]
    assert of_test == [found["model"]["metrics"]["model"]["test"]["accuracy"]]
    again = json.loads(fast(table, "--trials", 2, "--json").stdout)
    assert [t["scores"] for t in again["trials"]] == [t["scores"] for t in found["trials"]]


def test_quantities_are_searched_by_their_error(tmp_path):
    prices(40).frame.to_csv(tmp_path / "prices.csv", index=False)
    done = fast(tmp_path / "prices.csv", "--trials", 2, "--metric", "MAE", "--json")
    found = json.loads(done.stdout)
    assert (found["task"], found["metric"]) == ("regression", "mae")
    assert found["best"]["mean"] == min(t["mean"] for t in found["trials"] if len(t["scores"]) == 2)
    shown = fast(tmp_path / "prices.csv", "--trials", 1, columns=50).stdout
    assert "MAE" in shown
    assert "what mattered is not told: it needs 10 trials whose scores differ, and there is 1" in (
        " ".join(shown.split())
    )
    assert "tried 1 trial: 1 on all folds; 4 epochs" in " ".join(shown.split())
    assert np.isfinite(found["model"]["test_interval"]).all()


def test_a_search_is_gone_on_with(table, tmp_path):
    kept = "--storage", tmp_path / "trials.journal"
    fast(table, "--trials", 1, *kept)
    done = fast(table, "--trials", 1, *kept)
    assert (done.returncode, "--resume goes on with it" in done.message) == (2, True)
    assert not done.stdout
    done = fast(table, "--trials", 1, *kept, "--resume", "--class-weights", "balanced", "--loss",
                "SoftmaxCrossEntropy")  # fmt: skip
    assert "its loss is not given, and now it is SoftmaxCrossEntropy" in done.message
    then = json.loads(fast(table, "--trials", 1, *kept, "--resume", "--json").stdout)
    assert [t["trial"] for t in then["trials"]] == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fix", "momentum=1"], "--fix is NAME=VALUE, with a name of hidden, activation"),
        (["--fix", "l2"], "--fix is NAME=VALUE"),
        (["--fix", "l2=strong"], "--fix l2 needs a number, got 'strong'"),
        (["--fix", "hidden=5"], "--fix tells hidden twice"),
        (["--fix", "optimizer=Newton"], "there is no optimizer 'Newton'; there are: "),
        (["--fix", "dropout=1.5"], "--fix dropout is a share from 0 to below 1, got 1.5"),
        (["--fix", "learning-rate=-1"], "--fix learning_rate is a number above 0"),
        (["--loss", "Hinge", "--fix", "label_smoothing=0.1"], "Hinge does not fit"),
        (["--metric", "rmse"], "there is no metric 'rmse'; there are: accuracy"),
        (["--folds", "1"], "cross-validation needs 2 folds at least, got 1"),
        (["--minutes", "0"], "--minutes are a number above 0, got 0.0"),
        (["--minutes", "-3"], "--minutes are a number above 0, got -3.0"),
        (["--trials", "0"], "--trials is a whole number of at least 1, got 0"),
        (["--jobs", "0"], "--jobs is a whole number of at least 1, got 0"),
        (["--networks", "0"], "--networks is a whole number of at least 1, got 0"),
        (["--storage", "none/trials.journal"], "cannot keep a search at none/trials.journal"),
        (["--save", "m.txt"], "--save writes a model: name it m.safetensors, not m.txt, which is"),
        (["--resume"], "--resume goes on with what is in a --storage FILE; name it"),
        (["--csv", "trials.txt"], "--csv writes .csv files: name it trials.csv"),
        (["--figure", "trials.csv"], "--figure writes .png or .svg or .pdf or .jpg files"),
        (["--class-weights", "all"], "--class-weights is balanced or not given"),
    ],
)
def test_what_makes_no_sense_is_refused_before_work(arguments, message, table):
    done = fast(table, *arguments)
    assert done.returncode == 2
    assert message in done.message
    assert not done.stdout


def test_without_optuna_nothing_is_begun(table, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    done = fast(table, "--trials", 1)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'pip install "pullback[search]"' in done.message


def test_what_is_no_table_is_refused():
    done = fast("shakespeare")
    assert (done.returncode, "holds text, and this takes tables" in done.message) == (2, True)

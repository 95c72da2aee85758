"""How a file is read, told on the command line, and kept with the model that was trained on it."""

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest
from tests.cli.command import fast, run

from pullback.tables.trained import Trained

OF_CLASSES = (
    *("accuracy", "balanced_accuracy", "precision", "recall", "f1", "mcc"),
    *("average_precision", "roc_auc"),
    *("log_loss", "brier", "calibration_error"),
)


def written(path, head, rows):
    path.write_text("\n".join([head, *rows]), encoding="utf-8")
    return path


@pytest.fixture
def either(tmp_path):
    """A file of which nobody can tell whether its dots mark decimals or group thousands."""
    rows = [f"{1 + k % 9}.{k * 37 % 899 + 100}\t{'ab'[k % 2]}" for k in range(60)]
    return written(tmp_path / "either.tsv", "size\tkind", rows)


def column_of(done, name):
    assert done.returncode == 0, done.stderr
    return next(c for c in json.loads(done.stdout)["columns"] if c["name"] == name)


def predictions(done):
    assert done.returncode == 0, done.stderr
    return [row["prediction"] for row in csv.DictReader(io.StringIO(done.stdout))]


def test_a_doubtful_decimal_mark_is_said_and_told(either):
    done = fast(either)
    said = " ".join(done.stdout.split())
    assert "read with decimal points, though thousands dots fit too; --decimal ',' takes" in said
    assert "from 1." in column_of(fast(either, "--json"), "size")["note"]
    for told in (",", "comma"):
        note = column_of(fast(either, "--json", "--decimal", told), "size")["note"]
        assert "numbers from 1," in note
        assert "fit too" not in note


def test_gaps_that_are_told_leave_the_others_as_classes(tmp_path):
    rows = [f"{k},{('EU', 'EU', 'AS', 'AS', 'AS', 'AS', 'NA')[k % 7]}" for k in range(70)]
    path = written(tmp_path / "t.csv", "x,land", rows)
    assert json.loads(fast(path, "--json", "--gaps", "NA,?").stdout)["classes"] == ["AS", "EU"]
    found = json.loads(fast(path, "--json", "--gaps", "").stdout)
    assert found["classes"] == ["AS", "EU", "NA"]


def test_a_header_and_a_separator_that_are_told(tmp_path):
    path = written(tmp_path / "t.csv", "0,1,2", [f"{k * 3},{k % 7},{k % 2}" for k in range(40)])
    assert sum(json.loads(fast(path, "--json").stdout)["rows"].values()) == 40
    found = json.loads(fast(path, "--json", "--header", "no").stdout)
    assert sum(found["rows"].values()) == 41
    rows = [f"{k}|{k * 7 % 5},{k % 4},{k % 2}" for k in range(40)]
    path = written(tmp_path / "b.csv", "a|b,c,d", rows)
    assert json.loads(fast(path, "--json", "--separator", "comma").stdout)["target"] == "d"
    assert json.loads(fast(path, "--json", "--separator", "|").stdout)["target"] == "b,c,d"


def test_classes_are_texts_or_numbers(tmp_path):
    path = written(tmp_path / "t.csv", "x,c", [f"{k},{('07', '7', '8')[k % 3]}" for k in range(60)])
    found = json.loads(fast(path, "--json").stdout)
    assert found["classes"] == ["07", "7", "8"]
    assert any("--classes number makes them one" in note for note in found["notes"])
    assert json.loads(fast(path, "--json", "--classes", "number").stdout)["classes"] == [7, 8]


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (("--decimal", "dot"), "--decimal is one of point, comma, got 'dot'"),
        (("--separator", "x"), "--separator is one of comma, semicolon, tab, bar, blanks, got 'x'"),
        (("--header", "maybe"), "--header is yes or no, got 'maybe'"),
        (("--classes", "words"), "there is no way to read classes 'words'; there are: text, numb"),
    ],
)
def test_options_that_are_none(either, told, message):
    done = run("train", either, *told)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.message


def test_options_are_of_files_alone():
    done = run("train", "iris", "--decimal", "comma")
    assert done.returncode == 2
    assert "so leave out target, task, kinds and how to read a file" in done.message


def test_predictions_write_the_texts_of_the_classes(tmp_path):
    texts = ["007", "042", "100"]
    rows = [f"{k % 3 + 0.01 * (k % 5)},{texts[k % 3]}" for k in range(90)]
    path = written(tmp_path / "t.csv", "x,c", rows)
    fast(path, "--epochs", 60, "--save", tmp_path / "m")
    done = run("predict", tmp_path / "m", path)
    assert set(predictions(done)) <= set(texts)
    assert "c of 90 rows: accuracy" in done.stderr
    typed = pd.DataFrame({"x": np.arange(3.0), "c": [7, 42, 100]})
    typed.to_parquet(tmp_path / "t.parquet")  # where 007 is 7
    assert "c of 3 rows" in run("predict", tmp_path / "m", tmp_path / "t.parquet").stderr


def test_predictions_read_back_to_the_same_numbers(tmp_path):
    rows = [f"{k % 20},{1e9 + 0.01 * k:.2f}" for k in range(80)]
    path = written(tmp_path / "t.csv", "x,y", rows)
    fast(path, "--model", "linear", "--save", tmp_path / "m")
    printed = predictions(run("predict", tmp_path / "m", path))
    found = json.loads(run("predict", tmp_path / "m", path, "--json").stdout)["rows"]
    assert [float(text) for text in printed] == [row["prediction"] for row in found]
    assert len(set(printed)) > 10
    run("predict", tmp_path / "m", path, "--output", tmp_path / "out.csv")
    assert pd.read_csv(tmp_path / "out.csv", dtype=str)["prediction"].tolist() == printed


def test_scores_are_the_shortest_texts_of_what_the_network_gave(tmp_path):
    path = written(tmp_path / "t.csv", "x,c", [f"{k * 0.37:.2f},{'abc'[k % 3]}" for k in range(60)])
    fast(path, "--model", "svm", "--save", tmp_path / "m")
    rows = list(csv.DictReader(io.StringIO(run("predict", tmp_path / "m", path).stdout)))
    model = Trained.load(tmp_path / "m")
    inputs, _ = model.preparation.transform(pd.read_csv(path))
    scores = model.model.predict(inputs)
    assert scores.dtype == np.float32
    for row, wanted in zip(rows, scores, strict=True):
        assert [row[f"score of {c}"] for c in "abc"] == [str(x) for x in wanted]


def test_a_new_file_is_read_as_that_of_the_training(tmp_path):
    rows = [f"{k},{k * 7 % 10};{k % 9 + 1}.{k * 37 % 900 + 100};{k}" for k in range(60)]
    path = written(tmp_path / "t.csv", "a;size;y", rows)
    fast(path, "--target", "y", "--save", tmp_path / "m")
    size = next(c for c in Trained.load(tmp_path / "m").preparation.columns if c.name == "size")
    assert "thousands dots" in size.note
    # of this file alone, the dots could mark decimals
    new = written(tmp_path / "new.csv", "a;size", ["3;1.234", "4;2.345"])
    assert "--decimal" not in run("predict", tmp_path / "m", new).stderr
    grouped, plain = (
        predictions(run("predict", tmp_path / "m", written(tmp_path / "p.csv", "a;size", rows)))
        for rows in (["3;1.234", "4;2.345"], ["3;1234", "4;2345"])
    )
    assert grouped == plain


@pytest.mark.parametrize(
    ("learned", "new", "doubted"),
    [
        ("{},{:02}", ["2.345,1", "30.500,1"], "2.345"),
        ("{},{:02}", ['"-2.345",1', '"7",1'], "-2.345"),
        ("{}.{:02}", ['"2,345",1'], None),  # no number of the training's: refused
        ("{},{:02}", ["2.345,1", '"0,5",1'], None),
    ],
)
def test_dots_that_training_did_not_know_are_doubted(tmp_path, learned, new, doubted):
    rows = [f"{learned.format(k, k * 37 % 100)};{k * 7 % 5}" for k in range(60)]
    fast(written(tmp_path / "t.csv", "x;y", rows), "--save", tmp_path / "m")
    done = run("predict", tmp_path / "m", written(tmp_path / "new.csv", "x,z", new))
    why = "as in training, though no number here shows decimal commas, and it fits decimal points"
    assert (why in done.message) == (doubted is not None)
    if doubted is not None:
        assert f"column 'x': '{doubted}' is read {why}" in done.message
        assert "--decimal '.' reads it so" in done.message
        told = run("predict", tmp_path / "m", tmp_path / "new.csv", "--decimal", "comma")
        assert told.returncode == 0
        assert "as in training" not in told.message
    assert done.returncode == (2 if "{}.{:02}" in learned else 0)


def test_a_new_file_that_differs_from_the_training_is_said_and_can_be_told(tmp_path):
    rows = [f"{k % 9 + 1},{k * 37 % 900 + 100}\t{k}.5\t{k}" for k in range(60)]
    path = written(tmp_path / "t.tsv", "size\tb\ty", rows)
    fast(path, "--target", "y", "--kind", "b=ignore", "--save", tmp_path / "m")
    rows = [f"{k % 9 + 1},{k * 37 % 900 + 100}\t{k},5" for k in range(20)]
    new = written(tmp_path / "new.tsv", "size\tb", rows)
    message = run("predict", tmp_path / "m", new).message
    assert "'1,100' is read as in training, though other numbers here have decimal com" in message
    told = run("predict", tmp_path / "m", new, "--decimal", "comma")
    assert "as in training" not in told.message
    points = written(tmp_path / "p.tsv", "size\tb", [row.replace(",", ".") for row in rows])
    assert predictions(told) != predictions(run("predict", tmp_path / "m", new))
    assert predictions(told) == predictions(
        run("predict", tmp_path / "m", points, "--decimal", "point")
    )


def test_texts_for_gaps_are_kept_with_the_model(tmp_path):
    cells = ["EU", "NA", "AS", "."]
    rows = [f"{cells[k % 3]},{'.' if k % 5 == 0 else k * 0.37:}" for k in range(60)]
    path = written(tmp_path / "t.csv", "land,y", [f"{row},{k}" for k, row in enumerate(rows)])
    path.write_text(path.read_text().replace("land,y", "land,x,y"))
    fast(path, "--target", "y", "--save", tmp_path / "m")
    land, x = Trained.load(tmp_path / "m").preparation.columns
    assert (land.kept, x.gaps) == (("NA",), (".",))
    new = written(tmp_path / "new.csv", "land,x", ["NA,1.5", "EU,.", ".,2.5", "EU,n/a"])
    message = run("predict", tmp_path / "m", new).message
    assert "column 'land': 1 without a usable value" in message
    assert "column 'x': 2 without a usable value" in message


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        ("iris", {f"test_{name}": name for name in OF_CLASSES}),
        ("diabetes", {"test_rmse": "rmse", "test_mae": "mae", "test_r2": "r2"}),
    ],
)
def test_the_measures_of_the_test_part_stand_at_the_top_of_the_json_too(data, keys):
    found = json.loads(fast(data, "--json").stdout)
    assert {key for key in found if key.startswith("test_")} == set(keys)
    for key, measure in keys.items():
        assert found[key] == found["metrics"]["model"]["test"][measure]

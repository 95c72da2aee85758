"""`pullback predict` and `pullback describe`: what a saved model answers, and tells of itself."""

import csv
import io
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load, save
from tests.cli.command import fast, run

import pullback as pb
from pullback.datasets import load_dataset
from pullback.layers.storage import FORMAT
from pullback.tables.trained import Trained

SCORES = ["score of iris", "score of rose", "score of tulip, wild"]


def table(kind, rng):
    return pd.DataFrame(
        {
            "length": (kind + 0.2 * rng.normal(size=len(kind))).round(3),
            "colour": np.array(["red", "blue", "white"])[kind],
            "species": np.array(["iris", "rose", "tulip, wild"])[kind],
        }
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a table of flowers, a model trained on it, and one of a regression."""
    folder = tmp_path_factory.mktemp("models")
    rng = np.random.default_rng(0)
    frame = table(np.repeat([0, 1, 2], 30), rng)
    frame.to_csv(folder / "flowers.csv", index=False)
    done = fast(folder / "flowers.csv", "--epochs", 30, "--save", folder / "flowers.st")
    assert done.returncode == 0, done.stderr
    frame["price"] = 1e6 + 1e5 * frame["length"]
    frame.to_csv(folder / "prices.csv", index=False)
    done = fast(folder / "prices.csv", "--save", folder / "prices.st", "--model", "linear")
    assert done.returncode == 0, done.stderr
    done = fast(folder / "flowers.csv", "--save", folder / "svm.st", "--model", "svm")
    assert done.returncode == 0, done.stderr
    return folder


def rows_of(done):
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


# Predictions -------------------------------------------------------------------------------------


def test_a_row_of_predictions_for_each_row_of_the_data_in_its_order(place):
    done = run("predict", place / "flowers.st", place / "flowers.csv")
    rows = rows_of(done)
    data = load_dataset(place / "flowers.csv")
    trained = Trained.load(place / "flowers.st")
    inputs, _ = trained.preparation.transform(data.frame)
    scores = trained.model.predict(inputs).astype(float)
    wanted = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert [int(row["line"]) for row in rows] == list(range(2, 92))
    found = np.array([[float(row[f"probability of {c}"]) for c in data.classes] for row in rows])
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert [row["prediction"] for row in rows] == [data.classes[k] for k in scores.argmax(axis=1)]
    right = np.mean([row["prediction"] for row in rows] == data.frame["species"].to_numpy())
    assert f"species of 90 rows: accuracy {right:.2%}" in done.stderr


@pytest.fixture
def cities(tmp_path):
    """A model of two classes that differ in letters which are not of ASCII alone, and its table."""
    lines = [f"{k % 2 + k / 1000},{('łódź', 'łódż')[k % 2]}" for k in range(40)]
    (tmp_path / "cities.csv").write_text("\n".join(["x,y", *lines]), "utf-8")
    done = fast(tmp_path / "cities.csv", "--save", tmp_path / "m")
    assert done.returncode == 0, done.stderr
    return tmp_path


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_answers_are_written_as_they_are_whatever_the_encoding(cities, encoding):
    arguments = [sys.executable, "-m", "pullback", "predict", "m", "cities.csv"]
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run(arguments, cwd=cities, env=environment, capture_output=True, check=True)
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode("utf-8"))))
    assert {row["prediction"] for row in rows} <= {"łódź", "łódż"}
    assert list(rows[0])[2:] == ["probability of łódź", "probability of łódż"]


def test_a_terminal_that_cannot_show_the_answers_is_told_of_output(cities):
    done = run("predict", cities / "m", cities / "cities.csv", encoding="ascii", terminal=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--output writes them to a file" in done.message


def test_blank_lines_gaps_and_what_training_did_not_know(place, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("colour,more,length\nred,1,0.1\n\ngreen,2,\nwhite,3,2.2\n")
    done = run("predict", place / "flowers.st", path)
    rows = rows_of(done)
    assert [row["line"] for row in rows] == ["2", "4", "5"]
    assert [rows[k]["prediction"] for k in (0, 2)] == ["iris", "tulip, wild"]
    for part in (
        "'green'",
        "1 blank line",
        "column 'more' unknown",
        "'length': 1 without a usable",
    ):
        assert part in done.message
    assert "accuracy" not in done.stderr


def test_rows_without_a_target_are_predicted_and_not_judged(place, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("colour,length,species\nred,0,iris\nred,0,\nblue,1,iris\n")
    done = run("predict", place / "flowers.st", path)
    assert len(rows_of(done)) == 3
    assert "species of 2 rows: accuracy 50.00%" in done.stderr
    path.write_text("colour,length,species\nred,0,\nred,0,\n")
    done = run("predict", place / "flowers.st", path)
    assert len(rows_of(done)) == 2
    assert "accuracy" not in done.stderr


def test_quantities_come_back_in_their_own_unit(place):
    done = run("predict", place / "prices.st", place / "prices.csv", "--json")
    found = json.loads(done.stdout)
    truth = pd.read_csv(place / "prices.csv")["price"]
    errors = truth - [row["prediction"] for row in found["rows"]]
    assert found["metrics"]["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-6)
    assert 0 < found["metrics"]["mae"] < 1e5


def test_an_svm_gives_scores_and_no_probabilities(place):
    rows = rows_of(run("predict", place / "svm.st", place / "flowers.csv"))
    assert list(rows[0]) == ["line", "prediction", *SCORES]
    for row in rows:
        scores = {name[9:]: float(x) for name, x in row.items() if name.startswith("score")}
        assert row["prediction"] == max(scores, key=lambda name: scores[name])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_predictions_in_a_file(place, tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    done = run("predict", place / "flowers.st", place / "flowers.csv", "--output", path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "90 predictions written to" in done.message
    read = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
    shown = pd.read_csv(
        io.StringIO(run("predict", place / "flowers.st", place / "flowers.csv").stdout)
    )
    pd.testing.assert_frame_equal(read, shown, rtol=1e-6)


@pytest.mark.parametrize("name", ["digits", "iris", "diabetes"])
def test_a_built_in_set_is_data_too(name, tmp_path):
    found = json.loads(fast(name, "--json", "--save", tmp_path / "m").stdout)
    answered = json.loads(run("predict", tmp_path / "m", name, "--json").stdout)
    assert len(answered["rows"]) == sum(found["rows"].values())
    assert answered["rows"][0]["row"] == 1
    by_part = [(n, found["metrics"]["model"][part]) for part, n in found["rows"].items()]
    measure = "mae" if name == "diabetes" else "accuracy"
    wanted = np.average([m[measure] for _, m in by_part], weights=[n for n, _ in by_part])
    assert answered["metrics"][measure] == pytest.approx(wanted, rel=1e-6)


def test_pictures_are_no_table(place):
    done = run("predict", place / "flowers.st", "fashion-mnist")
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: fashion-mnist holds pictures, and this takes tables; built in" in done.message


def test_a_model_of_digits_takes_a_table_of_pixels(tmp_path):
    fast("digits", "--save", tmp_path / "m")
    digits = load_dataset("digits")
    pixels = pd.DataFrame((digits.inputs[:5] * 16).astype(int), columns=digits.features)
    pixels.to_csv(tmp_path / "pixels.csv", index=False)
    rows = rows_of(run("predict", tmp_path / "m", tmp_path / "pixels.csv"))
    model = Trained.load(tmp_path / "m").model
    assert [int(row["prediction"]) for row in rows] == model.predict(digits.inputs[:5]).argmax(
        1
    ).tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour\nred\nblue\n", "lacks what the network takes: column 'length'"),
        ("colour,length\nred,1\nred,long\n", "column 'length' should hold numbers, but line 3 has"),
        ("colour,length,species\nred,1,iris\nred,1,oak\n", "line 3 has 'oak' in column 'species'"),
        ("", "is empty"),
        ("colour,length\n", "has a header and no rows"),
    ],
)
def test_data_that_does_not_fit(place, tmp_path, text, message):
    path = tmp_path / "new.csv"
    path.write_text(text)
    done = run("predict", place / "flowers.st", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.message


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("out.txt", "--output writes .csv or .parquet files: name it out.csv, not"),
        ("", "--output needs the name of a file"),
        ("no/out.csv", "there is no folder"),
        ("flowers.csv", "--output would write over"),
    ],
)
def test_places_that_cannot_be_written_to(place, output, message, monkeypatch):
    monkeypatch.chdir(place)
    done = run("predict", "flowers.st", "flowers.csv", "--output", output)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.message


# Description -------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [80, 40])
def test_a_model_is_described(place, columns):
    done = run("describe", place / "flowers.st", columns=columns)
    assert done.returncode == 0, done.stderr
    for part in ("Dense(256)", "1,280", "colour", "species", "SoftmaxCross", "logistic"):
        assert part in done.stdout
    assert f"written by pullback {pb.__version__}" in done.stdout
    widths = [len(line) for line in done.stdout.splitlines() if str(place) not in line]
    assert max(widths) <= columns
    told = json.loads(run("describe", place / "flowers.st", "--json").stdout)
    assert told["classes"] == ["iris", "rose", "tulip, wild"]
    assert told["data"] == "flowers.csv"
    assert told["metrics"]["model"]["test"]["accuracy"] > 0.9
    assert told["parameters"] == sum(layer["parameters"] for layer in told["layers"])


def test_what_training_said_is_what_the_file_says(place, tmp_path):
    found = json.loads(fast(place / "prices.csv", "--json", "--save", tmp_path / "m").stdout)
    told = json.loads(run("describe", tmp_path / "m", "--json").stdout)
    for name in ("metrics", "baselines", "columns", "target", "task", "rows"):
        assert told[name] == found[name]
    assert told["epochs"] == found["training"]["epochs"]


def test_layers_alone_are_described_and_do_not_predict(place, tmp_path):
    model = pb.Sequential(pb.Dense(2))
    model(np.ones((1, 3)))
    model.save(tmp_path / "m")
    done = run("describe", tmp_path / "m")
    assert "layers alone" in done.stdout
    assert "Dense(2)" in done.stdout
    done = run("predict", tmp_path / "m", place / "flowers.csv")
    assert done.returncode == 2
    assert "`pullback train --save` writes models that tell" in done.message


def test_a_trained_model_is_a_model_like_any_other(place):
    model = pb.Sequential.load(place / "flowers.st")
    assert repr(model) == "Sequential(Dense(256), ReLU(), Dense(3))"


# Files that are not what they should be ----------------------------------------------------------


def about_of(path):
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return file.metadata()


def changed(place, tmp_path, change):
    """The model with another account of itself."""
    metadata = about_of(place / "flowers.st")
    about = json.loads(metadata["about"])
    metadata["about"] = change(about)
    path = tmp_path / "m"
    path.write_bytes(save(load((place / "flowers.st").read_bytes()), metadata))
    return path


def put(*keys, value):
    """A change of one place of the account."""

    def change(about):
        inner = about
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value
        return json.dumps(about)

    return change


def test_the_account_that_hostile_ones_depart_from_loads(place, tmp_path):
    path = changed(place, tmp_path, json.dumps)
    assert run("predict", path, place / "flowers.csv").returncode == 0


@pytest.mark.parametrize(
    "change",
    [
        *(lambda about, text=text: text for text in ("[]", "3", "{}", "not json", "[" * 99999)),
        put("format", value="pullback trained model, version 9"),
        put("preparation", value=None),
        put("preparation", "target", value=None),
        put("preparation", "target", "classes", value=["a", "b"]),
        put("preparation", "target", "classes", value=[]),
        put("preparation", "features", value=[]),
        put("preparation", "features", 0, "scale", value=0.0),
        put("preparation", "features", 0, "part", value="other"),
        put("preparation", "features", 0, "low", value=float("nan")),
        put("threshold", value=0.5),
        put("threshold", value={"value": 0.2, "criterion": "f1", "reached": 1.0, "positive": 0}),
        put("record", value={}),
        put("record", "loss", value="SquaredError"),
        put("record", "loss", value="exec"),
        put("record", "loss", value=[]),
        put("record", "metrics", value=[]),
        put("record", "rows", value=[1]),
        put("record", "epochs", value=1.5),
        put("record", "seed", value=True),
        put("record", "metrics", 0, "model", value="x"),
    ],
)
@pytest.mark.parametrize("command", ["predict", "describe"])
def test_hostile_accounts_are_one_sentence(place, tmp_path, change, command):
    path = changed(place, tmp_path, change)
    done = run(command, path, *([place / "flowers.csv"] if command == "predict" else []))
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert str(path) in done.message.replace(" ", "")


def test_foreign_files(place, tmp_path):
    (tmp_path / "text").write_text("hello")
    (tmp_path / "other").write_bytes(save({"a": np.zeros(3)}))
    (tmp_path / "half").write_bytes((place / "flowers.st").read_bytes()[:400])
    (tmp_path / "bare").write_bytes(save({"a": np.zeros(3)}, {"format": FORMAT}))
    for name in ("text", "other", "half", "bare", "nothing", "."):
        for told in (["describe"], ["predict", place / "flowers.csv"]):
            done = run(told[0], tmp_path / name, *told[1:])
            assert (done.returncode, done.stdout) == (2, "")
            assert "Traceback" not in done.stderr


def test_damage_anywhere_is_refused_or_harmless(place, tmp_path):
    whole = (place / "svm.st").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        flipped = bytearray(whole)
        flipped[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
        (tmp_path / "m").write_bytes(bytes(flipped))
        assert run("predict", tmp_path / "m", place / "flowers.csv").returncode in (0, 2)

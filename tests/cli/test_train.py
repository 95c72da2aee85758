"""`pullback train`: what it learns, what it says of it, and what it refuses before any work."""

import json
import os
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    mean_absolute_error,
    r2_score,
)
from tests.cli.command import fast, run

import pullback as pb
from pullback.datasets import DATASETS, load_dataset
from pullback.datasets.images import PictureSet
from pullback.datasets.speech import SpeechSet
from pullback.datasets.tables import TableSet
from pullback.datasets.texts import TextSet
from pullback.tables.trained import Trained


@pytest.fixture
def flowers(tmp_path):
    """90 rows of three classes, told apart by two numbers and a colour."""
    kind, rng = np.repeat([0, 1, 2], 30), np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "length": (kind + 0.2 * rng.normal(size=90)).round(3),
            "width": rng.normal(size=90).round(3),
            "colour": np.array(["red", "blue", "white"])[(kind + (rng.random(90) < 0.1)) % 3],
            "species": np.array(["iris", "rose", "tulip"])[kind],
        }
    )
    path = tmp_path / "flowers.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture
def prices(tmp_path):
    """80 rows of a quantity that is linear in one column, in thousands."""
    rng = np.random.default_rng(0)
    size = rng.uniform(20.0, 200.0, 80).round(1)
    noise = rng.normal(size=80)
    frame = pd.DataFrame({"size": size, "noise": noise, "price": 3000.0 * size + 500.0 * noise})
    path = tmp_path / "prices.csv"
    frame.to_csv(path, index=False)
    return path


def summary(*arguments, **how):
    done = fast(*arguments, "--json", **how)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# What is measured --------------------------------------------------------------------------------


def test_the_numbers_are_those_of_scikit_learn(flowers, tmp_path):
    found = summary(flowers, "--save", tmp_path / "m", "--seed", 3)
    parts = dict(
        zip(found["rows"], load_dataset(flowers).split(0.7, 0.1, 0.2, seed=3), strict=True)
    )
    assert found["rows"] == {part: len(data) for part, data in parts.items()}
    train, test = parts["train"], parts["test"]
    trained = Trained.load(tmp_path / "m")
    answers = trained.answer(test.inputs)
    metrics = {who: found["metrics"][who]["test"] for who in ("model", "linear", "trivial")}
    for who, numbers in (
        ("model", answers.numbers),
        (
            "linear",
            LogisticRegression(max_iter=1000).fit(train.inputs, train.labels).predict(test.inputs),
        ),
        ("trivial", np.zeros(len(test), int)),
    ):
        assert metrics[who]["accuracy"] == pytest.approx(accuracy_score(test.labels, numbers))
        balanced = balanced_accuracy_score(test.labels, numbers)
        assert metrics[who]["balanced_accuracy"] == pytest.approx(balanced)
    wanted = confusion_matrix(test.labels, answers.numbers, labels=range(3))
    assert found["confusion"] == wanted.tolist()
    loss = pb.SoftmaxCrossEntropy()(trained.model.predict(test.inputs), test.labels)
    assert found["loss"]["test"] == pytest.approx(float(loss.value), rel=1e-5)
    assert found["training"]["history"][-1]["validation_accuracy"] == pytest.approx(
        found["metrics"]["model"]["validation"]["accuracy"]
    )


def test_the_numbers_of_a_regression_are_those_of_scikit_learn(prices, tmp_path):
    found = summary(prices, "--save", tmp_path / "m")
    data = load_dataset(prices)
    parts = data.split(0.7, 0.1, 0.2, seed=0)
    truth = data.values[parts[2].places]
    ridge = Ridge().fit(parts[0].inputs.astype(float), parts[0].labels)
    target = parts[0].preparation.target
    numbers = {
        "model": Trained.load(tmp_path / "m").answer(parts[2].inputs).numbers,
        "linear": target.decode(ridge.predict(parts[2].inputs)),
        "trivial": np.full(len(truth), data.values[parts[0].places].mean()),
    }
    for who, x in numbers.items():
        of = found["metrics"][who]["test"]
        assert of["rmse"] == pytest.approx(np.sqrt(np.mean((truth - x) ** 2)), rel=1e-6)
        assert of["mae"] == pytest.approx(mean_absolute_error(truth, x), rel=1e-6)
        assert of["r2"] == pytest.approx(r2_score(truth, x), rel=1e-6)
    residuals = np.sort(truth - numbers["model"])
    assert found["residuals"]["0.5"] == pytest.approx(np.median(residuals))
    worst = found["most_wrong"][0]
    assert abs(worst["label"] - worst["prediction"]) == pytest.approx(np.abs(residuals).max())


def test_the_most_wrong_rows_are_named_by_the_line_of_the_file(flowers):
    lines = flowers.read_text().splitlines()
    wrong = summary(flowers, "--seed", 1)["most_wrong"]
    assert wrong
    for row in wrong:
        length, width, colour, species = lines[row["line"] - 1].split(",")
        assert row["values"] == {"length": length, "width": width, "colour": colour}
        assert row["label"] == species != row["prediction"]
        assert 1 / 3 <= row["confidence"] <= 1.0
    done = fast(flowers, "--seed", 1)
    assert f"\n{wrong[0]['line']:>4}  {wrong[0]['label']}" in done.stdout.replace(
        "\nline", "\n line"
    )


def test_each_column_is_understood_in_one_line(flowers):
    done = fast(flowers, "--kind", "width=ignore")
    for name, kind in (
        ("length", "number"),
        ("width", "ignore"),
        ("colour", "category"),
        ("species", "target"),
    ):
        (line,) = [x for x in done.stdout.splitlines() if x.split()[:2] == [name, kind]]
        assert len(line) <= 80
    assert "'species', the last" in done.stdout


def test_an_svm_and_a_linear_model_of_two_and_of_three_classes(flowers, tmp_path):
    two = tmp_path / "two.csv"
    two.write_text("\n".join(x for x in flowers.read_text().splitlines() if "tulip" not in x))
    for path, model, loss in (
        (flowers, "svm", "MulticlassHinge"),
        (flowers, "linear", "SoftmaxCrossEntropy"),
        (two, "svm", "Hinge"),
        (two, "linear", "BinaryCrossEntropy"),
    ):
        found = summary(path, "--model", model, "--epochs", 30)
        assert found["model"]["loss"].startswith(f"{loss}(")
        assert len(found["model"]["layers"]) == 1
        assert found["metrics"]["model"]["test"]["accuracy"] > 0.9


@pytest.mark.parametrize("loss", ["squaredhinge", "Hinge", "MulticlassHinge"])
def test_every_loss_of_two_classes(flowers, loss, tmp_path):
    two = tmp_path / "two.csv"
    two.write_text("\n".join(x for x in flowers.read_text().splitlines() if "tulip" not in x))
    found = summary(two, "--loss", loss, "--hidden", "8", "--activation", "tanh")
    assert found["metrics"]["model"]["test"]["accuracy"] > 0.8
    assert found["model"]["layers"] == ["Dense(8)", "Tanh()", f"Dense({1 + ('Multi' in loss)})"]


@pytest.mark.parametrize("loss", ["Huber", "AbsoluteError", "Quantile"])
def test_every_loss_of_quantities(prices, loss):
    found = summary(
        prices, "--loss", loss, "--model", "linear", "--epochs", "100", "--learning-rate", 0.05
    )
    assert found["metrics"]["model"]["test"]["r2"] > 0.9


def test_options_reach_the_training(flowers):
    told = ("--optimizer", "adamw", "--learning-rate", 0.01, "--l2", 0, "--dropout", 0.25)
    found = summary(flowers, *told, "--hidden", "4,3", "--batch-size", 7, "--epochs", 3)
    assert found["model"]["optimizer"].startswith("AdamW(0.01,")
    assert found["model"]["l2"] == 0.0
    assert found["model"]["layers"][:4] == ["Dense(4)", "ReLU()", "Dropout(rate=0.25)", "Dense(3)"]
    assert found["training"]["epochs"] == 3
    assert found["training"]["mixup"] == 0.0
    rate = ("--learning-rate", "find", "--epochs", 1)
    assert "find" not in summary(flowers, *rate)["model"]["optimizer"]


def test_labels_are_smoothed_and_rows_mixed(flowers):
    told = ("--label-smoothing", 0.1, "--mixup", 0.2, "--epochs", 3)
    found = summary(flowers, *told)
    assert "label_smoothing=0.1" in found["model"]["loss"]
    assert found["training"]["mixup"] == 0.2
    assert "label smoothing 0.1, mixup 0.2" in fast(flowers, *told).stdout.replace("\n", " ")
    plain = summary(flowers, "--epochs", 3)
    assert found["training"]["history"] != plain["training"]["history"]


def test_class_weights_find_rare_classes(tmp_path):
    rng = np.random.default_rng(0)
    rare = rng.random(600) < 0.08
    x = rng.normal(size=(600, 2)) + 1.2 * rare[:, None]
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "ill": np.where(rare, "yes", "no")})
    frame.to_csv(tmp_path / "rare.csv", index=False)
    plain, balanced = (
        summary(tmp_path / "rare.csv", *told, "--epochs", 20)["metrics"]["model"]["test"]
        for told in ((), ("--class-weights", "balanced"))
    )
    assert balanced["balanced_accuracy"] > plain["balanced_accuracy"] + 0.1
    assert "balanced accuracy" in fast(tmp_path / "rare.csv").stdout


def test_patience_ends_training_and_keeps_the_best(flowers):
    found = summary(flowers, "--patience", 3, "--epochs", 300, "--learning-rate", 0.5)
    history = [row["validation_loss"] for row in found["training"]["history"]]
    assert found["training"]["ended"].startswith("stopped early")
    assert len(history) == np.argmin(history) + 4
    assert found["loss"]["validation"] == pytest.approx(min(history), rel=1e-4)
    assert summary(flowers, "--patience", 0)["training"]["ended"] == "completed"


def test_the_same_seed_gives_the_same_output(flowers):
    def of(seed):
        lines = fast(flowers, "--seed", seed).stdout.splitlines()
        return [line for line in lines if " in " not in line]  # seconds

    assert of(5) == of(5) != of(6)


def test_threads_share_the_work_and_change_no_result(flowers):
    told = ("--seed", 5, "--engine", "native", "--epochs", 3)
    one, three = (summary(flowers, *told, "--threads", n) for n in (1, 3))
    for found in (one, three):
        del found["training"]
    assert one == three


# What is shown -----------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [80, 60, 40])
@pytest.mark.parametrize("name", ["digits", "diabetes", "wine"])
def test_terminals_of_any_width_cut_no_number(name, columns):
    wide, narrow = (fast(name, "--hidden", 4, columns=width) for width in (300, columns))
    assert max(map(len, narrow.stdout.splitlines())) <= columns
    for measure in ("accuracy", "RMSE", "R²"):
        for k, line in enumerate(wide.stdout.splitlines()):
            if line.startswith(measure):
                numbers = wide.stdout.splitlines()[k + 1].split()[2:]
                assert " ".join(numbers) in " ".join(narrow.stdout.split())


def test_many_classes_show_their_largest_confusions(tmp_path):
    labels = np.repeat([f"class number {k}" for k in range(15)], 8)
    frame = pd.DataFrame({"x": np.random.default_rng(0).normal(size=120), "y": labels})
    frame.to_csv(tmp_path / "many.csv", index=False)
    done = fast(tmp_path / "many.csv")
    assert "taken for" in done.stdout
    lines = [line for line in done.stdout.splitlines() if str(tmp_path) not in line]
    assert max(map(len, lines)) <= 80


def test_a_terminal_without_bars_and_letters_is_no_error(prices):
    done = fast(prices, encoding="ascii")
    assert done.returncode == 0, done.stderr
    assert "R?" in done.stdout


def test_json_is_all_there_is_on_standard_output(prices):
    done = fast(prices, "--json")
    found = json.loads(done.stdout, parse_constant=pytest.fail)
    assert {"columns", "notes", "metrics", "residuals", "most_wrong", "training"} <= set(found)
    assert done.stderr == ""


# What is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nofile.csv"], "cannot read nofile.csv: No such file"),
        (["digitz"], "did you mean 'digits'?"),
        (["{}", "--target", "speces"], "there is no column 'speces'; did you mean 'species'?"),
        (["{}", "--kind", "lenght=number"], "there is no column 'lenght'; did you mean 'length'?"),
        (
            ["{}", "--kind", "length=numeral"],
            "there is no kind of column 'numeral'; did you mean 'number'?",
        ),
        (["{}", "--kind", "length"], "--kind is COLUMN=KIND, such as zip=category, got 'length'"),
        (["{}", "--kind", "a=date", "--kind", "a=date"], "column 'a' is told two kinds"),
        (["{}", "--kind", "colour=number"], "column 'colour' cannot be of kind 'number': it has"),
        (["{}", "--task", "guess"], "there is no task 'guess'; there are: classification"),
        (["{}", "--task", "regression"], "regression predicts numbers, and the target 'species'"),
        (["{}", "--model", "tree"], "there is no model 'tree'; there are: linear, svm, mlp"),
        (["{}", "--loss", "sqared"], "'sqared'; did you mean 'SquaredError' or 'SquaredHinge'?"),
        (["{}", "--loss", "Hinge"], "Hinge does not fit classification of 3 classes; there are: M"),
        (["{}", "--loss", "huber"], "Huber does not fit classification of 3 classes"),
        (["{}", "--model", "svm", "--loss", "Huber"], "learns by a hinge"),
        (["{}", "--model", "svm", "--target", "width"], "the task is regression; use --model lin"),
        (["{}", "--model", "linear", "--hidden", "3"], "--hidden is for hidden layers"),
        (["{}", "--optimizer", "adamm"], "there is no optimizer 'adamm'; did you mean 'Adam'?"),
        (["{}", "--engine", "steam"], "there is no engine 'steam'; there are: eager, native"),
        (["{}", "--activation", "relo"], "there is no activation 'relo'; did you mean 'ReLU'?"),
        (["{}", "--learning-rate", "-1"], "--learning-rate is a number above 0, such as 0.1, got"),
        (["{}", "--learning-rate", "nan"], "--learning-rate is a number above 0"),
        (["{}", "--l2", "-1"], "--l2 is a number of at least 0"),
        (["{}", "--dropout", "1"], "--dropout is a share from 0 to below 1, got 1"),
        (["{}", "--label-smoothing", "1"], "--label-smoothing is a share from 0 to below 1, got"),
        (["{}", "--mixup", "-1"], "--mixup is a number of at least 0, as 0.2, got -1"),
        (
            ["{}", "--model", "svm", "--label-smoothing", "0.1"],
            "--label-smoothing is not for MulticlassHinge; use --loss SoftmaxCrossEntropy",
        ),
        (["{}", "--target", "width", "--label-smoothing", "0.1"], "is not for SquaredError"),
        (["{}", "--hidden", "64,"], "--hidden is the sizes of layers, such as 64,64, got '64,'"),
        (["{}", "--hidden", "0"], "--hidden needs at least one unit in each layer"),
        (["{}", "--hidden", "999999999"], "make --hidden smaller"),
        (["{}", "--epochs", "0"], "--epochs is a whole number of at least 1, got 0"),
        (["{}", "--batch-size", "0"], "--batch-size is a whole number of at least 1, got 0"),
        (["{}", "--patience", "-1"], "--patience is a whole number of at least 0, got -1"),
        (["{}", "--seed", "-1"], "--seed is a whole number of at least 0, got -1"),
        (["{}", "--seed", "x"], "seed"),
        (["{}", "--threads", "0"], "--threads is a whole number of at least 1, got 0"),
        (["{}", "--threads", "two"], "threads"),
        (["{}", "--threads", "2", "--engine", "eager"], "'eager' takes no number of threads"),
        (["{}", "--class-weights", "even"], "--class-weights is balanced or not given"),
        (["{}", "--class-weights", "balanced", "--target", "width"], "--class-weights is for clas"),
        (["{}", "--save", "{}"], "--save writes a model: name it flowers.safetensors"),
        (["{}", "--save", "/"], "--save needs the name of a file, and / is a folder"),
        (["{}", "--save", ""], "--save needs the name of a file, got ''"),
        (["{}", "--save", "/nowhere/at/all"], "no folder"),
        (["digits", "--target", "digit"], "so leave out target, task, kinds"),
        (["cifar10", "--target", "x"], "--target is for tables, and these are pictures"),
        (["/", "--kind", "a=number"], "--kind is for tables, and these are pictures"),
    ],
)
def test_a_mistake_is_one_sentence_and_status_2(flowers, arguments, message):
    before = flowers.read_bytes()
    done = run("train", *(x.format(flowers) for x in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.message
    assert "Traceback" not in done.stderr
    assert flowers.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("x,y\n", "has a header and no rows"),
        ("x,y\n" + "1,a\n2,b\n" * 3, "6 rows with a target are too few"),
        ("x,y\n" + "1,a\n2,a\n" * 9, "the target 'y' is 'a' in every row"),
        ("x,y\n" + "1,\n2,NA\n" * 9, "the target 'y' has no value in any row"),
        ("x,y\n" + "3,a\n3,b\n" * 9, "no column is left to learn from"),
    ],
)
def test_a_file_that_cannot_be_learned_from(tmp_path, text, message):
    path = tmp_path / "file.csv"
    path.write_text(text)
    done = run("train", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.message


def test_a_step_that_is_far_too_long_is_told_apart_from_learning(prices, tmp_path):
    saved = tmp_path / "m"
    told = (prices, "--learning-rate", "1e30", "--save", saved)
    for patience in "20", "0":
        done = fast(*told, "--patience", patience)
        assert done.returncode == 2
        assert done.stdout.count("accuracy") == 0
        assert "try a smaller --learning-rate than 1e+30" in done.message
        assert "in epoch" in done.message
        assert not saved.exists()
    saved.write_text("what was there")
    fast(*told)
    assert saved.read_text() == "what was there"


# The real command --------------------------------------------------------------------------------


def test_digits_by_the_command_itself(tmp_path):
    told = ("--json", "--save", tmp_path / "m.safetensors")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pullback", "train", "digits", *told],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["metrics"]["model"]["test"]["accuracy"] >= 0.97
    assert found["metrics"]["trivial"]["test"]["accuracy"] < 0.15
    assert found["training"]["seconds"] < 30
    model = pb.Sequential.load(tmp_path / "m.safetensors")
    assert sum(unit.size for unit in model.parameters.values()) == found["model"]["parameters"]


@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name, entry in DATASETS.items()
        if name != "digits" and not isinstance(entry, PictureSet | SpeechSet | TextSet | TableSet)
    ),
)
def test_every_built_in_set_is_learned(name):
    found = summary(name, "--epochs", 40)
    of = {who: parts["test"] for who, parts in found["metrics"].items()}
    if found["task"] == "regression":
        assert of["model"]["r2"] > of["linear"]["r2"] - 0.05
    else:
        assert of["model"]["accuracy"] > max(0.9, of["linear"]["accuracy"] - 0.05)


def test_parquet_and_its_rows(flowers, tmp_path):
    frame = pd.read_csv(flowers)
    frame.to_parquet(tmp_path / "flowers.parquet")
    found = summary(tmp_path / "flowers.parquet", "--seed", 1)
    for row in found["most_wrong"]:
        assert frame["species"][row["row"] - 1] == row["label"]
    assert os.path.basename(found["data"]) == "flowers.parquet"


@pytest.mark.parametrize(
    ("engine", "package"), [("jax", "jax"), ("native", "llvmlite"), ("eager-native", "llvmlite")]
)
def test_an_engine_that_is_not_installed_is_refused_first(flowers, monkeypatch, engine, package):
    monkeypatch.setattr("pullback.engines.prepare.find_spec", lambda name: None)
    done = run("train", flowers, "--engine", engine)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"error: the engine '{engine}' needs {package}, which is not" in done.message
    assert fast(flowers).returncode == 0


def test_a_cache_that_cannot_be_written_to_is_said_in_a_sentence(flowers, tmp_path, monkeypatch):
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path / "flowers.csv"))
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        told = ("--epochs", 1, "--hidden", 13, "--engine", "native")  # a size of no other test
        done = run("train", flowers, *told)
    assert done.returncode == 0
    assert done.message.startswith("note: ")
    assert "flowers.csv cannot be written to" in done.message
    assert ".py" not in done.message


def test_classes_that_are_numbers_and_doubtful_dates_are_said(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"{k % 12 + 1}/{k % 5 + 1}/2001,{k % 4}" for k in range(80)]
    path.write_text("\n".join(["d,rating", *rows]))
    said = " ".join(fast(path).stdout.split())
    assert (
        "note: the task is classification: 'rating' has 4 classes, '0', '1', '2', '3'; --task"
        in said
    )
    assert "note: column 'd': dates from 2001-01-01 to 2001-12-05, read as %m/%d/%Y" in said
    said = " ".join(fast(path, "--kind", "d=date:%d/%m/%Y", "--task", "regression").stdout.split())
    assert "fits too" not in said
    assert "--task" not in said

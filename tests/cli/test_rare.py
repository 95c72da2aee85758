"""`pullback train` where one class is rare: what is shown, chosen by validation, and kept."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from tests.cli.command import fast, run

from pullback.tables.trained import Trained


@pytest.fixture(scope="module")
def rare(tmp_path_factory):
    """600 rows, one in twelve of them ill."""
    rng = np.random.default_rng(0)
    ill = rng.random(600) < 0.08
    x = rng.normal(size=(600, 2)) + 1.2 * ill[:, None]
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "state": np.where(ill, "ill", "well")})
    path = tmp_path_factory.mktemp("rare") / "rare.csv"
    frame.to_csv(path, index=False)
    return path


def summary(*arguments):
    done = fast(*arguments, "--epochs", 10, "--hidden", 8, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def plain(rare, tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "m.safetensors"
    return summary(rare, "--save", path), path


def predicted(path, rare):
    """A model's answers for all rows, as a table."""
    done = run("predict", path, rare, "--json")
    assert done.returncode == 0, done.stderr
    return pd.DataFrame(json.loads(done.stdout)["rows"]), done


def test_measures_of_the_rarer_class_are_those_of_scikit_learn(plain):
    found, _ = plain
    test = found["metrics"]["model"]["test"]
    assert found["decision"]["positive"] == "ill"
    (hits, misses), (alarms, _) = found["confusion"]
    assert test["f1"] == pytest.approx(2 * hits / max(1, 2 * hits + misses + alarms))
    assert found["test_average_precision"] == test["average_precision"]
    share = found["rows"]["test"] and (hits + misses) / found["rows"]["test"]
    assert test["average_precision"] > 2 * share
    trivial = found["metrics"]["trivial"]["test"]
    assert (trivial["f1"], trivial["mcc"], trivial["roc_auc"]) == (0.0, 0.0, 0.5)
    assert trivial["average_precision"] == pytest.approx(share)
    assert set(found["metrics"]["linear"]["test"]) == set(test)


def test_accuracy_is_doubted_and_a_threshold_offered(rare, plain):
    found, _ = plain
    assert found["decision"]["threshold"] is None
    offered = found["decision"]["offered_threshold"]
    assert (offered["criterion"], offered["positive"]) == ("f1", 0)
    shown = fast(rare, "--epochs", 10, "--hidden", 8).stdout
    hits, misses = found["confusion"][0]
    well = 1 - (hits + misses) / found["rows"]["test"]
    assert f"accuracy says little: {well:.1%} of the rows are well" in " ".join(shown.split())
    assert "average precision of ill" in shown
    assert "--threshold f1 keeps it" in shown
    assert f"{offered['value']:.4g}" in shown


@pytest.mark.parametrize("width", [50, 80, 200])
def test_terminals_of_any_width_cut_no_number(rare, plain, width):
    shown = fast(rare, "--epochs", 10, "--hidden", 8, columns=width).stdout
    for measure in ("roc_auc", "log_loss"):
        assert f"{plain[0]['metrics']['model']['test'][measure]:#.4g}" in shown


def test_a_threshold_is_kept_and_predicts(rare, plain, tmp_path):
    path = tmp_path / "m.safetensors"
    found = summary(rare, "--threshold", "f1", "--save", path)
    chosen = found["decision"]["threshold"]
    assert chosen == plain[0]["decision"]["offered_threshold"]  # as validation says, not the test
    table, done = predicted(path, rare)
    p = table["probability of ill"].to_numpy()
    near = abs(p - chosen["value"]) < 1e-5
    said = np.where(p >= chosen["value"], "ill", "well")
    assert (said == table["prediction"])[~near].all()
    assert "the model answers ill from a probability of" in " ".join(done.stderr.split())
    before, _ = predicted(plain[1], rare)
    np.testing.assert_allclose(p, before["probability of ill"], atol=2e-6)
    assert (table["prediction"] == "ill").sum() > (before["prediction"] == "ill").sum()
    described = run("describe", path)
    assert "chosen for f1" in " ".join(described.stdout.split())
    assert json.loads(run("describe", path, "--json").stdout)["threshold"] == chosen


def test_a_calibrated_model_is_saved_and_predicts_so(rare, plain, tmp_path):
    path = tmp_path / "m.safetensors"
    found = summary(rare, "--calibrate", "vector", "--class-weights", "balanced", "--save", path)
    calibration = found["decision"]["calibration"]
    assert calibration["after"] < calibration["before"]
    assert found["model"]["layers"][-1].startswith("Standardize(")
    weighted = summary(rare, "--class-weights", "balanced")
    assert found["test_log_loss"] < weighted["test_log_loss"]
    assert found["test_roc_auc"] == pytest.approx(weighted["test_roc_auc"])
    p = predicted(path, rare)[0]["probability of ill"]
    share = (pd.read_csv(rare)["state"] == "ill").mean()
    assert p.mean() == pytest.approx(share, rel=0.5)  # and not a half
    assert len(Trained.load(path).model.layers) == 4


def test_balanced_sampling_finds_rare_classes(rare, plain):
    found = summary(rare, "--sampling", "balanced")
    assert found["test_balanced_accuracy"] > plain[0]["test_balanced_accuracy"] + 0.1
    assert found["decision"]["sampling"] == "balanced"
    shown = fast(rare, "--sampling", "balanced", "--epochs", 3, "--hidden", 8).stdout
    assert "--calibrate vector takes that back" in " ".join(shown.split())


def test_probabilities_are_drawn(rare, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "reliability.png"
    assert fast(rare, "--epochs", 2, "--hidden", 4, "--reliability", path).returncode == 0
    assert path.read_bytes().startswith(b"\x89PNG")


def test_several_unequal_classes_have_means_over_them(tmp_path):
    rng = np.random.default_rng(0)
    kind = rng.choice(3, 300, p=[0.8, 0.12, 0.08])
    frame = pd.DataFrame({"a": kind + rng.normal(size=300), "kind": np.array(list("xyz"))[kind]})
    frame.to_csv(tmp_path / "three.csv", index=False)
    found = summary(tmp_path / "three.csv", "--calibrate", "temperature")
    assert found["decision"]["offered_threshold"] is None
    assert 0.5 < found["test_roc_auc"] < 1.0
    shown = fast(tmp_path / "three.csv", "--epochs", 5).stdout
    assert "ROC AUC" in shown
    assert "F1 of" not in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--threshold", "fun"), "a threshold is not chosen for 'fun'; there are: f1,"),
        (("--threshold", "recall=x"), "'x' in 'recall=x' is no number above 0"),
        (("--calibrate", "isotonic"), "there is no calibration 'isotonic'; there are: temperature"),
        (("--sampling", "all"), "--sampling is balanced or not given, got 'all'"),
        (("--sampling", "balanced", "--class-weights", "balanced"), "together they do so twice"),
        (("--model", "svm", "--threshold", "f1"), "--threshold is for probabilities, which Hinge"),
        (("--loss", "Hinge", "--calibrate", "vector"), "take --loss BinaryCrossEntropy"),
        (("--reliability", "r.txt"), "--reliability writes .svg or .png or .pdf files"),
        (("--reliability", "no/r.svg"), "there is no folder"),
        (("--target", "a", "--sampling", "balanced"), "--sampling is for classes, and the task"),
    ],
)
def test_a_mistake_is_one_sentence_and_status_2(rare, arguments, message):
    done = fast(rare, *arguments)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())


def test_what_validation_cannot_tell_is_said(tmp_path):
    """Rows that are told apart without error: nothing to calibrate by."""
    ill = np.arange(200) % 10 == 0
    frame = pd.DataFrame({"a": np.where(ill, 5.0, -5.0), "state": np.where(ill, "ill", "well")})
    frame.to_csv(tmp_path / "easy.csv", index=False)
    found = summary(tmp_path / "easy.csv", "--calibrate", "temperature", "--threshold", "f1")
    assert found["decision"]["calibration"] is None
    assert "not calibrated: of the validation part, every row is right" in " ".join(
        found["decision"]["notes"]
    )
    assert found["decision"]["threshold"]["value"] == 0.5


def test_a_threshold_that_nothing_reaches_is_said(tmp_path):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": rng.normal(size=200), "state": np.arange(200) % 20 == 0})
    frame["state"] = frame["state"].map({True: "ill", False: "well"})
    frame.to_csv(tmp_path / "noise.csv", index=False)
    found = summary(tmp_path / "noise.csv", "--threshold", "precision=1")
    threshold, notes = found["decision"]["threshold"], " ".join(found["decision"]["notes"])
    assert threshold is not None or "no threshold was chosen: no threshold reaches" in notes


def test_metrics_of_the_test_part_are_those_of_its_rows(rare, tmp_path):
    """By predictions of the saved model for the rows that were kept to test."""
    from pullback.datasets import load_dataset
    from pullback.tables.recipe import Recipe
    from pullback.tables.study import Study

    recipe = Recipe(hidden=(8,), epochs=10, engine="eager").checked()
    outcome = Study.of(load_dataset(rare), recipe).train(progress=False)
    p = outcome.answers["test"].probabilities[:, 0]
    ill = outcome.study.truths["test"] == 0
    found = outcome.class_metrics["model"]
    assert found["average_precision"] == metrics.average_precision_score(ill, p)
    assert found["roc_auc"] == metrics.roc_auc_score(ill, p)
    assert found["brier"] == pytest.approx(metrics.brier_score_loss(ill, p))
    threshold = outcome.decision.offered
    said = p >= threshold.value
    assert outcome.by_threshold(threshold)["f1"] == metrics.f1_score(ill, said)
    validation = outcome.study.truths["validation"] == 0
    chosen = outcome.answers["validation"].probabilities[:, 0] >= threshold.value
    assert threshold.reached == pytest.approx(metrics.f1_score(validation, chosen))


def test_a_class_that_training_rows_lack_has_no_probability(tmp_path):
    """Of many classes of a row or two each, some are in the test part alone."""
    rows = "\n".join(f"{k},{'abcdefghijklmnopqrst'[k // 2]}" for k in range(40))
    (tmp_path / "t.csv").write_text(f"x,c\n{rows}\n")
    done = run("train", tmp_path / "t.csv", "--epochs", 2, "--engine", "eager", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["test_accuracy"] <= 1.0

"""A study of a table without the command line: what is planned, trained, measured and kept."""

import numpy as np
import pandas as pd
import pytest

import pullback as pb
from pullback.datasets import load_dataset
from pullback.tables import Column, Target
from pullback.tables.answers import Answers
from pullback.tables.measure import judged
from pullback.tables.recipe import Recipe
from pullback.tables.study import Study
from pullback.tables.trained import Trained

QUICK = {"engine": "eager", "epochs": 30, "hidden": (8,)}


@pytest.fixture(scope="module")
def outcome():
    return Study.of(load_dataset("iris"), Recipe(**QUICK).checked()).train(progress=False)


def test_a_study_beats_what_takes_no_learning(outcome):
    test = {who: parts["test"]["accuracy"] for who, parts in outcome.metrics.items()}
    assert test["model"] > 0.85 > 0.5 > test["trivial"]
    assert outcome.confusion.sum() == len(outcome.study.parts["test"]) == 30
    assert outcome.residuals is None


def test_what_is_kept_answers_as_the_study_did(outcome, tmp_path):
    outcome.trained.save(tmp_path / "model")
    trained = Trained.load(tmp_path / "model")
    part = outcome.study.parts["test"]
    answers = trained.answer(part.inputs)
    np.testing.assert_array_equal(answers.numbers, outcome.answers["test"].numbers)
    assert judged(answers, outcome.study.truths["test"]) == outcome.metrics["model"]["test"]


def test_answers_as_a_table(outcome):
    answers = outcome.answers["test"]
    table = answers.table(pd.RangeIndex(30, name="line"))
    names = [f"probability of {label}" for label in ("setosa", "versicolor", "virginica")]
    assert list(table) == ["line", "prediction", *names]
    np.testing.assert_allclose(table[names].sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("loss", ["SquaredHinge", "BinaryCrossEntropy"])
def test_one_score_stands_for_two_classes(loss):
    target = Target(Column("y", "category", "", ""), ("no", "yes"))
    answers = Answers.of(loss, target, [[2.0], [-1.0]])
    assert list(answers.values) == ["yes", "no"]
    probabilities = answers.probabilities
    if loss == "SquaredHinge":
        assert probabilities is None
        np.testing.assert_allclose(answers.confidence, [2.0, 1.0])
    else:
        np.testing.assert_allclose(probabilities[:, 1], 1 / (1 + np.exp([-2.0, 1.0])))


def test_gaps_in_the_truth_are_not_judged():
    target = Target(Column("y", "category", "", ""), ("no", "yes"))
    answers = Answers.of("SoftmaxCrossEntropy", target, [[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]])
    assert judged(answers, np.array([0, -1, 1]))["accuracy"] == 0.5
    assert target.truth(pd.DataFrame({"x": [1]})) is None
    assert target.truth(pd.DataFrame({"y": ["yes", None]})).tolist() == [1, -1]


def test_a_recipe_that_cannot_be_is_refused():
    with pytest.raises(pb.CircuitError, match="there is no engine 'steam'"):
        Recipe(engine="steam").checked()
    with pytest.raises(pb.CircuitError, match="learns by a hinge, Hinge, MulticlassHinge"):
        Recipe(model="svm", loss="Huber").checked()


def test_a_comparison_that_is_interrupted_loses_nothing(monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pullback.tables.study.linear", interrupted)
    outcome = Study.of(load_dataset("iris"), Recipe(**QUICK).checked()).train(progress=False)
    assert outcome.study.linear.name.startswith("linear: interrupted, so always ")
    assert outcome.metrics["linear"] == outcome.metrics["trivial"]
    outcome.trained.save(tmp_path / "model")
    assert Trained.load(tmp_path / "model").answer(outcome.study.parts["test"].inputs)

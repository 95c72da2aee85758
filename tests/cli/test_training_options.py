"""The options of a training: what each is for, and which commands have them."""

from dataclasses import fields
from inspect import signature

import pytest

from pullback.cli.asked import KINDS
from pullback.cli.doctor import OF_TRAIN, doctor
from pullback.cli.expanded import expanded
from pullback.cli.file_options import Reading
from pullback.cli.train import train
from pullback.cli.training_options import Training
from pullback.core.errors import CircuitError
from pullback.images.recipe import PictureRecipe
from pullback.sequences.tasks.recipe import SequenceRecipe
from pullback.tables.recipe import Recipe

NAMES = [option.name for option in fields(Training)]


def test_what_is_not_told_is_as_a_recipe_has_it():
    asked = Training().asked
    assert list(asked.own) == list(KINDS)
    assert all(value is None for own in asked.own.values() for value in own.values())
    assert Recipe(**asked.given("tables")) == Recipe()
    assert PictureRecipe(**asked.given("pictures", "folders")) == PictureRecipe()
    assert SequenceRecipe(**asked.given("sequences", "folders")) == SequenceRecipe()


def test_each_option_is_asked_for_once():
    asked = Training().asked
    told = [*asked.common, *(name for own in asked.own.values() for name in own)]
    assert sorted(told) == sorted(NAMES)


def test_texts_become_what_they_mean():
    asked = Training(
        hidden="64, 32", learning_rate="0.5", balanced="balanced", skip_broken=True, rate=8000
    ).asked
    assert asked.common["hidden"] == (64, 32)
    assert asked.common["learning_rate"] == 0.5
    assert asked.own["tables"]["balanced"] is True
    assert asked.own["folders"] == {"skip_broken": True}
    assert asked.own["sequences"]["rate"] == 8000
    with pytest.raises(CircuitError, match=r"--size is for pictures, and it is a table"):
        Training(size="8").asked.refuse_but("it is a table", "tables", "files", "drawn")


@pytest.mark.parametrize(
    ("told", "match"),
    [
        ({"hidden": "64;32"}, "--hidden is the sizes"),
        ({"hidden": "64,0"}, "at least one unit"),
        ({"learning_rate": "fast"}, "--learning-rate is a number"),
        ({"balanced": "half"}, "--class-weights is balanced"),
    ],
)
def test_what_means_nothing_is_refused(told, match):
    with pytest.raises(CircuitError, match=match):
        _ = Training(**told).asked


def test_the_doctor_has_the_options_of_a_training_but_for_those_of_train_alone():
    of_train = set(signature(expanded(train)).parameters)
    of_doctor = set(signature(expanded(doctor, OF_TRAIN)).parameters)
    assert set(OF_TRAIN) < set(NAMES)
    assert of_train - of_doctor == set(OF_TRAIN)
    assert of_doctor - of_train == {"seconds"}
    assert {option.name for option in fields(Reading)} < of_doctor

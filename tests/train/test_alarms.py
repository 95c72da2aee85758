"""What a Trainer that is its own doctor warns of, and that it leaves healthy trainings in peace."""

import math
import warnings

import numpy as np
import pytest
from tests.train.resuming import EPOCHS, X, alone, every, fit, make, numbers

import pullback as pb
from pullback.train import Alarm, Monitor
from pullback.train.alarms import alarms
from pullback.train.monitors import LayerRow

CALL = r"; pb\.doctor\(trainer, data\) tells the cause"


def named(losses, validation=(), measures=(), model=None, first=1):
    """The names of the alarms after epochs of these losses, and of one layer."""
    rows = [{"epoch": first + k, "loss": loss} for k, loss in enumerate(losses)]
    for row, loss in zip(rows, validation, strict=False):
        row["validation_loss"] = loss
    last = rows[-1]["epoch"]
    layers = [LayerRow(last - len(measures) + 1 + k, "a", told) for k, told in enumerate(measures)]
    return [alarm.name for alarm in alarms(rows, layers, model)]


def test_rules_of_the_loss():
    assert named([1.0, 0.5, 1.2, 1.5]) == ["diverging loss"]
    assert named([1.0, 0.5, 0.7, 0.9]) == []  # not more than at first
    assert named([1.0, 0.5, 1.5, 1.2]) == []  # it falls again
    assert named([-1.0, -2.0, 0.0, 1.0]) == ["diverging loss"]
    assert named([2.303, 2.3028, 2.3031]) == ["constant loss"]
    assert named([2.303, 2.3028]) == []  # too early to tell
    assert named([0.1, 0.1, 0.1], first=11) == []  # it has learned before
    assert named([0.0, 0.0, 0.0]) == []
    assert named([math.nan, math.nan, math.nan]) == []


def test_the_rule_of_validation():
    falling = [1.0 / (k + 1) for k in range(8)]
    assert named(falling, [1.0, 0.5, 0.7, 0.7, 0.7, 0.7, 0.7]) == []  # not all of them measured
    rising = [1.0, 0.5, 0.6, 0.7, 0.7, 0.7, 0.7, 0.7]
    assert named(falling, rising) == ["rising validation loss"]
    assert named(falling, [1.0, *[0.5] * 7]) == []
    assert named(falling, [2.0, 0.05, *[0.06] * 6]) == []  # little of what it has learned
    assert named([0.9, 0.3, *[0.5] * 6], rising) == []  # the loss has not fallen since


@pytest.mark.parametrize(
    ("measures", "alarm"),
    [
        ([{"gradient": 0.0, "ratio": 0.0}], "zero gradient"),
        ([{"mean": 0.0, "std": 0.0, "zeros": 1.0}], "dead layer"),
        ([{"ratio": 0.5}, {"ratio": 0.4}, {"ratio": 0.3}], None),
        ([{"ratio": 1e-8}] * 3, "small updates"),
        ([{"ratio": 1e-8}] * 2, None),
        ([{"ratio": 1e-3}, {"ratio": 1e-8}, {"ratio": 1e-8}], None),
        ([{"ratio": math.nan}] * 3, None),
        ([{"mean": 0.0, "std": 0.5, "zeros": 0.5, "gradient": 1e-9, "ratio": 1e-3}] * 3, None),
    ],
)
def test_rules_of_a_layer(measures, alarm):
    assert named([3.0, 2.0, 1.0], measures=measures) == [alarm][: alarm is not None]


def test_large_updates_are_well_as_long_as_the_loss_falls():
    large = [{"ratio": 0.9}, {"ratio": 0.4}, {"ratio": 0.3}]
    assert named([1.0, 2.0, 1.5], measures=large) == ["large updates"]
    assert named([1.0, 0.5, 0.2], measures=large) == []
    assert named([1.0, 2.0, 1.5], measures=[*large[:2], {"ratio": 0.01}]) == []


def test_a_gradient_is_zero_where_the_loss_is():
    assert named([1.0, 0.1, 0.0], measures=[{"gradient": 0.0}]) == []


@pytest.mark.parametrize(
    ("layer", "low", "high"), [(pb.Tanh(name="a"), -1.0, 1.0), (pb.Sigmoid(name="a"), 0.0, 1.0)]
)
def test_saturation_is_told_by_mean_and_spread(layer, low, high):
    model = pb.Sequential(layer, pb.Dense(1))
    rng = np.random.default_rng(0)

    def seen(x):
        return named([1.0, 0.5], measures=[{"mean": x.mean(), "std": x.std()}], model=model)

    ends = rng.choice([low, high], 1000)
    assert seen(ends) == ["saturated layer"]
    assert seen(np.full(1000, high)) == ["saturated layer"]
    assert seen(rng.uniform(low, high, 1000)) == []
    assert seen(0.9 * ends) == []
    last = pb.Sequential(pb.Dense(1), layer)  # it answers, and may be sure
    told = {"mean": ends.mean(), "std": ends.std()}
    assert named([1.0, 0.5], measures=[told], model=last) == []


# In a Trainer ------------------------------------------------------------------------------------


def sick(**told):
    model = pb.Sequential(pb.Dense(4, initializer="zeros"), pb.ReLU(), pb.Dense(2), rng=0)
    return make(model=model, optimizer=pb.SGD(0.1), doctor=True, penalties=[], **told)


def test_each_alarm_is_said_once():
    trainer = sick()
    with pytest.warns(UserWarning, match=CALL) as caught:
        history = fit(trainer, epochs=6)
    texts = [str(warning.message) for warning in caught]
    assert texts == [f"{alarm}{CALL}".replace("\\", "") for alarm in history.alarms]
    assert all(warning.filename == fit.__code__.co_filename for warning in caught)
    assert Alarm(1, "dead layer", "relu1", "all that it makes is 0") in history.alarms
    assert len({(x.name, x.layer) for x in history.alarms}) == len(texts)


def test_a_training_that_is_lost_is_told_and_warned_of_once():
    trainer = make(model=pb.Sequential(pb.Dense(2)), optimizer=pb.SGD(1e30), doctor=True)
    with pytest.warns(UserWarning, match=f"training ended: .*{CALL}") as caught:
        history = fit(trainer, inputs=1e30 * X)
    assert [x.name for x in history.alarms] == ["not a number"]
    assert len(caught) == 1


def test_a_doctor_changes_nothing_and_monitors():
    plain, watched = make(), make(doctor=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(plain)
        history = fit(watched)
    assert history.alarms == []
    assert watched.monitor == Monitor()
    assert make(doctor=True, monitor=Monitor(every=2)).monitor == Monitor(every=2)
    before, after = numbers(plain), numbers(watched)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert make().monitor is None


def test_a_run_that_is_resumed_knows_what_was_said(tmp_path):
    with pytest.warns(UserWarning, match=CALL):
        whole = fit(sick(checkpoint=every(tmp_path / "all")))
    files = sorted(every(tmp_path / "all").files)
    again = sick(checkpoint=alone(files[-1], tmp_path / "end"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = fit(again, epochs=EPOCHS, resume=True)
    assert history.alarms == whole.alarms

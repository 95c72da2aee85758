"""Parameters by name, each by its own optimizer; the numbers are Optax's: test_optimizers.py."""

import pickle

import numpy as np
import pytest

import pullback as pb

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3)).astype("f4")
Y = RNG.integers(0, 2, 24)


def trainer_of(optimizer, engine="eager", **how):
    model = pb.Sequential(pb.Dense(4), pb.Tanh(), pb.Dense(5), pb.Tanh(), pb.Dense(2), rng=0)
    return pb.Trainer(model, pb.SoftmaxCrossEntropy(), optimizer, engine=engine, **how)


def fit(trainer, epochs=1):
    trainer.fit(X, Y, epochs=epochs, batch_size=12, progress=False)
    return {name: p.value for name, p in trainer.model.parameters.items()}


def after_one_step(optimizer, **given):
    wires = {name: pb.Unit(0.0, name) for name in ("a.weight", "a.bias", "b.weight", "b.bias")}
    moved, _ = optimizer.update(
        [pb.Unit(1.0)] * 4, optimizer.init(wires), wires, optimizer.rate(), **given
    )
    return [round(p.value, 6) for p in moved]


def test_the_first_pattern_counts():
    groups = {"*.bias": 2.0, "b.*": 0.5}
    assert after_one_step(pb.Groups(pb.SGD(0.1), groups)) == [-0.1, -0.2, -0.05, -0.2]
    turned = dict(reversed(groups.items()))
    assert after_one_step(pb.Groups(pb.SGD(0.1), turned)) == [-0.1, -0.2, -0.05, -0.05]


def test_groups_of_groups_multiply():
    inner = pb.Groups(pb.SGD(0.1), {"b.*": pb.SGD(1.0), "a.bias": 0.5})
    outer = pb.Groups(inner, {"*.bias": 0.1})
    assert after_one_step(outer) == [-0.1, -0.005, -1.0, -0.1]


def test_limits_are_of_a_group_and_decay_is_of_weights():
    own = pb.SGD(1.0, clip_norm=0.5)
    optimizer = pb.Groups(pb.SGD(0.1, clip_norm=1.0), {"b.weight": own})
    third = round(-0.1 / np.sqrt(3.0), 6)
    assert after_one_step(optimizer) == [third, third, -0.5, third]


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_a_factor_follows_the_rate_that_is_set_and_an_optimizer_keeps_its_own(engine):
    trainer = trainer_of(
        pb.Groups(pb.SGD(0.1), {"dense1.*": 0.5, "dense2.*": pb.Adam(0.01)}), engine
    )
    first = fit(trainer)
    trainer.learning_rate = 1e-30
    second = fit(trainer)
    moved = [name for name in first if np.abs(second[name] - first[name]).max() > 1e-20]
    assert moved == ["dense2.weight", "dense2.bias"]
    assert trainer.learning_rate == 1e-30


def test_each_remembers_of_its_own_parameters_alone():
    optimizer = pb.Groups(
        pb.Adam(0.01), {"dense1.*": pb.SGD(0.1, momentum=0.9), "dense2.*": pb.Adam()}
    )
    trainer = trainer_of(optimizer)
    fit(trainer)
    names = [unit.name for unit in trainer._step.memory.wires]
    assert names == [
        "adam.step",
        *(f"dense3.{what}.mean" for what in ("weight", "bias")),
        *(f"dense3.{what}.mean_square" for what in ("weight", "bias")),
        *(f"dense1.{what}.velocity" for what in ("weight", "bias")),
        "adam.step2",
        *(f"dense2.{what}.mean2" for what in ("weight", "bias")),
        *(f"dense2.{what}.mean_square2" for what in ("weight", "bias")),
    ]


def test_it_is_each_optimizer_alone():
    """What other parameters do is nothing to one whose gradient does not depend on them."""
    steep = pb.Unit(np.array([1.0, -2.0]), "steep"), pb.Unit(np.array([0.5]), "flat")
    own = {"steep": pb.SGD(pb.CosineDecay(0.1, 30), momentum=0.9), "flat": pb.RAdam(0.05)}
    both = pb.Groups(pb.Adam(), own)
    ends = []
    for optimizers in ({None: both}, own):
        wires = {str(p.name): pb.Unit(p.value, p.name) for p in steep}
        updates = {}
        for name, optimizer in optimizers.items():
            held = {k: p for k, p in wires.items() if name in (None, k)}
            memory = optimizer.init(held)
            moved, news = optimizer.update([2.0 * p for p in held.values()], memory, held)
            updates |= zip([*held.values(), *memory], [*moved, *news], strict=True)
        run = pb.prepare("eager", pb.Program({}, {}, updates))
        for _ in range(40):
            run()
        ends.append([p.value for p in wires.values()])
    for a, b in zip(*ends, strict=True):
        np.testing.assert_array_equal(a, b)


def test_frozen_parameters_rest_and_are_known_by_name():
    trainer = trainer_of(pb.Groups(pb.Adam(0.01), {"dense1.*": pb.SGD(0.1, momentum=0.5)}))
    first = fit(trainer)
    trainer.model["dense1"].freeze()
    fit(trainer)
    trainer.model["dense1"].unfreeze()
    rested = {name: p.value for name, p in trainer.model.parameters.items()}
    np.testing.assert_array_equal(rested["dense1.weight"], first["dense1.weight"])
    twin = pickle.loads(pickle.dumps(trainer))
    mine, theirs = fit(trainer, 2), fit(twin, 2)
    assert (mine["dense1.weight"] != first["dense1.weight"]).any()
    for name, value in mine.items():
        np.testing.assert_array_equal(value, theirs[name])


@pytest.mark.parametrize("rate", ["find", pb.CosineDecay("find", 10)], ids=str)
def test_the_rate_of_a_group_of_its_own_is_not_found(rate):
    with pytest.raises(pb.CircuitError, match=r"of the group 'dense1\.\*' is still to be found"):
        pb.Groups(pb.SGD("find"), {"dense2.*": 0.5, "dense1.*": pb.Adam(rate)})


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"encoder.*": 0.1}, r"no parameter is named 'encoder.\*'; there are: dense1.weight, "),
        ({"dense1.*": 0.1, "*.gamma": 2.0}, r"no parameter is named '\*.gamma'"),
        (
            {"dense*": 0.1, "dense1.weight": 2.0},
            r"'dense1.weight' is left without a parameter, as the first pattern counts: 'dense\*' "
            "before it names 'dense1.weight' too",
        ),
    ],
)
def test_a_pattern_that_names_nothing_is_refused_before_training(groups, message):
    trainer = trainer_of(pb.Groups(pb.SGD(0.1), groups))
    with pytest.raises(pb.CircuitError, match=message):
        fit(trainer)
    with pytest.raises(pb.CircuitError, match=message):
        trainer.optimizer.init(trainer.model.parameters)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"a": 0.0}, "factor of 'a', if it is no optimizer, must be positive"),
        ({"a": "fast"}, "factor of 'a', if it is no optimizer, must be a finite number"),
        ({"a": pb.SGD}, "factor of 'a', if it is no optimizer, must be a finite number"),
        ({1: 0.1}, "groups are factors or optimizers by name"),
        ([("a", 0.1)], "groups are factors or optimizers by name"),
    ],
)
def test_groups_that_are_none_are_refused(groups, message):
    with pytest.raises(pb.CircuitError, match=message):
        pb.Groups(pb.SGD(0.1), groups)

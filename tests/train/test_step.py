"""A step of training as a Program: what a Trainer runs, for a loop of one's own."""

import numpy as np
import pytest

import pullback as pb

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3)).astype("f4")
Y = RNG.integers(0, 4, 24)
WEIGHTS = RNG.uniform(0.5, 2.0, 24)
BATCH, SEED = 8, 5


def parts():
    model = pb.Sequential(pb.Dense(6), pb.BatchNorm(), pb.Dropout(0.3), pb.Dense(4), rng=0)
    return model, pb.SoftmaxCrossEntropy(), pb.Adam(pb.CosineDecay(0.1, steps=20)), pb.L2(0.01)


def trained(model):
    return [unit.value.copy() for unit in (*model.parameters.values(), *model.state.values())]


@pytest.mark.parametrize("engine", ["eager", "native"])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_a_loop_of_ones_own_is_that_of_a_trainer_to_the_bit(engine, weights):
    model, loss, optimizer, penalty = parts()
    trainer = pb.Trainer(model, loss, optimizer, penalties=penalty, engine=engine, seed=SEED)
    history = trainer.fit(X, Y, weights=weights, epochs=3, batch_size=BATCH)

    own, loss, optimizer, penalty = parts()
    step = pb.TrainingStep(own, loss, optimizer, penalty, seed=SEED)
    data = step.columns(X, Y, weights)
    step.weigh(data)
    program = step.program({name: rows[:BATCH] for name, rows in data.items()})
    run = pb.prepare(engine, program)
    losses = []
    for epoch in range(1, 4):
        order = np.random.default_rng([SEED, epoch]).permutation(len(X))
        losses.append(run.epoch(data, order, lambda: False).numbers["loss"].mean())
    assert losses == history["loss"]
    for ours, theirs in zip(trained(own), trained(model), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_programs_of_one_step_share_their_state():
    model, loss, optimizer, _ = parts()
    step = pb.TrainingStep(model, loss, optimizer)
    data = step.columns(X, Y)
    large, small = (step.program({k: v[:n] for k, v in data.items()}) for n in (8, 2))
    assert set(large.updates) == set(small.updates)
    assert set(large.outputs) == {"loss", "accuracy"}


def test_without_metrics_the_loss_is_all_that_is_computed():
    model, loss, optimizer, _ = parts()
    step = pb.TrainingStep(model, loss, optimizer)
    program = step.program(step.columns(X, Y), metrics=False)
    assert set(program.outputs) == {"loss"}
    made = {unit.gate.name for unit in program.wires if unit.gate is not None}
    assert "argmax" not in made


def test_the_learning_rate_is_a_wire_unless_a_schedule_makes_it():
    model, loss, optimizer, _ = parts()
    assert pb.TrainingStep(model, loss, optimizer).rate is None
    step = pb.TrainingStep(pb.Dense(4, rng=0), loss, pb.SGD(0.5))
    run = pb.prepare("eager", step.program(step.columns(X, Y)))
    before = step.model.parameters["dense.weight"].value
    step.rate.value = 0.0
    run()
    np.testing.assert_array_equal(step.model.parameters["dense.weight"].value, before)


def test_data_that_the_model_cannot_take_are_refused():
    step = pb.TrainingStep(pb.Dense(4, rng=0), pb.SoftmaxCrossEntropy(), pb.SGD(0.5))
    with pytest.raises(pb.CircuitError, match="24 training inputs need as many labels, got 3"):
        step.columns(X, Y[:3])
    with pytest.raises(pb.CircuitError, match="is not among the 4 classes"):
        step.columns(X, Y + 1)

"""What a monitor says of a step against NumPy, on every engine; and that it changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.engines.engine import Looks
from pullback.engines.native.compile import compile
from pullback.engines.native.target import host
from pullback.engines.prepare import prepare
from pullback.train.monitors import BINS, Monitor
from pullback.train.step import TrainingStep

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 5)), RNG.integers(0, 3, 24)


MONITOR = Monitor()


def key_of(output):
    """What an output is of, and what it measures."""
    name, _, what = output.rpartition("/")
    return name, what


def step_of(monitor=MONITOR, penalties=(), optimizer=None, model=None):
    layers = pb.Dense(7, dtype="float64"), pb.ReLU(), pb.Dense(3, dtype="float64")
    model = model or pb.Sequential(*layers, rng=0)
    return TrainingStep(
        model,
        pb.SoftmaxCrossEntropy(),
        optimizer or pb.SGD(0.1, momentum=0.9),
        penalties,
        monitor=monitor,
    )


def program_of(step, rows=8):
    columns = step.columns(X, Y)
    return step.program({k: x[:rows] for k, x in columns.items()}), columns


@pytest.mark.parametrize("engine", ["eager", "native", "jax"])
def test_of_each_layer_against_numpy(engine):
    step = step_of(Monitor(histograms=True), [pb.L2(0.01), pb.L1(0.001)])
    program, columns = program_of(step)
    before = {name: np.copy(p.value) for name, p in step.model.parameters.items()}
    order = np.arange(8)
    made = prepare(engine, program).epoch(columns, order, lambda: False, looks=Looks()).seldom
    after = {name: np.copy(p.value) for name, p in step.model.parameters.items()}
    found = {key_of(name): x[0] for name, x in made.items()}

    w1, b1, w2, b2 = (before[f"dense{k}.{name}"] for k in (1, 2) for name in ("weight", "bias"))
    x = X[:8]
    h = x @ w1 + b1
    r = np.maximum(h, 0.0)
    y = r @ w2 + b2
    for layer, out in (("dense1", h), ("relu1", r), ("dense2", y)):
        assert found[layer, "mean"] == pytest.approx(out.mean(), abs=1e-12)
        assert found[layer, "std"] == pytest.approx(out.std(), rel=1e-9)
        assert found[layer, "zeros"] == pytest.approx((out == 0.0).mean())
        counts = found[layer, "activations"]
        edges = np.linspace(-4.0, 4.0, BINS + 1)[1:-1] * np.sqrt((out * out).mean())
        expected = np.bincount(np.searchsorted(edges, out.ravel(), "right"), minlength=BINS)
        np.testing.assert_array_equal(counts, expected)
    p = np.exp(y - y.max(axis=1, keepdims=True))
    slope = (p / p.sum(axis=1, keepdims=True) - np.eye(3)[Y[:8]]) / 8
    back = (slope @ w2.T) * (h > 0.0)
    for k, parts in (
        (1, [x.T @ back, back.sum(axis=0)]),
        (2, [r.T @ slope, slope.sum(axis=0)]),
    ):
        g = np.concatenate([part.ravel() for part in parts])
        assert found[f"dense{k}", "gradient"] == pytest.approx(np.sqrt((g * g).mean()), rel=1e-9)
        w = f"dense{k}.weight"
        moved = np.linalg.norm(after[w] - before[w]) / np.linalg.norm(before[w])
        assert found[f"dense{k}", "ratio"] == pytest.approx(moved, rel=1e-6)
        assert found[f"dense{k}", "gradients"].sum() == g.size
    assert ("relu1", "gradient") not in found
    weights = [w1, w2]
    assert found["", "l2"] == pytest.approx(0.01 * sum((w * w).sum() for w in weights))
    assert found["", "l1"] == pytest.approx(0.001 * sum(np.abs(w).sum() for w in weights))


@pytest.mark.parametrize("engine", ["eager", "native"])
@pytest.mark.parametrize("optimizer", [pb.SGD(0.1), pb.SGD(0.1, momentum=0.9), pb.Adam(0.01)])
def test_what_is_learned_is_what_it_is_without(engine, optimizer):
    values = []
    for monitor in (None, Monitor(every=2)):
        step = step_of(monitor, [pb.L2(0.01)], optimizer)
        program, columns = program_of(step)
        order = np.tile(np.arange(24), 3)
        prepare(engine, program).epoch(columns, order, lambda: False, looks=Looks(2))
        values.append([np.copy(p.value) for p in step.model.parameters.values()])
    for ours, theirs in zip(*values, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("optimizer", [pb.SGD(0.1), pb.SGD(0.1, momentum=0.9), pb.Adam(0.01)])
def test_other_steps_do_no_more(optimizer):
    """A step that is not asked has as few loops, and stores as little, as without a monitor."""
    loops, stored = [], []
    for monitor in (None, MONITOR):
        model = pb.Sequential(
            pb.Conv2d(4, 3), pb.BatchNorm(), pb.ReLU(), pb.Flatten(), pb.Dense(3), rng=0
        )
        step = TrainingStep(model, pb.SoftmaxCrossEntropy(), optimizer, monitor=monitor)
        columns = step.columns(RNG.normal(size=(8, 6, 6, 2)), Y[:8])
        made = compile(step.program(columns), host())
        assert not made.memory.moves
        usual = [
            stores
            for part, stores in zip(made.parts, made.memory.stores, strict=True)
            if not part.seldom
        ]
        loops.append(len(usual))
        stored.append(sum(unit.size for stores in usual for unit in stores))
    assert loops[1] <= loops[0]
    assert stored[1] <= 1.01 * stored[0]  # a bias's gradient, which stayed in a register


def test_layers_inside_others_and_layers_that_are_called_twice():
    shared = pb.Dense(5, name="shared")
    model = pb.Sequential(pb.Residual(shared, pb.ReLU()), shared, pb.Dense(3), rng=0)
    step = step_of(model=model)
    program, _ = program_of(step)
    layers = {key_of(name)[0] for name in program.seldom}
    assert layers == {"residual1.shared", "residual1.relu1", "dense2"}


def test_a_layer_of_recurrent_steps_is_watched_as_a_whole():
    model = pb.Sequential(pb.LSTM(4), pb.LastStep(), pb.Dense(3), rng=0)
    step = TrainingStep(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1), monitor=Monitor())
    columns = step.columns(RNG.normal(size=(8, 6, 2)), Y[:8])
    program = step.program(columns)
    found = prepare("eager", program).epoch(columns, np.arange(8), lambda: False).seldom
    (std,) = (x for name, x in found.items() if key_of(name)[1] == "std" and "lstm" in name)
    assert 0.0 < std[0] < 1.0


def test_a_frozen_layer_has_activations_and_no_gradient():
    model = pb.Sequential(pb.Dense(4).freeze(), pb.Dense(3), rng=0)
    step = step_of(model=model)
    keys = {key_of(name) for name in program_of(step)[0].seldom}
    assert ("dense1", "std") in keys
    assert ("dense1", "gradient") not in keys
    assert ("dense2", "ratio") in keys


def test_numbers_that_are_not_finite_are_seen_and_break_nothing():
    step = step_of(Monitor(histograms=True), optimizer=pb.SGD(1e200))
    program, columns = program_of(step)
    run = prepare("native", program)
    with np.errstate(all="ignore"):
        found = run.epoch(columns, np.tile(np.arange(24), 3), lambda: False, looks=Looks())
    assert found.steps == 9
    assert not np.isfinite(found.seldom["dense1/std"]).all()


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "often"])
def test_a_monitor_looks_at_a_step_in_so_many(every):
    with pytest.raises(CircuitError, match="looks at every step or fewer"):
        Monitor(every=every)

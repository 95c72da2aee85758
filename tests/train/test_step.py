"""A step of training as a Program: what a Trainer runs, for a loop of one's own."""

import copy
import pickle
import time
import tracemalloc

import numpy as np
import pytest

import pullback as pb
from pullback.core.abstract import Abstract
from pullback.engines.native.compile import compile
from pullback.engines.native.target import host
from pullback.optim.transform import Transform
from pullback.program.fingerprint import fingerprint

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


# What a step is recorded from --------------------------------------------------------------------


class Looks(pb.Layer):
    """A layer of one's own that asks for numbers while it is recorded, and changes nothing."""

    def apply(self, x, *, training):
        looked.append(float(np.max(x.value)))
        return x


class Passes(pb.Layer):
    """A layer that is a function of wires."""

    def __init__(self, function=lambda x: x):
        super().__init__()
        self.function = function

    def apply(self, x, *, training):
        return self.function(x)


looked: list[float] = []


def convolutional(middle):
    return pb.Sequential(
        pb.Conv2d(6, 3, padding=1, groups=1),
        pb.LocalResponseNorm(3),
        pb.ReLU(),
        middle,
        pb.MaxPool2d(3, stride=2),
        pb.Flatten(),
        pb.Dropout(0.3),
        pb.BatchNorm(),
        pb.Dense(4),
        rng=0,
    )


class Recurrent(pb.Layer):
    """h[t] = tanh(h[t - 1] @ w + x[t]), over the second axis; the last h."""

    def build(self, shape, *, rng):
        self.weight = self.parameter("weight", (shape[2],) * 2, lambda s: np.eye(s[0]), weight=True)

    def apply(self, x, *, training):
        start = np.zeros((x.shape[0], x.shape[2]), "f4")
        sequence = pb.swapaxes(x, 0, 1)
        (states,) = pb.loop(lambda h, x: pb.tanh(h @ self.weight + x), start, sequence)
        return states[-1]


def recurrent(middle):
    layers = pb.Reshape((6, 18)), middle, pb.Dense(5), Recurrent(), pb.Dense(4)
    return pb.Sequential(*layers, rng=0)


def recorded(make, middle, optimizer=None):
    """A step, its data, and its Program on the first 8 rows."""
    rng = np.random.default_rng(1)
    images, labels = rng.normal(size=(24, 6, 6, 3)).astype("f4"), rng.integers(0, 4, 24)
    penalties = [pb.L2(1e-3), pb.L1(1e-4)]
    optimizer = optimizer or pb.AdamW(0.01, clip_norm=1.0)
    step = pb.TrainingStep(make(middle), pb.SoftmaxCrossEntropy(), optimizer, penalties, seed=SEED)
    data = step.columns(images, labels)
    return step, data, step.program({name: rows[:8] for name, rows in data.items()})


MODELS = pytest.mark.parametrize("make", [convolutional, recurrent])


@MODELS
def test_a_step_is_recorded_for_shapes_alone_and_its_sources_have_values(make):
    _, data, program = recorded(make, Passes())
    for unit in program.wires:
        if unit.inputs:
            several = isinstance(unit._value, tuple)
            small = unit.size <= 24 or getattr(unit.gate, "view", False)  # running means
            assert small or several or type(unit._value) is Abstract, unit
        else:
            np.asarray(unit.value)
    np.testing.assert_array_equal(program.inputs["inputs"].value, data["inputs"][:8])
    with pytest.raises(pb.CircuitError, match=r"recorded for its shape .* or run the Program"):
        program.outputs["loss"].value  # noqa: B018
    loss = program.outputs["loss"].forward()
    assert pb.prepare("native", program)()["loss"] == pytest.approx(loss, rel=1e-5)


@MODELS
@pytest.mark.parametrize("engine", ["eager", "native", "jax"])
def test_a_model_that_looks_at_numbers_trains_to_the_same_bits(make, engine):
    looked.clear()
    (step, data, program), (other, _, looking) = (
        recorded(make, Passes()),
        recorded(make, Looks()),
    )
    assert looked
    assert type(program.outputs["loss"]._value) is Abstract
    assert looking.outputs["loss"].value > 0.0
    assert fingerprint(program) == fingerprint(looking)
    order = np.random.default_rng(2).permutation(24)
    for one in (program, looking):
        pb.prepare(engine, one).epoch(data, np.concatenate([order, order[:16]]), lambda: False)
    for ours, theirs in zip(trained(step.model), trained(other.model), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_parts_of_ones_own_that_look_at_numbers_train_as_before():
    def half(directions, memory, parameters):
        return [d * (0.5 if np.all(np.isfinite(d.value)) else 0.0) for d in directions], []

    optimizer = pb.Optimizer("Half", 0.1, Transform(half))
    step, _, program = recorded(convolutional, Passes(), optimizer)
    before = trained(step.model)
    pb.prepare("eager", program)()
    assert any(np.any(a != b) for a, b in zip(before, trained(step.model), strict=True))


def test_a_gate_of_ones_own_is_recorded_by_shapes_where_it_is_elementwise():
    @pb.gate(partials=(lambda y, x: 3.0 * x * x,))
    def cube(m, x):
        return x * x * x

    @pb.gate(pullback=(lambda g, y, x: g,))
    def same(m, x):
        return m.reshape(x, m.shape(x))

    losses = []
    for function, kind in ((cube, Abstract), (lambda x: same(x * x * x), np.float32)):
        _, _, program = recorded(convolutional, Passes(function))
        assert type(program.outputs["loss"]._value) is kind
        losses.append(pb.prepare("native", program)()["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_gate_of_ones_own_may_refuse_numbers_that_no_batch_has():
    @pb.gate(partials=(lambda y, x: 1.0 / (1.0 - x),))
    def surprise(m, x):
        if np.any(np.asarray(x) >= 1.0):
            raise ValueError("a probability is below 1")
        return m.negative(m.log(m.subtract(1.0, x)))

    _, _, program = recorded(convolutional, Passes(lambda x: surprise(0.5 * pb.sigmoid(x))))
    assert pb.prepare("eager", program)()["loss"] > 0.0


def test_a_gate_that_makes_other_numbers_of_wires_is_refused_also_of_shapes():
    @pb.gate(partials=(lambda y, x: 1.0,))
    def drawn(m, x):
        return x + np.random.default_rng().normal()

    _, _, program = recorded(convolutional, Passes(drawn))
    with pytest.raises(pb.CircuitError, match="makes other numbers than of arrays"):
        pb.prepare("native", program)


@pytest.mark.parametrize("way", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_program_without_numbers_is_copied(way):
    _, _, program = recorded(convolutional, pb.ReLU())
    twin = way(program)
    assert fingerprint(program) == fingerprint(twin)
    first, second = (pb.prepare("native", p)() for p in (program, twin))
    assert first == second


def test_more_can_be_wired_to_a_recorded_step():
    step, _, program = recorded(convolutional, pb.ReLU())
    weight = next(iter(step.model.parameters.values()))
    slope = pb.gradient(program.outputs["loss"], weight)
    more = pb.Program(program.inputs, {**program.outputs, "slope": slope}, {})
    eager, native = (pb.prepare(engine, more)()["slope"] for engine in ("eager", "native"))
    assert np.any(eager)
    np.testing.assert_allclose(native, eager, rtol=1e-4, atol=1e-6)


def test_a_batch_of_another_byte_order_is_recorded_as_the_processors_own():
    step, data, program = recorded(convolutional, pb.ReLU())
    other = {name: x[:8].astype(x.dtype.newbyteorder()) for name, x in data.items()}
    again = step.program(other)
    for name, unit in program.inputs.items():
        assert again.inputs[name].dtype.isnative
        np.testing.assert_array_equal(again.inputs[name].value, unit.value, strict=True)
    assert again.outputs["loss"].forward() == program.outputs["loss"].forward()


def test_the_wires_of_a_step_are_drawn_and_written_by_their_shapes():
    _, _, program = recorded(convolutional, pb.ReLU())
    loss = program.outputs["loss"]
    assert "loss" in str(program)
    assert "(8, 6, 6, 6)" in pb.draw(loss, gradients=False).svg
    assert str(pb.Circuit(loss)).startswith("circuit: ")


def test_recording_takes_neither_the_memory_nor_the_time_of_its_batch():
    """Of 10 GB on the wire behind the first layer alone."""
    model = pb.Sequential(
        pb.Conv2d(640, 3, padding="same"),
        pb.ReLU(),
        pb.LocalResponseNorm(),
        pb.AveragePool2d(512),
        pb.Flatten(),
        pb.Dropout(0.5),
        pb.Dense(10),
        rng=0,
    )
    step = pb.TrainingStep(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1, momentum=0.9))
    images, labels = np.zeros((16, 512, 512, 1), "f4"), np.zeros(16, int)
    tracemalloc.start()
    start = time.perf_counter()
    data = step.columns(images, labels)
    tiny = step.program({name: rows[:1] for name, rows in data.items()})
    program = step.program(data)
    seconds, (_, peak) = time.perf_counter() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert max(unit.size * 4 for unit in program.wires if unit.inputs) > 10e9
    assert len(program.wires) == len(tiny.wires)
    assert peak < 100e6
    assert seconds < 20.0  # on any machine: it takes tenths of one


def test_what_the_passes_of_the_native_engine_make_has_no_numbers_either():
    _, _, program = recorded(recurrent, pb.ReLU())
    for unit in compile(program, host()).plain.wires:
        numbers = unit._value if isinstance(unit._value, tuple) else (unit._value,)
        assert unit.is_constant or not any(isinstance(x, np.ndarray) for x in numbers), unit

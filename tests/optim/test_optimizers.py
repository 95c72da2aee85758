"""Every optimizer of the registry: its numbers, its memory, and what it is made of."""

from collections.abc import Sequence

import numpy as np
import pytest
from tests.optim.reference import CASES, NAMES, WRAPPED

import pullback as pb
import pullback.optim as po
from pullback.core.walk import order
from pullback.engines.prepare import prepare

STEPS = 100
EACH = pytest.mark.parametrize("case", [*CASES, *WRAPPED], ids=lambda case: case.label)


def starting(dtype="float64", shapes: Sequence = ((3, 2), (5,), ())):
    rng = np.random.default_rng(1)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def sources(values):
    return [pb.Unit(value, name) for value, name in zip(values, NAMES, strict=False)]


class Stepper:
    """An optimizer on an engine, with gradients from outside."""

    def __init__(self, case, values):
        optimizer = case.make()
        self.parameters = sources(values)
        self.memory = optimizer.init(self.parameters)
        self.rate = optimizer.rate()
        gradients = [pb.Unit(0 * p.value, f"g{k}") for k, p in enumerate(self.parameters)]
        weights = case.weights_of(self.parameters)
        moved, news = optimizer.update(gradients, self.memory, self.parameters, self.rate, weights)
        self.made = [*moved, *news]
        self.given = [*self.parameters, *self.memory, *gradients]
        state = [*self.parameters, *self.memory]
        updates = dict(zip(state, self.made, strict=True))
        inputs = {str(g.name): g for g in gradients}
        self.engine = prepare("eager", pb.Program(inputs, {}, updates))

    def __call__(self, gradients):
        self.engine(**{f"g{k}": g for k, g in enumerate(gradients)})
        return self.values

    @property
    def values(self):
        return [p.value for p in self.parameters]


def random_gradients(like, steps=STEPS):
    """Gradients of all sizes, with some that are exactly zero."""
    rng = np.random.default_rng(2)
    for _ in range(steps):
        size = 10.0 ** rng.integers(-3, 3)
        yield [
            (rng.normal(size=p.shape) * size * (rng.random(p.shape) > 0.1)).astype(p.dtype)
            for p in like
        ]


def test_every_optimizer_has_a_reference():
    assert {case.name for case in CASES} == set(po.OPTIMIZERS)
    around = {wrapper.name for case in WRAPPED for wrapper in case.make().wrappers}
    assert around | {"SAM"} == set(po.WRAPPERS)  # which needs more than gradients: see test_sam.py


@EACH
def test_it_follows_its_reference_on_random_gradients(case):
    start = starting()
    step, reference = Stepper(case, start), case.reference(start)
    for gradients in random_gradients(start):
        for ours, theirs in zip(step(gradients), reference(gradients), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@EACH
def test_it_follows_its_reference_down_a_stiff_valley(case):
    """One circuit: curvatures from 0.01 to 100, their gradient, and the update."""
    start = starting()
    curvatures = [np.logspace(-2, 2, max(p.size, 1)).reshape(p.shape) for p in start]
    parameters = sources(start)
    loss = sum((0.5 * c * p * p).sum() for c, p in zip(curvatures, parameters, strict=True))
    optimizer = case.make()
    memory = optimizer.init(parameters)
    moved, news = optimizer.update(
        pb.gradient(loss, parameters), memory, parameters, weights=case.weights_of(parameters)
    )
    updates = dict(zip([*parameters, *memory], [*moved, *news], strict=True))
    step = prepare("eager", pb.Program({}, {"loss": loss}, updates))
    reference = case.reference(start)
    theirs, first = start, float(loss.value)
    for _ in range(STEPS):
        step()
        theirs = reference([c * p for c, p in zip(curvatures, theirs, strict=True)])
        for p, expected in zip(parameters, theirs, strict=True):
            np.testing.assert_allclose(p.value, expected, rtol=1e-11, atol=1e-12)
    assert float(step()["loss"]) < first


@EACH
def test_float32_stays_float32(case):
    step = Stepper(case, starting("float32"))
    for unit in step.made:
        assert unit.dtype == np.float32 or type(unit.value) is float, unit
    wide = Stepper(case, starting())
    for narrow_g, wide_g in zip(
        random_gradients(starting("float32"), 10), random_gradients(starting(), 10), strict=True
    ):
        for ours, exact in zip(step(narrow_g), wide(wide_g), strict=True):
            assert ours.dtype == np.float32
            np.testing.assert_allclose(ours, exact, rtol=1e-4, atol=1e-5)


@EACH
def test_it_is_made_of_gates_alone(case):
    step = Stepper(case, starting("float32"))
    allowed = {*step.given, step.rate}
    for unit in order(step.made):
        if unit.gate is None:
            assert unit in allowed, unit
        elif unit.inputs:
            assert unit.gate is pb.GATES[unit.gate.name]


@EACH
def test_memory_starts_at_nothing_under_names_of_its_own(case):
    optimizer = case.make()
    start = starting("float32")
    memory = optimizer.init(sources(start))
    names = [unit.name for unit in memory]
    assert len(set(names)) == len(names)
    for unit in memory:
        if type(unit.value) is float:
            assert unit.value == (1.0 if unit.name == "nadam.momentum_product" else 0.0)
            continue
        owner = next(name for name in NAMES if unit.name.startswith(f"{name}."))
        first = start[NAMES.index(owner)]
        assert unit.shape == first.shape
        assert unit.dtype == np.float32
        np.testing.assert_array_equal(unit.value, first if "slow" in unit.name else 0 * first)


@EACH
def test_a_resumed_run_is_the_run_without_a_break(case):
    start = starting("float32")
    whole, first = (Stepper(case, start) for _ in range(2))
    gradients = list(random_gradients(start, 20))
    for g in gradients:
        whole(g)
    for g in gradients[:9]:
        first(g)
    second = Stepper(case, first.values)
    saved = {unit.name: np.array(unit.value) for unit in first.memory}
    for unit in second.memory:
        unit.value = saved[unit.name]
    for g in gradients[9:]:
        second(g)
    for a, b in zip([*whole.values, *whole.memory], [*second.values, *second.memory], strict=True):
        np.testing.assert_array_equal(getattr(a, "value", a), getattr(b, "value", b))


@EACH
@pytest.mark.parametrize("size", [0.0, 1e-30, 1e15])
def test_no_gradient_makes_it_lose_its_numbers(case, size):
    step = Stepper(case, starting("float32"))
    for _ in range(3):
        for value in step([np.full(p.shape, size, np.float32) for p in step.values]):
            assert np.isfinite(value).all()
    assert all(np.isfinite(unit.value).all() for unit in step.memory)
    if size == 0.0 and not case.make().options.get("weight_decay"):
        for value, first in zip(step.values, starting("float32"), strict=True):
            np.testing.assert_array_equal(value, first)


def test_a_constant_gradient_has_no_variance():
    """Rounding makes v - m * m negative here; a root of that would be nan."""
    g, p = pb.Unit(np.linspace(0.1, 1e3, 50, dtype=np.float32)), pb.Unit(np.ones(50, np.float32))
    optimizer = po.RMSProp(1e-9, centered=True)
    memory = optimizer.init([p])
    moved, news = optimizer.update([g], memory, [p])
    updates = dict(zip([p, *memory], [*moved, *news], strict=True))
    step = prepare("eager", pb.Program({}, {}, updates))
    for _ in range(3000):
        step()
    assert np.isfinite(p.value).all()


@EACH
def test_parameters_of_no_elements_and_of_one_number(case):
    step = Stepper(case, [np.zeros((0, 3), np.float32), 2.0, np.float32(2.0)])
    whole = Stepper(case, [np.zeros((0, 3)), np.array(2.0), np.array(2.0)])
    for _ in range(5):
        empty, number, single = step([np.zeros((0, 3), np.float32), 1.0, np.float32(1.0)])
        _, *expected = whole([np.zeros((0, 3)), 1.0, 1.0])
    assert empty.shape == (0, 3)
    assert np.ndim(number) == np.ndim(single) == 0
    assert (np.asarray(number).dtype, single.dtype) == (np.float64, np.float32)
    np.testing.assert_allclose(number, expected[0], rtol=1e-7)
    np.testing.assert_allclose(single, expected[1], rtol=1e-6)
    assert number < 2.0
    if not any(wrapper.name == "Groups" for wrapper in case.make().wrappers):
        assert case.options.get("adamw") or Stepper(case, []).values == []


@pytest.mark.parametrize(
    ("engine", "cases"),
    [
        ("jax", [*CASES, *(case for case in WRAPPED if case.compiled)]),
        ("native", [case for case in (*CASES, *WRAPPED) if case.compiled]),
    ],
)
def test_engines_agree(engine, cases):
    """Many optimizers in one Program, in single precision, so that it is compiled once."""
    start = starting("float32")
    inputs = {f"g{k}": pb.Unit(0 * value, f"g{k}") for k, value in enumerate(start)}
    updates, ends = {}, []
    for case in cases:
        optimizer, parameters = case.make(), sources(start)
        memory = optimizer.init(parameters)
        made = optimizer.update(
            [*inputs.values()], memory, parameters, optimizer.rate(), case.weights_of(parameters)
        )
        updates |= zip([*parameters, *memory], [*made[0], *made[1]], strict=True)
        ends.append((case, parameters, Stepper(case, start)))
    run = prepare(engine, pb.Program(inputs, {}, updates))
    for gradients in random_gradients(start, 20):
        run(**dict(zip(inputs, gradients, strict=True)))
        for case, parameters, step in ends:
            for p, expected in zip(parameters, step(gradients), strict=True):
                assert p.dtype == np.float32
                np.testing.assert_allclose(p.value, expected, 2e-5, 2e-6, err_msg=case.label)

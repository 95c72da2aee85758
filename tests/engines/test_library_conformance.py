"""Every engine gives the same results for every layer, loss and optimizer of the registries.

A Program holds all cases of a layer, or all losses, or all optimizers, in one precision; single
precision has the first case of each alone. What the engines make of one Program is compared before
the next is made, so that workers share the Programs and no compiled one outlives its tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest
from tests.engines.test_conformance import TOLERANCE, disagreements, pull_on
from tests.layers.reference import CASES as LAYER_CASES
from tests.layers.reference import Case as LayerCase
from tests.losses.reference import CASES as LOSS_CASES
from tests.optim.reference import CASES as OPTIMIZER_CASES
from tests.shaped import shaped

import pullback as pb
from pullback.engines.prepare import prepare
from pullback.layers import LAYERS, Layer, Training
from pullback.layers.description import construct, describe
from pullback.losses import LOSSES, Loss
from pullback.optim import OPTIMIZERS
from pullback.program.fingerprint import fingerprint

WEIGHTS = np.array([2.0, 0.0, 1.0, 3.0, 1.0, 0.0, 5.0])
CLASS_WEIGHTS = (0.5, 2.0, 3.0)
CLOSER = {**TOLERANCE, "float64": {"rtol": 1e-12, "atol": 1e-12}}
"""Of losses: they are made of few gates."""


class Steps(NamedTuple):
    """A Program, and the values of its inputs at each step."""

    program: pb.Program
    batches: list[dict[str, Any]]


def gradients(y: pb.Unit, sources: dict[str, pb.Unit], pull: Any = 1.0) -> dict[str, pb.Unit]:
    """The gradients by those sources that gradients flow to, by name."""
    floats = {name: x for name, x in sources.items() if x.dtype.kind == "f"}
    return dict(zip(floats, pb.gradient(y, list(floats.values()), pull), strict=True))


# Layers ------------------------------------------------------------------------------------------


def in_precision(layer: Layer, dtype: str) -> Layer:
    """The same layer, without parameters, with all of its own in this precision."""
    return construct(json.loads(json.dumps(describe(layer)).replace("float64", dtype)))


def layer_cases(name: str, dtype: str) -> dict[str, LayerCase]:
    """The first case of a layer and, in double precision, those with rows of another shape."""
    return {
        f"{name} {k}": case
        for k, case in enumerate(LAYER_CASES[name])
        if k == 0 or (case.row and dtype == "float64")
    }


def layer_of(name: str, dtype: str) -> Steps:
    """A layer in prediction and, where that is another thing, in training, for 3 steps."""
    training = Training(pb.Unit(np.array(7), "seed"), pb.Unit(np.array(0), "step"))
    inputs: dict[str, pb.Unit] = {}
    outputs: dict[str, pb.Unit] = {}
    batches: list[dict[str, Any]] = [{}, {}, {}]
    rng = np.random.default_rng(1)
    for label, case in layer_cases(name, dtype).items():
        layer = in_precision(case.make(), dtype)
        for step, batch in enumerate(batches):
            x = case.inputs(5, seed=step)
            given = case.given(x if case.integers else x.astype(dtype))
            batch |= {f"{label}{' other' * k}": v for k, v in enumerate(given)}
        wires = {name: pb.Unit(v, "x") for name, v in batches[0].items() if name not in inputs}
        inputs |= wires
        layer(*wires.values())
        for unit in (*layer.parameters.values(), *layer.state.values()):
            unit.value = (unit.value + rng.uniform(0.05, 0.3, unit.shape)).astype(dtype)
        sources = {**{f"x{k}": x for k, x in enumerate(wires.values())}, **layer.parameters}
        for mode in ("predicted", "trained") if case.trained else ("predicted",):
            how = training if mode == "trained" else None
            y = case.output(layer(*wires.values(), training=how))
            outputs[f"{label} {mode}"] = y
            for what, g in gradients(y, sources, pull_on(y)).items():
                outputs[f"{label} {mode}, gradient by {what}"] = g
    updates = {**training.updates, training.step: training.step + np.array(1)}
    return Steps(pb.Program(inputs, outputs, updates), batches)


# Losses ------------------------------------------------------------------------------------------


def losses_of(dtype: str) -> Steps:
    """Every loss and its metrics, with weights of rows and of classes.

    In double precision there are also the other cases, for labels of other kinds, each with weights
    and without.
    """
    weights = pb.Unit(WEIGHTS.astype(dtype), "weights")
    inputs, outputs = {"weights": weights}, {}
    for name, case in LOSS_CASES.items():
        first = name in LOSSES
        if not first and dtype == "float32":
            continue
        scores = pb.Unit(case.scores.astype(dtype), "scores")
        labels = pb.Unit(case.loss.prepare(case.labels, case.scores.shape), "labels")
        inputs |= {f"{name}: scores": scores, f"{name}: labels": labels}
        loss = by_class(case.loss, scores)
        values = {name: loss(scores, labels, weights)}
        if not first:
            values[f"{name}, plain"] = case.loss(scores, labels)
        for what, value in values.items():
            outputs |= {what: value, f"{what}, gradient": pb.gradient(value, scores)}
        outputs |= {f"{name}, {k}": wire for k, wire in loss.metrics(scores, labels).items()}
    values = {name: unit.value for name, unit in inputs.items()}
    return Steps(pb.Program(inputs, outputs, {}), [values])


def by_class(loss: Any, scores: pb.Unit) -> Loss:
    """The loss with weights for the classes, where it takes any; alpha is such weights already."""
    if not hasattr(loss, "class_weights") or getattr(loss, "alpha", None) is not None:
        return loss
    return replace(loss, class_weights=CLASS_WEIGHTS[: scores.shape[1] if scores.ndim > 1 else 2])


# Optimizers --------------------------------------------------------------------------------------


def optimizers_of(dtype: str) -> Steps:
    """Five steps of training by every optimizer, of a table of rows and a number."""
    rng = np.random.default_rng(2)
    start = {"table": rng.normal(size=(6, 2)).astype(dtype), "scale": np.array(0.8, dtype)}
    batches: list[dict[str, Any]] = [
        {"rows": rng.integers(6, size=4), "labels": rng.normal(size=(4, 2)).astype(dtype)}
        for _ in range(5)
    ]
    inputs = {name: pb.Unit(value, name) for name, value in batches[0].items()}
    outputs, updates = {}, {}
    for k, case in enumerate(OPTIMIZER_CASES):
        table, scale = parameters = [pb.Unit(value, name) for name, value in start.items()]
        scores = pb.take(table, inputs["rows"]) * scale
        loss = ((scores - inputs["labels"]) ** 2).mean()
        optimizer = case.make()
        memory = optimizer.init(parameters)
        moved, news = optimizer.update(
            pb.gradient(loss, parameters),
            memory,
            parameters,
            optimizer.rate(),
            case.weights_of(parameters),
        )
        outputs[f"{k} {case.label}"] = loss
        updates |= zip([*parameters, *memory], [*moved, *news], strict=True)
    return Steps(pb.Program(inputs, outputs, updates), batches)


# The matrix --------------------------------------------------------------------------------------

PARTS: dict[str, Callable[[str], Steps]] = {
    "losses": losses_of,
    "optimizers": optimizers_of,
    **{name: partial(layer_of, name) for name in LAYER_CASES},
}


class Part:
    """A part of the library in one precision, and what each engine makes of it: each runs once."""

    def __init__(self, name: str, dtype: str) -> None:
        self.make = partial(PARTS[name], dtype)
        self.dtype = dtype
        self.tolerances = CLOSER if name == "losses" else TOLERANCE
        self.results = cache(self._results)

    def _results(self, engine: str, by_shapes: bool = False) -> list[dict[str, Any]]:
        """What each step gives, and all state after it; maybe of one recorded by shapes alone."""
        program, batches = self.make()
        if by_shapes:
            program, recorded = shaped(program), program
            assert fingerprint(program) == fingerprint(recorded)
        run = prepare(engine, program)
        made = []
        for batch in batches:
            outputs = run(**batch)
            state = {f"state {k}, {unit.label}": unit for k, unit in enumerate(program.updates)}
            kept = {name: np.copy(unit.value)[()] for name, unit in state.items()}
            made.append({**outputs, **kept})
        return made


@pytest.fixture(scope="module", params=product(PARTS, TOLERANCE), ids="-".join)
def part(request: pytest.FixtureRequest) -> Part:
    return Part(*request.param)


def test_every_layer_loss_and_optimizer_is_compared():
    assert set(LAYER_CASES) == set(LAYERS)
    assert {type(case.loss).__name__ for case in LOSS_CASES.values()} == set(LOSSES)
    assert {case.name for case in OPTIMIZER_CASES} == set(OPTIMIZERS)


@pytest.mark.parametrize("engine", ["native", "jax"])
def test_engines_agree(engine, part):
    pairs = zip(part.results("eager"), part.results(engine), strict=True)
    for step, (expected, found) in enumerate(pairs):
        different = disagreements(expected, found, part.dtype, part.tolerances)
        assert not different, "\n".join([f"at step {step}:", *different])


@pytest.mark.parametrize("engine", ["eager", "native", "jax"])
def test_steps_recorded_by_shapes_give_the_same_bits(engine, part):
    pairs = zip(part.results(engine), part.results(engine, True), strict=True)
    for expected, found in pairs:
        assert expected.keys() == found.keys()
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value, err_msg=name, strict=True)


@pytest.mark.parametrize("part", [("Dropout", d) for d in TOLERANCE], ids="-".join, indirect=True)
def test_every_engine_drops_the_same_at_each_step(part):
    masks = {
        engine: [step["Dropout 0 trained"] != 0.0 for step in part.results(engine)]
        for engine in ("eager", "native", "jax")
    }
    first, second, _ = masks["eager"]
    assert not np.array_equal(first, second)
    for mask in masks.values():
        np.testing.assert_array_equal(mask, masks["eager"])

"""Every loss costs, weighs and pulls the same on every engine.

Native code is left out: it takes a second to compile for each loss, and the gates that losses are
made of are compared one by one in tests/engines.
"""

import numpy as np
import pytest
from tests.losses.reference import CASES, ROWS

import pullback as pb
from pullback.engines.prepare import ENGINES, prepare

WEIGHTS = np.array([2.0, 0.0, 1.0, 3.0, 1.0, 0.0, 5.0])
CLASS_WEIGHTS = [0.5, 2.0, 3.0]


def everything():
    """One Program of all losses, their metrics and gradients, and the inputs to run it with."""
    inputs, outputs = {"weights": pb.Unit(np.ones(ROWS), "weights")}, {}
    for k, case in enumerate(CASES.values()):
        loss = case.loss
        if hasattr(loss, "class_weights"):
            count = case.scores.shape[1] if case.scores.ndim == 2 else 2
            loss = type(loss)(class_weights=CLASS_WEIGHTS[:count])
        scores = pb.Unit(np.zeros(case.scores.shape), f"scores{k}")
        labels = pb.Unit(loss.prepare(case.labels, case.scores.shape), f"labels{k}")
        inputs |= {f"scores{k}": scores, f"labels{k}": labels}
        value = loss(scores, labels, inputs["weights"])
        outputs |= {f"loss{k}": value, f"gradient{k}": pb.gradient(value, scores)}
        outputs |= {f"{name}{k}": wire for name, wire in loss.metrics(scores, labels).items()}
    values = {name: unit.value for name, unit in inputs.items()}
    values |= {f"scores{k}": case.scores for k, case in enumerate(CASES.values())}
    return pb.Program(inputs, outputs, {}), values | {"weights": WEIGHTS}


@pytest.mark.parametrize("engine", [name for name in ENGINES if name not in ("eager", "native")])
def test_an_engine_agrees_with_numpy(engine):
    program, values = everything()
    wanted = prepare("eager", program)(**values)
    got = prepare(engine, program)(**values)
    assert set(got) == set(wanted)
    for name, value in wanted.items():
        np.testing.assert_allclose(got[name], value, rtol=1e-12, atol=1e-12, err_msg=name)

"""A hundred steps of each optimizer that PyTorch has too, in double precision."""

from typing import Any

import numpy as np
import pytest

import pullback as pb
import pullback.optim as po

torch: Any = pytest.importorskip("torch")

RNG = np.random.default_rng(0)
START = [RNG.normal(size=shape) for shape in ((4, 3), (3, 6), (5,), (2, 2))]
GRADIENTS = [
    [10.0 ** RNG.integers(-2, 2) * RNG.normal(size=p.shape) for p in START] for _ in range(100)
]
_MUON = {"lr": 0.01, "weight_decay": 0.1}

CASES = {
    "SGD": (po.SGD(0.01), lambda p: torch.optim.SGD(p, 0.01)),
    "momentum": (po.SGD(0.01, momentum=0.9), lambda p: torch.optim.SGD(p, 0.01, momentum=0.9)),
    "Nesterov": (
        po.SGD(0.01, momentum=0.9, nesterov=True),
        lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, nesterov=True),
    ),
    "AdaGrad": (po.AdaGrad(0.1), lambda p: torch.optim.Adagrad(p, 0.1)),
    "RMSProp": (
        po.RMSProp(momentum=0.9, centered=True),
        lambda p: torch.optim.RMSprop(p, momentum=0.9, centered=True),
    ),
    "Adadelta": (po.Adadelta(), lambda p: torch.optim.Adadelta(p)),
    "Adam": (po.Adam(), lambda p: torch.optim.Adam(p)),
    "amsgrad": (po.Adam(amsgrad=True), lambda p: torch.optim.Adam(p, amsgrad=True)),
    "AdamW": (po.AdamW(weight_decay=0.3), lambda p: torch.optim.AdamW(p, weight_decay=0.3)),
    "NAdam": (po.NAdam(), lambda p: torch.optim.NAdam(p)),
    "RAdam": (po.RAdam(), lambda p: torch.optim.RAdam(p)),
    "RAdam that decays": (
        po.RAdam(0.01, beta2=0.9, weight_decay=0.1),
        lambda p: torch.optim.RAdam(
            p, 0.01, betas=(0.9, 0.9), weight_decay=0.1, decoupled_weight_decay=True
        ),
    ),
    "Adamax": (po.Adamax(), lambda p: torch.optim.Adamax(p)),
    "Muon": (
        po.Groups(po.Muon(0.01), {"p2": po.AdamW(0.003, weight_decay=0.0)}),
        lambda p: _Both(
            torch.optim.Muon([p[0], p[1], p[3]], **_MUON, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW([p[2]], 0.003, weight_decay=0.0),
        ),
    ),
    "Muon of the paper": (
        po.Groups(po.Muon(0.01, scaling="original"), {"p2": po.SGD(0.1)}),
        lambda p: _Both(torch.optim.Muon(p[:2] + p[3:], **_MUON), torch.optim.SGD(p[2:3], 0.1)),
    ),
}


class _Both:
    def __init__(self, *optimizers):
        self.optimizers = optimizers

    def step(self):
        for optimizer in self.optimizers:
            optimizer.step()


@pytest.mark.parametrize("name", CASES)
def test_a_hundred_steps_are_those_of_pytorch(name, monkeypatch):
    optimizer, make = CASES[name]
    # Muon rounds to bfloat16, in which no two agree; here it goes on in double precision.
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda x: x.clone())
    flip = name.startswith("Muon")  # its matrices are (outputs, inputs), and ours turned around
    turn = [flip and p.ndim == 2 for p in START]
    theirs = [torch.tensor(p.T if t else p) for p, t in zip(START, turn, strict=True)]
    by_torch = make(theirs)
    parameters = {f"p{k}": pb.Unit(p, f"p{k}") for k, p in enumerate(START)}
    inputs = {f"g{k}": pb.Unit(0.0 * p, f"g{k}") for k, p in enumerate(START)}
    memory = optimizer.init(parameters)
    moved, news = optimizer.update(list(inputs.values()), memory, parameters)
    updates = dict(zip([*parameters.values(), *memory], [*moved, *news], strict=True))
    run = pb.prepare("eager", pb.Program(inputs, {}, updates))
    for gradients in GRADIENTS:
        run(**dict(zip(inputs, gradients, strict=True)))
        for p, g, t in zip(theirs, gradients, turn, strict=True):
            p.grad = torch.tensor(np.ascontiguousarray(g.T if t else g))
        by_torch.step()
        for ours, p, t in zip(parameters.values(), theirs, turn, strict=True):
            np.testing.assert_allclose(ours.value, p.numpy().T if t else p.numpy(), 1e-9, 1e-11)

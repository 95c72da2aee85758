"""What every optimizer does: by Optax, or, where conventions differ, by its paper, in NumPy.

An optimizer that is not in this table fails the tests: add it with an independent reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
import optax

import pullback.optim as po

NAMES = ("dense1.weight", "dense1.bias", "scale")  # of the parameters in all tests

Arrays = list[np.ndarray]
Reference = Callable[[Arrays], Callable[[Arrays], Arrays]]


def by_optax(transformation: optax.GradientTransformation) -> Reference:
    """A function of parameters to a step: gradients in, the next parameters out."""

    def start(parameters: Arrays) -> Callable[[Arrays], Arrays]:
        with jax.enable_x64(True):
            held = {"p": parameters, "state": transformation.init(parameters)}

            @jax.jit
            def update(gradients, state, p):
                changes, state = transformation.update(gradients, state, p)
                return optax.apply_updates(p, changes), state

        def step(gradients: Arrays) -> Arrays:
            with jax.enable_x64(True):
                held["p"], held["state"] = update(gradients, held["state"], held["p"])
            return [np.asarray(p) for p in held["p"]]

        return step

    return start


def by_formula(rule: Callable[..., np.ndarray], **options: Any) -> Reference:
    """The same for `rule(memory, t, g, p, **options)`, with a memory for each parameter."""

    def start(parameters: Arrays) -> Callable[[Arrays], Arrays]:
        memories: list[dict[str, Any]] = [{} for _ in parameters]
        held = {"p": parameters, "t": 0}

        def step(gradients: Arrays) -> Arrays:
            held["t"] += 1
            triples = zip(memories, gradients, held["p"], strict=True)
            held["p"] = [rule(s, held["t"], g, p, **options) for s, g, p in triples]
            return held["p"]

        return step

    return start


def adagrad(s, t, g, p, *, rate, epsilon):
    s["sum"] = s.get("sum", 0.0) + g**2
    return p - rate * g / (np.sqrt(s["sum"]) + epsilon)


def cycled(t, ease):
    """PyTorch's momentum of one cycle of 60 steps, at the t-th: from 0.95 to 0.85 and back."""
    k = min(t - 1, 59)
    if k <= 17:
        return 0.95 + (0.85 - 0.95) * ease(k / 17)
    return 0.85 + (0.95 - 0.85) * ease((k - 17) / (59 - 17))


def cycled_ball(s, t, g, p, *, rate):
    momentum = cycled(t, lambda share: 0.5 - 0.5 * np.cos(np.pi * share))
    s["v"] = momentum * s.get("v", 0.0) + g
    return p - rate * (g + momentum * s["v"])


def cycled_adam(s, t, g, p, *, rate):
    beta = cycled(t, lambda share: share)
    s["m"] = beta * s.get("m", 0.0) + (1 - beta) * g
    s["v"] = 0.999 * s.get("v", 0.0) + 0.001 * g**2
    return p - rate / (1 - beta**t) * s["m"] / (np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-8)


def amsgrad(s, t, g, p, *, rate, beta1, beta2, epsilon):
    s["m"] = beta1 * s.get("m", 0.0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0.0) + (1 - beta2) * g**2
    s["largest"] = np.fmax(s.get("largest", 0.0), s["v"])
    root = np.sqrt(s["largest"]) / np.sqrt(1 - beta2**t)
    return p - rate / (1 - beta1**t) * s["m"] / (root + epsilon)


def nadam(s, t, g, p, *, rate, beta1, beta2, epsilon, psi):
    u = [beta1 * (1 - 0.5 * 0.96 ** (k * psi)) for k in range(1, t + 2)]
    s["m"] = beta1 * s.get("m", 0.0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0.0) + (1 - beta2) * g**2
    ahead = u[-1] * s["m"] / (1 - np.prod(u)) + (1 - u[-2]) * g / (1 - np.prod(u[:-1]))
    return p - rate * ahead / (np.sqrt(s["v"] / (1 - beta2**t)) + epsilon)


def radam(s, t, g, p, *, rate, beta1, beta2, epsilon, decay=0.0):
    s["m"] = beta1 * s.get("m", 0.0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0.0) + (1 - beta2) * g**2
    most = 2 / (1 - beta2) - 1
    n = most - 2 * t * beta2**t / (1 - beta2**t)
    d = s["m"] / (1 - beta1**t)
    if n > 5:
        r = np.sqrt((n - 4) * (n - 2) * most / ((most - 4) * (most - 2) * n))
        d = d * r * np.sqrt(1 - beta2**t) / (np.sqrt(s["v"]) + epsilon)
    return p * (1 - rate * decay) - rate * d


def muon(s, t, g, p, *, rate, momentum=0.95, decay=0.1):
    """For matrices, by what Newton and Schulz do to the singular values; for others, AdamW."""
    if np.ndim(g) < 2:
        s["m"] = 0.9 * s.get("m", 0.0) + 0.1 * g
        s["v"] = 0.999 * s.get("v", 0.0) + 0.001 * g**2
        d = s["m"] / (1 - 0.9**t) / (np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-8)
        return p - rate * (d + decay * p)
    s["m"] = momentum * s.get("m", 0.0) + g
    u, sizes, v = np.linalg.svd(g + momentum * s["m"], full_matrices=False)
    sizes = sizes / max(np.linalg.norm(sizes), 1e-7)
    for _ in range(5):
        sizes = 3.4445 * sizes - 4.7750 * sizes**3 + 2.0315 * sizes**5
    return p - rate * (0.2 * np.sqrt(max(p.shape)) * (u * sizes) @ v + decay * p)


def by_lookahead(fast: optax.GradientTransformation, steps: int, alpha: float) -> Reference:
    """Optax's, which holds fast and slow parameters side by side."""

    def start(parameters: Arrays) -> Callable[[Arrays], Arrays]:
        both = optax.lookahead(fast, steps, alpha)
        with jax.enable_x64(True):
            pair = optax.LookaheadParams.init_synced(parameters)
            held = {"p": pair, "state": both.init(pair)}

            @jax.jit
            def update(gradients, state, p):
                changes, state = both.update(gradients, state, p)
                return optax.apply_updates(p, changes), state

        def step(gradients: Arrays) -> Arrays:
            with jax.enable_x64(True):
                held["p"], held["state"] = update(gradients, held["state"], held["p"])
            return [np.asarray(p) for p in held["p"].fast]

        return step

    return start


@dataclass(frozen=True)
class Case:
    """An optimizer of the registry as it is told, and what must do the same."""

    name: str
    rate: Any
    reference: Reference
    options: dict[str, Any] = field(default_factory=dict)
    weights: tuple[int, ...] | None = None  # which parameters decay; None: all
    compiled: bool = False  # also by the native engine, which takes a second for each
    wrap: Callable[[po.Optimizer], po.Optimizer] = lambda optimizer: optimizer

    def make(self) -> po.Optimizer:
        return self.wrap(po.OPTIMIZERS[self.name](self.rate, **self.options))

    def weights_of(self, parameters: Sequence[Any]) -> list[Any] | None:
        """Those of the parameters that decay, or None where all do."""
        which = self.weights
        return which and [p for k, p in enumerate(parameters) if k in which]

    @property
    def label(self) -> str:
        return repr(self.make())


WEIGHTS = (0, 2)


def _weights(parameters: Sequence[Any]) -> list[bool]:
    return [k in WEIGHTS for k in range(len(parameters))]


_adam = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}

CASES = (
    Case("SGD", 0.004, by_optax(optax.sgd(0.004))),
    Case("SGD", 0.002, by_optax(optax.sgd(0.002, momentum=0.9)), {"momentum": 0.9}),
    Case(
        "SGD",
        0.001,
        by_optax(optax.sgd(0.001, momentum=0.9, nesterov=True)),
        {"momentum": 0.9, "nesterov": True},
        compiled=True,
    ),
    Case(
        "SGD",
        0.002,
        by_formula(cycled_ball, rate=0.002),
        {"momentum": po.OneCycle(0.3, 60).momentum(), "nesterov": True},
        compiled=True,
    ),
    Case(
        "Adam",
        0.02,
        by_formula(cycled_adam, rate=0.02),
        {"beta1": po.OneCycle(0.3, 60, shape="linear").momentum(), "clip_norm": 1e9},
        compiled=True,
    ),
    Case("AdaGrad", 0.1, by_formula(adagrad, rate=0.1, epsilon=1e-10)),
    Case(
        "RMSProp",
        0.01,
        by_optax(optax.rmsprop(0.01, decay=0.99, eps=1e-8, eps_in_sqrt=False)),
    ),
    Case(
        "RMSProp",
        0.002,
        by_optax(
            optax.rmsprop(
                0.002, decay=0.9, eps=1e-6, eps_in_sqrt=False, centered=True, momentum=0.8
            )
        ),
        {"decay": 0.9, "epsilon": 1e-6, "centered": True, "momentum": 0.8},
    ),
    Case("Adadelta", 1.0, by_optax(optax.adadelta(1.0, rho=0.9, eps=1e-6))),
    Case("Adam", 0.001, by_optax(optax.adam(0.001))),
    Case(
        "Adam",
        0.02,
        by_optax(optax.adam(0.02, b1=0.8, b2=0.95, eps=1e-3)),
        {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3},
    ),
    Case("Adam", 0.02, by_formula(amsgrad, rate=0.02, **_adam), {"amsgrad": True}),
    Case(
        "AdamW",
        0.01,
        by_optax(optax.adamw(0.01, weight_decay=0.01, mask=_weights)),
        weights=WEIGHTS,
    ),
    Case(
        "AdamW",
        0.01,
        by_optax(optax.adamw(0.01, weight_decay=0.3)),
        {"weight_decay": 0.3},
    ),
    Case("NAdam", 0.002, by_formula(nadam, rate=0.002, psi=0.004, **_adam)),
    Case("RAdam", 0.01, by_formula(radam, rate=0.01, **_adam)),
    Case(
        "RAdam",
        0.01,
        by_formula(radam, rate=0.01, beta1=0.8, beta2=0.9, epsilon=1e-4, decay=0.1),
        {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-4, "weight_decay": 0.1},
        compiled=True,
    ),
    Case("Adamax", 0.002, by_optax(optax.adamax(0.002))),
    Case(
        "Adamax",
        0.02,
        by_optax(optax.adamax(0.02, b1=0.8, b2=0.9, eps=1e-3)),
        {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3},
    ),
    Case("Muon", 0.01, by_formula(muon, rate=0.01), compiled=True),
    Case(
        "Muon",
        0.01,
        by_optax(optax.contrib.muon(0.01, nesterov=False, eps=1e-30)),
        {"nesterov": False, "scaling": "original", "weight_decay": 0.0, "epsilon": 1e-30},
    ),
    Case("Lion", 0.003, by_optax(optax.lion(0.003, weight_decay=0.0))),
    Case(
        "Lion",
        0.003,
        by_optax(optax.lion(0.003, b1=0.8, b2=0.9, weight_decay=0.1, mask=_weights)),
        {"beta1": 0.8, "beta2": 0.9, "weight_decay": 0.1},
        weights=WEIGHTS,
    ),
    Case(
        "Adam",
        0.01,
        by_optax(optax.chain(optax.clip(0.5), optax.clip_by_global_norm(1.0), optax.adam(0.01))),
        {"clip_norm": 1.0, "clip_value": 0.5},
        compiled=True,
    ),
    Case(
        "SGD",
        po.CosineDecay(0.01, steps=70),
        by_optax(optax.sgd(optax.cosine_decay_schedule(0.01, 70), momentum=0.5)),
        {"momentum": 0.5},
    ),
    Case(
        "Adam",
        po.ExponentialDecay(0.05, 0.5, steps=20),
        by_optax(optax.adam(lambda count: 0.05 * 0.5 ** (count.astype("float64") / 20))),
        compiled=True,
    ),
)


def _of_several(inner: optax.GradientTransformation, steps: int) -> optax.GradientTransformation:
    with jax.enable_x64(True):  # it adds in single precision by default
        several = optax.MultiSteps(inner, steps, accumulator_dtype=np.float64)
    return several.gradient_transformation()


# What stands around an optimizer, or goes by name: it needs parameters of these `NAMES`.
WRAPPED = (
    Case(
        "Muon",
        0.01,
        by_optax(optax.adamw(0.005, weight_decay=0.2)),
        {"adamw": ["*weight", "sca*"], "adamw_factor": 0.5, "weight_decay": 0.1},
    ),
    Case(
        "Adam",
        0.02,
        by_lookahead(optax.adam(0.02), 5, 0.5),
        wrap=po.Lookahead,
        compiled=True,
    ),
    Case(
        "SGD",
        0.002,
        by_lookahead(optax.sgd(0.002, momentum=0.9), 3, 0.8),
        {"momentum": 0.9},
        wrap=lambda optimizer: po.Lookahead(optimizer, steps=3, alpha=0.8),
    ),
    Case(
        "AdamW",
        0.02,
        by_optax(_of_several(optax.adamw(0.02, weight_decay=0.1), 4)),
        {"weight_decay": 0.1},
        wrap=po.Accumulate,
        compiled=True,
    ),
    Case(
        "SGD",
        po.CosineDecay(0.01, steps=20),
        by_optax(
            _of_several(
                optax.chain(
                    optax.clip_by_global_norm(1.0),
                    optax.sgd(optax.cosine_decay_schedule(0.01, 20), momentum=0.9, nesterov=True),
                ),
                3,
            )
        ),
        {"momentum": 0.9, "nesterov": True, "clip_norm": 1.0},
        wrap=lambda optimizer: po.Accumulate(optimizer, 3),
    ),
    Case(
        "Adam",
        0.01,
        by_optax(
            optax.partition(
                {
                    "slow": optax.adam(0.001),
                    "other": optax.sgd(optax.cosine_decay_schedule(0.01, 70), momentum=0.9),
                    "rest": optax.adam(0.01),
                },
                ["slow", "other", "rest"],
            )
        ),
        wrap=lambda optimizer: po.Groups(
            optimizer,
            {
                "*.weight": 0.1,
                "dense1.*": po.SGD(po.CosineDecay(0.01, steps=70), momentum=0.9),
            },
        ),
        compiled=True,
    ),
    Case(
        "Muon",
        0.01,
        by_lookahead(
            _of_several(
                optax.partition(
                    {
                        "muon": optax.contrib.muon(0.01, nesterov=False, eps=1e-30),
                        "lion": optax.lion(0.003, weight_decay=0.0),
                    },
                    ["muon", "lion", "muon"],
                ),
                2,
            ),
            4,
            0.5,
        ),
        {"nesterov": False, "scaling": "original", "weight_decay": 0.0, "epsilon": 1e-30},
        wrap=lambda optimizer: po.Lookahead(
            po.Accumulate(po.Groups(optimizer, {"*.bias": po.Lion(0.003)}), 2), 4
        ),
    ),
)

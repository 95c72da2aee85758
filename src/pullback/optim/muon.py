"""Muon: a step of the same length along every direction in which a matrix's momentum points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from pullback.core.errors import CircuitError
from pullback.core.patterns import as_patterns, first_match, refuse_unknown
from pullback.core.unit import Unit
from pullback.gates.comparison import maximum
from pullback.gates.shape import reshape, swapaxes
from pullback.optim.adam import scale_by_adam
from pullback.optim.checks import count, fraction, positive
from pullback.optim.clipping import length, like
from pullback.optim.decay import add_decayed_weights
from pullback.optim.optimizer import OPTIMIZERS, Optimizer, composed
from pullback.optim.schedules import Schedule
from pullback.optim.sgd import heavy_ball
from pullback.optim.transform import (
    Memory,
    Next,
    Parameters,
    Transform,
    Wires,
    chain,
    partition,
    scale,
)

_QUINTIC = (3.4445, -4.7750, 2.0315)  # steep at 0: Jordan's, who gives up exactness for speed
_NO_MATRICES = ("*table", "*scale", "*bias")  # rows that are looked up, and what stands elementwise
_SCALES = {
    "match_rms_adamw": lambda rows, columns: 0.2 * math.sqrt(max(rows, columns)),
    "original": lambda rows, columns: math.sqrt(max(1.0, columns / rows)),
}


def orthogonalize(steps: int = 5, epsilon: float = 1e-7) -> Transform:
    """About U @ V.T, where G = U @ S @ V.T: of all singular values that are not tiny about 1.

    G is a direction as a matrix, in which the last axis stays and all before are one. By the
    iteration of Newton and Schulz, from X = G / maximum(|G|, epsilon), `steps` times:

        X' = 3.4445 * X - 4.7750 * A @ X + 2.0315 * A @ A @ X, where A = X @ X.T

    after which singular values lie between about 0.7 and 1.2, of G's that were more than about
    1/500 of its length |G|, and smaller ones below. On the shorter side, whichever that is.

    Raises `CircuitError` for steps fewer than 1 and an epsilon that is not positive.
    Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024).

    >>> p, g = Parameters([Unit([[0.0, 0.0]])], weights=[]), Unit([[3.0, 4.0]])
    >>> orthogonalize().update([g], [], p)[0][0].value.round(2)  # of length 0.7 to 1.2
    array([[0.42, 0.56]])
    """
    steps, epsilon = count("steps", steps), positive("epsilon", epsilon)
    a, b, c = _QUINTIC

    def orthogonal(g: Unit) -> Unit:
        rows, columns = _sides(g)
        x = reshape(g, (rows, columns))
        x = like(1.0 / maximum(length([x]), epsilon), x) * x
        x = swapaxes(x, 0, 1) if rows > columns else x
        for _ in range(steps):
            gram = x @ swapaxes(x, 0, 1)
            x = a * x + (b * gram + c * (gram @ gram)) @ x
        return reshape(swapaxes(x, 0, 1) if rows > columns else x, g.shape)

    def update(directions: Wires, memory: Memory, parameters: Parameters) -> Next:
        return [orthogonal(g) if g.size else g for g in directions], []

    return Transform(update)


def scale_by_sides(scaling: str = "match_rms_adamw") -> Transform:
    """Directions of matrices of (rows, columns) times a factor of their sides.

    "match_rms_adamw": 0.2 * sqrt(max(rows, columns)), after which an element of an orthogonal
    matrix is as large as AdamW's steps are, so that its rates serve. "original":
    sqrt(max(1, columns / rows)). Inputs are rows here and outputs columns.

    Raises `CircuitError` for another name.
    Source: Liu et al., "Muon is scalable for LLM training" (2025); Jordan et al. (2024). The names
    are PyTorch's.

    >>> p = Parameters([Unit([[0.0] * 4])], weights=[])
    >>> scale_by_sides("original").update([Unit([[0.5] * 4])], [], p)[0][0].value
    array([[1., 1., 1., 1.]])
    """
    if scaling not in _SCALES:
        raise CircuitError(f"scaling must be one of {', '.join(_SCALES)}, got {scaling!r}")
    factor = _SCALES[scaling]

    def update(directions: Wires, memory: Memory, parameters: Parameters) -> Next:
        return [factor(*_sides(g)) * g if g.size else g for g in directions], []

    return Transform(update)


def Muon(
    learning_rate: float | Schedule = 1e-3,
    *,
    momentum: float = 0.95,
    nesterov: bool = True,
    steps: int = 5,
    scaling: str = "match_rms_adamw",
    weight_decay: float = 0.1,
    adamw: str | Sequence[str] = (),
    adamw_factor: float = 1.0,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Optimizer:
    """p' = p - learning_rate * (s * O + weight_decay * p), with O an orthogonal matrix.

    O is about the nearest one to the momentum of p's gradient, and all its directions count alike.
    The momentum is that of `SGD`, O that of `orthogonalize` in so many `steps`, and s that of
    `scale_by_sides`. All parameters of two axes or more go this way: the kernels of convolutions,
    their last axis against all others, and the weights of recurrent gates, which lie side by side
    in one matrix, as well. What has fewer axes, and tables of embeddings, scales and biases of any
    number of axes, as told by the end of their name ("*table", "*scale", "*bias"), go by AdamW with
    the rate times `adamw_factor`, and so do those that `adamw` names, names or patterns. The paper
    advises it for the layer that makes the outputs, which nothing in a parameter gives away: name
    it, such as adamw="dense3.*".

    The defaults are PyTorch's, but for the scaling: one rate serves both ways with this one, and
    "original", which PyTorch has, needs an `adamw_factor`. Only weights decay: see `AdamW`.
    PyTorch rounds the iteration to bfloat16, and here it is in the parameter's own precision.
    `clip_value` limits each element of the gradients, `clip_norm` the length of them all.

    Raises `CircuitError` for a learning rate that is neither positive nor a schedule, momentum or
    betas outside [0, 1), steps fewer than 1, a scaling of another name, a negative decay, a factor,
    an epsilon or limits that are not positive, `nesterov` without momentum, and, before training
    starts, where `adamw` names no parameter.
    Source: Jordan et al. (2024), Liu et al. (2025).

    >>> Muon(adamw="dense3.*").options["adamw"]
    ('dense3.*',)
    """
    arguments = dict(locals())
    apart = as_patterns("those that go by AdamW", adamw)
    arguments["adamw"] = apart
    if nesterov and not fraction("momentum", momentum):
        raise CircuitError("Nesterov's step needs momentum, such as momentum=0.9")

    def which(name: str, parameter: Unit) -> int:
        is_matrix = len(parameter.shape) > 1 and first_match(_NO_MATRICES, name) is None
        return 0 if is_matrix and first_match(apart, name) is None else 1

    matrices = chain(
        heavy_ball(momentum, nesterov=nesterov), orthogonalize(steps), scale_by_sides(scaling)
    )
    factor = positive("adamw_factor", adamw_factor)
    others = scale_by_adam(beta1, beta2, epsilon)
    both = partition(which, matrices, others if factor == 1.0 else chain(others, scale(factor)))
    return composed(
        "Muon",
        arguments,
        replace(both, refusals=(partial(refuse_unknown, apart),)),
        add_decayed_weights(weight_decay),
    )


OPTIMIZERS.add("Muon", Muon)


def _sides(x: Unit) -> tuple[int, int]:
    """Rows and columns of a parameter as a matrix: its last axis, and all before it."""
    return math.prod(x.shape[:-1]), x.shape[-1]

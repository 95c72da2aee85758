"""AdamW: Adam, and beside it a decay of the weights that the size of gradients does not touch."""

from __future__ import annotations

from typing import Literal

from pullback.optim.adam import scale_by_adam
from pullback.optim.decay import add_decayed_weights
from pullback.optim.optimizer import OPTIMIZERS, Optimizer, composed
from pullback.optim.schedules import Schedule


def AdamW(
    learning_rate: float | Schedule | Literal["find"] = 1e-3,
    *,
    beta1: float | Schedule = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    weight_decay: float = 0.01,
    amsgrad: bool = False,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Optimizer:
    """p' = p - learning_rate * (d + weight_decay * p), with Adam's direction d.

    Only weights decay, in a `Trainer` those of `Layer.weights`, which penalties pull on as well:
    not the biases. `clip_value` limits each element of the gradients, `clip_norm` the length of
    them all; neither limits the decay.

    Raises `CircuitError` as `Adam` does, and for a decay that is negative.
    Source: Loshchilov and Hutter, "Decoupled weight decay regularization" (ICLR 2019).

    >>> AdamW(3e-4)
    AdamW(0.0003, beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0.01)
    """
    arguments = dict(locals())
    return composed(
        "AdamW",
        arguments,
        scale_by_adam(beta1, beta2, epsilon, amsgrad=amsgrad),
        add_decayed_weights(weight_decay),
    )


OPTIMIZERS.add("AdamW", AdamW)

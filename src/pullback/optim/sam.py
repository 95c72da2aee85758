"""SAM: steps by the gradient at the worst point nearby, towards minima that are flat."""

from __future__ import annotations

from dataclasses import replace

from pullback.core.errors import CircuitError
from pullback.core.unit import scope
from pullback.gates.comparison import maximum
from pullback.gates.elementary import abs
from pullback.optim.checks import positive
from pullback.optim.clipping import length, like
from pullback.optim.optimizer import WRAPPERS, Optimizer, wrapped
from pullback.optim.transform import Memory, Next, Parameters, Transform, Wires, made_of

_SHORTEST = 1e-12  # length of a gradient that has a direction


def SAM(optimizer: Optimizer, rho: float = 0.05, *, adaptive: bool = False) -> Optimizer:
    """A step of `optimizer` at p with the gradient at p + e, where e = rho * g / |g|.

    |g| is the length of all parameters' gradients as one vector, and e leads to the largest loss
    within rho, as far as the slope tells. With `adaptive`, e = rho * p * p * g / |p * g|: large
    parameters go further. Both gradients are of the same batch, in one step that costs about twice
    as much: penalties count in both, layers draw the same random numbers for both, and running
    statistics, such as those of `BatchNorm`, are those at p.

    Raises `CircuitError` for what is no optimizer, a rho that is not positive, and, when a step is
    made, where whoever asks for it gives no `slopes`.
    Source: Foret, Kleiner, Mobahi, Neyshabur, "Sharpness-aware minimization for efficiently
    improving generalization" (ICLR 2021); adaptive: Kwon et al., "ASAM: adaptive sharpness-aware
    minimization" (ICML 2021), without its eta.

    >>> from pullback.core.gradient import gradient
    >>> from pullback.core.unit import Unit
    >>> from pullback.optim.sgd import SGD
    >>> p = Unit(1.0, "p")
    >>> def slopes(wires):  # of the loss p * p
    ...     return gradient(wires[0] * wires[0], wires)
    >>> moved, _ = SAM(SGD(0.1), rho=0.5).update(slopes([p]), [], [p], slopes=slopes)
    >>> moved[0].value  # with the slope at 1.5
    0.7
    """
    rho = positive("rho", rho)

    def wrap(step: Transform) -> Transform:
        def update(gradients: Wires, memory: Memory, parameters: Parameters) -> Next:
            if parameters.slopes is None:
                raise CircuitError(
                    "SAM needs the gradients at another point too: give Optimizer.update a "
                    "function of parameters as its slopes"
                )
            pairs = list(zip(parameters.wires, gradients, strict=True))
            if not pairs:
                return step.update(gradients, memory, parameters)
            with scope("sam"):
                scaled = [abs(p) * g for p, g in pairs] if adaptive else gradients
                factor = rho / maximum(length(scaled), _SHORTEST)
                away = [p + like(factor, g) * (p * p * g if adaptive else g) for p, g in pairs]
            return step.update(parameters.slopes(away), memory, parameters)

        whole = made_of([step], update, step.slots)
        return replace(whole, asks=True)

    return wrapped("SAM", optimizer, {"rho": rho, "adaptive": bool(adaptive)}, wrap)


WRAPPERS.add("SAM", SAM)

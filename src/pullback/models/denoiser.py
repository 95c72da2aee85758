"""Pictures without noise, by going downhill in the energy of a small convolution."""

from __future__ import annotations

from types import SimpleNamespace

from pullback.core.unit import Unit
from pullback.gates.elementary import log1p
from pullback.layers import Conv2d, Model
from pullback.layers.layer import Rng
from pullback.layers.training import Training
from pullback.models.energy import Descent, EnergyModel


def denoiser(
    filters: int = 16, size: int = 3, *, steps: int = 5, rate: float = 0.1, rng: Rng = 0
) -> EnergyModel:
    """A model that takes noisy pictures (rows, H, W, C) and answers them with less noise.

    Its energy of a picture y for a noisy one x is
    sum((y - x)**2) / 2 + sum(log(1 + u**2)), u = convolution of y with the `filters`: a picture is
    near to the noisy one, and most of its filters are quiet, though a few may be loud, as at edges.
    It goes `steps` steps downhill, and learns the filters through them: train it with
    `SquaredError` on noisy and clean pictures. A `rate` that is too large for the filters jumps to
    and fro across the valley.

    Source: Roth and Black, "Fields of experts" (International Journal of Computer Vision 82, 2009);
    Domke, "Generic methods for optimization-based modeling" (AISTATS 2012).

    >>> import numpy as np
    >>> denoiser()(np.zeros((2, 8, 8, 1))).shape
    (2, 8, 8, 1)
    """
    energy = Model(_energy, filters=Conv2d(filters, size, padding="same", initializer="lecun"))
    return EnergyModel(energy, Descent(steps, rate), rng=rng)


def _energy(layers: SimpleNamespace, x: Unit, y: Unit, *, training: Training | None) -> Unit:
    u = layers.filters(y, training=training)
    apart = y - x
    near = (apart * apart).sum(axis=(1, 2, 3))
    return 0.5 * near + log1p(u * u).sum(axis=(1, 2, 3))

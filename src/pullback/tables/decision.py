"""In: a trained model, and validation rows. Out: how sure it says it is, and when it answers what.

Both are chosen on the validation rows alone: the test rows have no say in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pullback.core.errors import CircuitError
from pullback.layers import Layer
from pullback.losses import LOSSES
from pullback.metrics import Calibration, Threshold, calibrate, calibrated, choose_threshold
from pullback.tables.recipe import Plan, Recipe

OFFERED = "f1"  # what a threshold is offered for


@dataclass(frozen=True)
class Decision:
    """The model, calibrated if that was asked for, and the threshold that it answers by, if any.

    `offered` is a threshold that nobody asked for, of two unequal classes. `notes` say what could
    not be done.
    """

    model: Layer
    calibration: Calibration | None = None
    threshold: Threshold | None = None
    offered: Threshold | None = None
    notes: tuple[str, ...] = ()


def decided(
    recipe: Recipe, plan: Plan, inputs: np.ndarray, truth: np.ndarray, counts: np.ndarray
) -> Decision:
    """What the validation rows say; `counts` are how many training rows each class has."""
    reading, notes = LOSSES[plan.loss_name].reading, []
    model: Layer = plan.model
    calibration = threshold = None
    scores = model.predict(inputs)
    if recipe.calibrate is not None:
        try:
            calibration = calibrate(scores, truth, recipe.calibrate)
        except CircuitError as error:
            notes.append(f"not calibrated: of the validation part, {error}")
        else:
            model = calibrated(plan.model, calibration)
            scores = model.predict(inputs)
    p = reading.probabilities(np.asarray(scores, np.float64)) if reading.task else None
    if len(counts) == 2 and p is not None and (recipe.threshold or unequal(counts)):
        rare = int(counts.argmin())
        criterion = recipe.threshold or OFFERED
        try:
            threshold = choose_threshold(truth == rare, p[:, rare], criterion, positive=rare)
        except CircuitError as error:
            if recipe.threshold:
                notes.append(f"no threshold was chosen: {error}")
    asked = recipe.threshold is not None
    return Decision(
        model,
        calibration,
        threshold if asked else None,
        None if asked else threshold,
        tuple(notes),
    )


def unequal(counts: np.ndarray) -> bool:
    """Whether one class has more than twice as many rows as another."""
    return bool(len(counts)) and bool(counts.max() > 2 * counts.min())

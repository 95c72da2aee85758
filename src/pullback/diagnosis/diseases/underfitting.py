"""Underfitting: the net learns not even its own rows, which a larger one would, or more time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pullback.core.errors import CircuitError
from pullback.diagnosis.changes import in_pb
from pullback.diagnosis.checks import hardly_learns
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Cure, Finding
from pullback.diagnosis.patient import Patient, descriptions, rebuilt
from pullback.diagnosis.reference import Reference
from pullback.train.history import History

_WORSE = 1.3  # times the error of a forest on rows that it has not seen
_LEAST = 0.03  # of the rows, or of the mean error, that it is worse by at least
_LOST = 0.5  # of the error of who knows nothing
_LONGER = 3
_STILL = 0.95  # of the loss some epochs before the end, that one that still falls ends below
_WIDER = 4
_HIDDEN = 64  # units of a layer that there was none of


@disease("underfitting", symptom=True)
def underfits(examination: Examination) -> Iterator[Finding]:
    """The net is worse on its own rows than a forest is on rows that it has not seen."""
    patient, reference = examination.patient, examination.reference
    if reference is None or patient.shortened or patient.parts.mixup:
        return
    history = examination.trained.history
    if history.diverged or not history.rows:
        return
    found = _errors(history.rows[-1], reference)
    if found is None:
        return
    own, forest, unit = found
    if own < _WORSE * forest or own - forest < max(_LEAST * unit, 2.0 * _noise(found, examination)):
        return
    severe = own > _LOST * unit
    judged = _errors(_of_validation(history.rows[-1]), reference)
    still = judged is not None and judged[0] > _LOST * unit and hardly_learns(examination)
    what = "of the rows wrong" if reference.is_of_classes else "mean absolute error"
    shown = (f"{x:.1%}" if reference.is_of_classes else f"{x:.3g}" for x in (own, forest))
    yield Finding(
        "underfitting",
        "severe" if severe else "mild",
        f"{what}: {next(shown)} by the net, of rows that it is trained on, and {next(shown)} by a "
        "forest of rows that it has not seen",
        "the net is too small or too stiff for what there is to learn, or its training ends early"
        + (", or something else keeps it from learning at all" if severe and still else ""),
        _cures(patient, history),
        numbers={"net": own, "forest": forest},
        picture=Bars(what, "error", {"the net": own, "a forest": forest}),
        certain=severe and still,
    )


def _of_validation(row: dict[str, float]) -> dict[str, float]:
    """What was measured of the rows to judge by, under the names of those to train on."""
    start = "validation_"
    return {name.removeprefix(start): x for name, x in row.items() if name.startswith(start)}


def _errors(row: dict[str, float], reference: Reference) -> tuple[float, float, float] | None:
    """The error of the net on its own rows, of a forest on others, and of who knows nothing."""
    if reference.is_of_classes and "accuracy" in row:
        right = reference.right(reference.forest)
        chance = 1.0 - max((reference.truth == k).mean() for k in reference.classes)
        return 1.0 - row["accuracy"], 1.0 - right, float(chance)
    if not reference.is_of_classes and "mean_absolute_error" in row:
        forest = abs(reference.forest - reference.truth).mean()
        chance = abs(reference.truth - reference.truth.mean(axis=0)).mean()
        return row["mean_absolute_error"], float(forest), float(chance)
    return None


def _noise(errors: tuple[float, float, float], examination: Examination) -> float:
    """The standard error of what the net is worse by, which few rows leave to chance.

    Who has made no mistake in n rows is taken for one who makes one in n + 2.
    """
    reference = examination.reference
    assert reference is not None
    if not reference.is_of_classes:
        return float(abs(reference.forest - reference.truth).std() / len(reference.truth) ** 0.5)
    rows = len(examination.patient.data), len(reference.truth)
    shares = [(error * n + 1.0) / (n + 2.0) for error, n in zip(errors[:2], rows, strict=True)]
    return sum(p * (1.0 - p) / n for p, n in zip(shares, rows, strict=True)) ** 0.5


def _cures(patient: Patient, history: History) -> tuple[Cure, ...]:
    """A larger net, and a longer training where the loss still falls."""
    losses = [row["loss"] for row in history.rows]
    longer = Cure(
        f"train {_LONGER} times as long",
        f"trainer.fit(x, labels, epochs={_LONGER * patient.epochs})",
        lambda patient: patient.but(epochs=_LONGER * patient.epochs),
    )
    still = losses[-1] < _STILL * losses[max(0, len(losses) - 1 - max(1, len(losses) // 5))]
    try:
        model = rebuilt(patient.parts.model, _larger)
    except (CircuitError, AttributeError) as error:
        why = f"the model cannot be made anew: {error}"
        larger = Cure("take a larger net", f"pb.Dense({_HIDDEN}), pb.ReLU(), ...", untried=why)
    else:
        code = f"model = {in_pb(model)}"
        larger = Cure("take a larger net", code, lambda patient: patient.but(model=model))
    return (larger, longer) if still or len(losses) < 2 else (larger,)


def _larger(told: dict[str, Any]) -> None:
    """Hidden layers several times as wide, or one where there is none."""
    sized = [x for x in descriptions(told) if x.get("kind") == "Dense"]
    for described in sized[:-1]:
        described["units"] *= _WIDER
    if len(sized) != 1:
        return
    layers = told.get("layers", [])
    if sized[0] not in layers:
        raise CircuitError("no place for a hidden layer is known")
    hidden = {**sized[0], "name": "hidden", "units": _HIDDEN}
    place = layers.index(sized[0])
    layers[place:place] = [hidden, {"kind": "ReLU", "name": "hidden_relu"}]

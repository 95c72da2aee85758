"""Unbalanced classes: a rare class is hardly ever answered, although it can be told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, replace
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from pullback.core.errors import CircuitError
from pullback.diagnosis.answers import answered, class_numbers
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Cure, Finding
from pullback.diagnosis.patient import Patient, Trained
from pullback.diagnosis.reference import Reference
from pullback.losses import balanced_class_weights
from pullback.losses.loss import Loss
from pullback.losses.reading import Reading

_RARE = 0.3  # of the share that each class would have if all were as common
_FOUND = 0.25  # a share of a class that is found, from which on it is not lost
_TOLD = 0.75  # an area under the curve, by which a class can be told
_WELL = 0.9
_FEW = 5  # rows
_TOO_FEW = 6  # rows, of which nothing can be said

_CODE = """weights = pb.balanced_class_weights(labels, {classes})
loss = pb.{loss}(class_weights=weights)"""


@runtime_checkable
class _Weighing(Protocol):
    """A loss, which is a dataclass, that can let some classes count for more."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    reading: ClassVar[Reading]
    class_weights: Any


@disease("unbalanced classes")
def unbalanced(examination: Examination) -> Iterator[Finding]:
    """Of a rare class hardly a row is answered right, and a forest puts its rows to the front."""
    patient, reference = examination.patient, examination.reference
    loss, truth = patient.parts.losses[0], class_numbers(patient.parts.losses, patient.data)
    if truth is None or loss.reading.task != "classification":
        return
    if (truth == truth[0]).all() and not patient.sizes:
        yield _only_class(truth)
    yield from _hardly_any(patient, truth)
    if reference is None:
        return
    named, counts = np.unique(truth, return_counts=True)
    rare = [
        int(k)
        for k, count in zip(named, counts, strict=True)
        if _FEW <= count < _RARE * len(truth) / len(named)
    ]
    if not rare or getattr(loss, "class_weights", None) is not None:
        return
    found = _found(patient, examination.trained)
    told = {k: _area(reference, k) for k in rare if k in reference.classes}
    lost = [k for k in told if found.get(k, 1.0) < _FOUND and told[k] > _TOLD]
    if not lost:
        return
    worst = min(lost, key=lambda k: (found[k], -told[k]))
    share = float((truth == worst).mean())
    severe = found[worst] < _FOUND / 5.0 and told[worst] > _WELL
    yield Finding(
        "unbalanced classes",
        "severe" if severe else "mild",
        f"class {worst} is {share:.1%} of the rows, and the net finds {found[worst]:.0%} of them; "
        f"a forest puts them before the others with an area under the curve of {told[worst]:.2f}",
        "the loss is a mean over rows: that of a rare class counts so little that to miss it costs "
        "next to nothing",
        tuple(_cures(patient, loss)),
        f"class {worst}",
        {"share": share, "found": found[worst], "area": told[worst]},
        Bars("share of each class that is found", "found", {str(k): x for k, x in found.items()}),
        measure="validation_balanced_accuracy",
    )


def _only_class(truth: np.ndarray) -> Finding:
    return Finding(
        "unbalanced classes",
        "severe",
        f"all {len(truth):,} rows to train on are of class {truth[0]}",
        "a net that sees one class only learns to answer it to all",
        (
            Cure(
                "look at how the labels are read",
                "np.unique(labels, return_counts=True)",
                untried="only their owner knows the right ones",
            ),
        ),
        certain=True,
    )


def _hardly_any(patient: Patient, truth: np.ndarray) -> Iterator[Finding]:
    """A class of so few rows that nothing can be said of it, beside classes of many."""
    named, counts = np.unique(truth, return_counts=True)
    k = int(counts.argmin())
    rows = patient.inputs[0][truth == named[k]]
    different = len(np.unique(rows.reshape(len(rows), -1), axis=0))
    rare = counts[k] < _RARE * len(truth) / len(named) / 2.0
    if len(named) < 2 or different >= _TOO_FEW or not rare:
        return
    yield Finding(
        "unbalanced classes",
        "mild",
        f"class {named[k]} has {different} different rows of {len(truth):,}: too few to learn it "
        "from, and to see whether it is learned",
        "whatever the net answers to a class that is hardly ever there, its loss stays low",
        (
            Cure(
                "get more rows of it, or leave it out and say so",
                "np.unique(labels, return_counts=True)",
                untried="only their owner has more rows",
            ),
        ),
        f"class {named[k]}",
        {"rows": float(different)},
        certain=True,
    )


def _found(patient: Patient, trained: Trained) -> dict[int, float]:
    """The share of each class's rows that the net answers right, of all rows; {} if it cannot."""
    truth = class_numbers(patient.parts.losses, patient.data)
    inputs = patient.inputs
    try:
        scores = trained.trainer.predict(tuple(inputs) if len(inputs) > 1 else inputs[0])
    except CircuitError:
        return {}
    assert truth is not None
    right = answered(patient.parts.losses[0], scores) == truth
    return {int(k): float(right[truth == k].mean()) for k in np.unique(truth)}


def _area(reference: Reference, k: int) -> float:
    """How well a class is told from the others by rows' probabilities: an area under the curve."""
    from sklearn.metrics import roc_auc_score

    place = int(np.searchsorted(reference.classes, k))
    return float(roc_auc_score(reference.truth == k, reference.forest[:, place]))


def _cures(patient: Patient, loss: Loss) -> Iterator[Cure]:
    """Weights, where the loss has them."""
    if not isinstance(loss, _Weighing):
        yield Cure(
            "let rare classes come more often",
            'trainer.fit(x, labels, sampling="balanced")',
            untried="the loss has no class weights to try it by",
        )
        return
    truth = class_numbers((loss,), patient.data)
    assert truth is not None
    pair = loss.reading.pair
    named = pair or range(int(truth.max()) + 1)
    kind = type(loss).__name__
    yield Cure(
        "let each class count the same",
        _CODE.format(classes=pair or len(named), loss=kind),
        lambda patient: patient.but(losses=(_weighted(patient, loss),)),
    )


def _weighted(patient: Patient, loss: _Weighing) -> _Weighing:
    labels = patient.labels[0]
    labels = labels if labels.ndim == 1 else labels.argmax(axis=1)
    pair = loss.reading.pair
    if pair is not None:
        given = balanced_class_weights(labels, pair)
    else:
        there = np.unique(labels)
        found = balanced_class_weights(np.searchsorted(there, labels), len(there))
        given = dict(zip(there.tolist(), found, strict=True))
    return replace(loss, class_weights=given)

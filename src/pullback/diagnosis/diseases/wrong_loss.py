"""Wrong loss: one that asks for something else than the labels say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.diagnosis.answers import class_numbers
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.patient import Patient, rebuilt
from pullback.diagnosis.reference import Reference
from pullback.layers import Sequential
from pullback.layers.layer import Layer
from pullback.losses import SoftmaxCrossEntropy

_TOLD = 0.6  # of the rows, that a forest tells the class of
_MORE = 0.08  # of the rows, told as classes, than as quantities
_FEWER = 0.6  # of the errors, that are left
_MANY = 15  # classes that may be a quantity
_FEW = 0.5  # of the rows, told as classes, where they are one
_OF_VARIANCE = 0.5  # told by the class number as a quantity
_OUTSIDE = 0.02  # of the labels
_SLACK = 1e-3  # of a range
_REACHES: Mapping[str, tuple[float, float]] = {
    "Sigmoid": (0.0, 1.0),
    "Softmax": (0.0, 1.0),
    "Tanh": (-1.0, 1.0),
    "ReLU": (0.0, np.inf),
}

_CLASSES = """model = pb.Sequential(..., pb.Dense({classes}))  # a score for each class
loss = pb.SoftmaxCrossEntropy()"""
_QUANTITY = """model = pb.Sequential(..., pb.Dense(1))  # one number
loss = pb.SquaredError()"""


@disease(
    "wrong loss",
    brings=(
        *("unbalanced classes", "shuffled labels", "dying ReLUs", "not a number"),
        *("learning rate too high", "learning rate too low"),
    ),
)
def wrong(examination: Examination) -> Iterator[Finding]:
    """Class numbers as quantities, quantities as classes, or labels that no answer reaches."""
    patient = examination.patient
    task = patient.parts.losses[0].reading.task
    if len(patient.parts.losses) > 1 or len(patient.labels) > 1:
        return
    if task == "regression":
        yield from _out_of_reach(patient)
        yield from _one_hot(patient)
        yield from _class_numbers(examination)
    elif task == "classification":
        yield from _quantities(examination)


def _class_numbers(examination: Examination) -> Iterator[Finding]:
    """Labels that are names of classes: near numbers are no more alike than far ones."""
    patient, reference = examination.patient, examination.reference
    truth = class_numbers(patient.parts.losses, patient.data)
    if truth is None or patient.labels[0].ndim != 1 or reference is None:
        return
    count = len(np.unique(truth))
    as_classes = Reference.of(patient, examination.clock, "classification")
    if count < 3 or as_classes is None:
        return
    rounded = (np.rint(reference.forest) == reference.truth).all(axis=1)
    right, near = as_classes.right(as_classes.forest), float(rounded.mean())
    if right < _TOLD or right - near < _MORE or 1.0 - right > _FEWER * (1.0 - near):
        return
    loss, classes = type(patient.parts.losses[0]).__name__, int(truth.max()) + 1
    yield Finding(
        "wrong loss",
        "severe",
        f"the labels are {count} whole numbers from {truth.min()} to {truth.max()}; a forest that "
        f"takes them for classes tells {right:.0%} of the rows, one that takes them for quantities "
        f"{near:.0%}",
        f"{loss} takes class 3 for nearer to class 2 than to class 7, and answers in between where "
        "it is not sure",
        (_to_classes(patient, classes),),
        numbers={"as_classes": right, "as_quantities": near},
        certain=True,
        measure="validation_accuracy",
    )


def _to_classes(patient: Patient, classes: int) -> Cure:
    text, code = "give each class a score of its own", _CLASSES.format(classes=classes)

    def edit(told: dict[str, Any]) -> None:
        layers = told["layers"]
        while layers[-1]["kind"] in _REACHES:
            layers.pop()
        layers[-1]["units"] = classes

    try:
        model = rebuilt(_sequential(patient), edit)
        if not _ends_in_dense(model):
            raise CircuitError("its last layer is no Dense")
    except (CircuitError, KeyError) as error:
        return Cure(text, code, untried=f"the model cannot be made anew: {error}")
    return Cure(
        text, code, lambda patient: patient.but(model=model, losses=(SoftmaxCrossEntropy(),))
    )


def _ends_in_dense(model: Layer) -> bool:
    return type(model.layers[-1]).__name__ == "Dense"


def _sequential(patient: Patient) -> Layer:
    model = patient.parts.model
    if not isinstance(model, Sequential):
        raise CircuitError("it is no Sequential")
    return model


def _one_hot(patient: Patient) -> Iterator[Finding]:
    """One-hot rows under a loss of quantities, which learns them, but often less well."""
    (labels,) = patient.labels
    if labels.ndim != 2 or class_numbers(patient.parts.losses, patient.data) is None:
        return
    loss = type(patient.parts.losses[0]).__name__
    yield Finding(
        "wrong loss",
        "mild",
        f"the labels are one-hot rows of {labels.shape[1]} classes, and the loss is {loss}",
        "it asks for scores of exactly 0 and 1, and pulls weakly where answers are quite wrong",
        (
            Cure(
                "let the scores be logarithms of probabilities",
                "loss = pb.SoftmaxCrossEntropy()  # and no Softmax at the end of the model",
                lambda patient: patient.but(
                    model=_without_end(patient.parts.model), losses=(SoftmaxCrossEntropy(),)
                ),
            ),
        ),
        measure="validation_accuracy",
    )


def _without_end(model: Any) -> Any:
    """A model without the nonlinearity that ends it, if it has one and can be made anew."""
    if not isinstance(model, Sequential) or type(model.layers[-1]).__name__ not in _REACHES:
        return model
    return rebuilt(model, lambda told: told["layers"].pop())


def _out_of_reach(patient: Patient) -> Iterator[Finding]:
    """Labels beyond what the last layer can answer."""
    model, (labels,) = patient.parts.model, patient.labels
    if not isinstance(model, Sequential) or len(model.layers) < 2:
        return
    end = type(model.layers[-1]).__name__
    if end not in _REACHES:
        return
    low, high = _REACHES[end]
    beyond = float(((labels < low - _SLACK) | (labels > high + _SLACK)).mean())
    if beyond < _OUTSIDE:
        return
    reach = "0 and more" if np.isinf(high) else f"{low:g} to {high:g}"
    yield Finding(
        "wrong loss",
        "severe",
        f"{beyond:.0%} of the labels, from {labels.min():.4g} to {labels.max():.4g}, are beyond "
        f"what the {end} at the end answers: {reach}",
        "the net can come no nearer than the end of its range, where the slope is 0",
        (
            Cure(
                f"end with the Dense before the {end}, or scale the labels into its range",
                f"model = pb.Sequential(..., pb.Dense({_outputs(labels)}))  # and no {end}",
                lambda patient: patient.but(model=_without_end(patient.parts.model)),
            ),
        ),
        where="the last layer",
        numbers={"beyond": beyond},
        certain=True,
    )


def _outputs(labels: np.ndarray) -> int:
    return labels.shape[1] if labels.ndim > 1 else 1


def _quantities(examination: Examination) -> Iterator[Finding]:
    """Class numbers that are amounts: what a regression tells, and a classifier hardly."""
    patient, reference = examination.patient, examination.reference
    truth = class_numbers(patient.parts.losses, patient.data)
    if truth is None or len(np.unique(truth)) < _MANY:
        return
    as_quantity = Reference.of(patient, examination.clock, "regression")
    if as_quantity is None:
        return
    told = as_quantity.skill(as_quantity.forest)
    right = 0.0 if reference is None else reference.right(reference.forest)  # of common classes
    if told < _OF_VARIANCE or right > _FEW:
        return
    yield Finding(
        "wrong loss",
        "mild",
        f"{len(np.unique(truth))} classes; as a quantity, a forest tells {told:.0%} of their "
        f"variance, as classes {right:.0%} of the rows",
        "to a loss of classes the next number is as wrong as any other, so that a net must learn "
        "each of them from its own rows",
        (
            Cure(
                "let the net answer the quantity",
                _QUANTITY,
                untried="whether the numbers are amounts only their owner can say",
            ),
        ),
        numbers={"as_quantity": told, "as_classes": right},
        certain=True,
    )

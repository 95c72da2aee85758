"""Frozen and disconnected parameters: what training does not, or cannot, move."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.flow import Flow
from pullback.diagnosis.patient import Patient
from pullback.layers.layer import Layer

_MOST = 0.5  # of the numbers that a net has to learn


@disease("frozen parameters", brings=("learning rate too low",))
def frozen(examination: Examination) -> Iterator[Finding]:
    """Layers are frozen, and the net does better where they learn too."""
    flow = examination.flow
    if flow is None:
        return
    model = flow.model
    names = []
    if isinstance(model, Layer):
        every = model.find_parameters(frozen=True)
        names = [name for name in every if name not in flow.parameters]
    if names:
        none = not flow.parameters
        yield Finding(
            "frozen parameters",
            "severe" if none else "mild",
            f"{few_of(names)} {'is' if len(names) == 1 else 'are'} frozen"
            + ("; nothing is left to learn" if none else ""),
            "what is frozen stays as it starts",
            where=names[0],
            cures=(Cure("let all layers learn", "model.unfreeze()", _thawed),),
            numbers={"frozen": len(names)},
            certain=none,
        )
    hidden = _hidden(flow)
    if hidden:
        yield Finding(
            "frozen parameters",
            "note",
            f"{few_of(hidden)} {'is' if len(hidden) == 1 else 'are'} no parameter that the model "
            "tells of, so that no step moves it",
            "a Trainer moves what `parameters` of the model names",
            where=hidden[0],
            cures=(
                Cure(
                    "let `parameters` name it, if it is to learn",
                    "return {..., 'name': wire}  # in `parameters`",
                    untried="it is in the code of the model, which only its owner can change",
                ),
            ),
        )


@disease(
    "disconnected parameters",
    brings=("missing nonlinearity", "learning rate too low", "vanishing gradients"),
)
def disconnected(examination: Examination) -> Iterator[Finding]:
    """No gradient reaches some parameters: nothing that the loss is made of is made of them."""
    flow = examination.flow
    if flow is None:
        return
    lost = [name for name, slope in flow.gradients.items() if slope is None]
    unused = [path for path, layer in _layers(flow) if _is_unused(layer)]
    if not lost and not unused:
        return
    numbers = {name: unit.size for name, unit in flow.parameters.items()}
    share = sum(numbers[name] for name in lost) / max(1, sum(numbers.values()))
    names = [*lost, *unused]
    yield Finding(
        "disconnected parameters",
        "severe" if share > _MOST else "mild",
        f"no gradient reaches {few_of(names)}",
        "the loss does not depend on what they make, or depends on it by a gate without a slope, "
        "such as a comparison, a rounding or stop_gradient",
        where=names[0],
        cures=(
            Cure(
                "lead what the layer makes to the output, or leave the layer out",
                "pb.draw(loss)  # shows where it ends",
                untried="only the owner knows what it is for",
            ),
        ),
        numbers={"share": share, "parameters": len(names)},
        certain=True,
    )


def _layers(flow: Flow) -> list[tuple[str, Layer]]:
    return [(flow.path(layer), layer) for layer in flow.layers.values()]


def _is_unused(layer: Layer) -> bool:
    """Whether a layer that makes parameters was never called."""
    return not layer.built and not layer.layers and type(layer).build is not Layer.build


def _hidden(flow: Flow) -> list[str]:
    """Arrays of floats that move the loss, and that are neither data nor known to the model."""
    known = {*flow.inputs, *flow.labels, *flow.parameters.values()}
    known |= set(getattr(flow.model, "state", {}).values())
    sources = [
        x
        for x in flow.circuit
        if x.gate is None and x.ndim and x.dtype.kind == "f" and x not in known
    ]
    slopes = flow.slopes(sources)
    return [x.label for x, slope in zip(sources, slopes, strict=True) if slope is not None]


def few_of(names: Sequence[str]) -> str:
    """The first of these names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _thawed(patient: Patient) -> Patient:
    model = copy.deepcopy(patient.parts.model)
    model.unfreeze()
    return patient.but(model=model)

"""Frozen parameters: without gradients, or unknown to the optimizer, and so never moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pullback.diagnosis.disease import disease
from pullback.diagnosis.diseases.resting_parameters import few_of
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.patient import Patient
from pullback.diagnosis.torch.change import edited, parts_of
from pullback.diagnosis.torch.library import torch
from pullback.diagnosis.torch.own import OWN


@disease("frozen parameters", among=OWN)
def frozen(examination: Examination) -> Iterator[Finding]:
    """Parameters have requires_grad False, or neither module nor optimizer know them."""
    parts = parts_of(examination.patient)
    yield from _in_lists(parts.model)
    named = dict(parts.model.named_parameters())
    held = {id(p) for p in parts.optimizer.parameters}
    still = [name for name, p in named.items() if not p.requires_grad]
    left_out = [name for name, p in named.items() if p.requires_grad and id(p) not in held]
    strange = len(held - {id(p) for p in named.values()})
    moved = len(named) - len(still) - len(left_out)
    if moved == len(named):
        return
    evidence = []
    if left_out:
        of_others = f", but {strange} of other modules" if strange else ""
        evidence.append(f"the optimizer does not hold {few_of(left_out)}{of_others}")
    if still:
        evidence.append(f"requires_grad is False of {few_of(still)}")
    better = parts.optimizer.of_all(parts.model)
    code = [f"optimizer = {better!r}"]
    if still:
        code.insert(0, "model.requires_grad_(True)")
    yield Finding(
        "frozen parameters",
        "mild" if moved else "severe",
        "; ".join(evidence),
        "an optimizer moves the tensors that it was given, and only where they get a gradient; one "
        "made before the module was copied or replaced holds those of the old one",
        where=", ".join([*left_out, *still][:3]),
        cures=(Cure("let the optimizer move all of them", "\n".join(code), _moving),),
        numbers={"moved": float(moved), "parameters": float(len(named))},
        certain=not moved or bool(strange),
    )


def _in_lists(model: Any) -> Iterator[Finding]:
    """Modules that stand in a plain list or dict, where their owner does not see them."""
    known = set(model.modules())
    hidden = {}
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if name.startswith("_") or not isinstance(value, dict | list | tuple):
                continue
            strangers = [x for x in _modules_in(value) if x not in known]
            numbers = sum(p.numel() for x in strangers for p in x.parameters())
            if numbers:
                hidden[f"{path}.{name}".strip(".")] = (value, numbers)
    if not hidden:
        return
    seen = sum(p.numel() for p in model.parameters())
    lost = sum(numbers for _, numbers in hidden.values())
    where, (value, numbers) = next(iter(hidden.items()))
    kind = "ModuleDict" if isinstance(value, dict) else "ModuleList"
    yield Finding(
        "frozen parameters",
        "severe" if lost > seen else "mild",
        f"the modules in {where} are in a {type(value).__name__}, and their {numbers:,} numbers "
        "are no parameters of the model: no optimizer gets them, state_dict and to(device) neither",
        "a module sees what is assigned to it as a module, and not what a list or dict holds",
        where=where,
        cures=(
            Cure(
                f"let a torch.nn.{kind} hold them",
                f"self.{where.rpartition('.')[2]} = torch.nn.{kind}(...)  # before the optimizer",
                untried="it is in the code of the module, which only its owner can change",
            ),
        ),
        numbers={"hidden": float(lost), "parameters": float(seen)},
        certain=True,
    )


def _modules_in(value: Any) -> Iterator[Any]:
    """The modules in lists and dicts, and in those that these hold."""
    if isinstance(value, torch.nn.Module):
        yield value
    elif isinstance(value, dict | list | tuple):
        for x in value.values() if isinstance(value, dict) else value:
            yield from _modules_in(x)


def _moving(patient: Patient) -> Patient:
    patient = edited(patient, lambda model: model.requires_grad_(True))
    parts = parts_of(patient)
    return patient.but(optimizer=parts.optimizer.of_all(parts.model))

"""Wrong mode: a module that is trained in the mode of answers, without batch statistics."""

from __future__ import annotations

from collections.abc import Iterator

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.torch.change import edited, parts_of
from pullback.diagnosis.torch.hooks import kind_of
from pullback.diagnosis.torch.own import OWN


@disease("wrong mode", brings=("badly scaled initialization", "vanishing gradients"), among=OWN)
def wrong_mode(examination: Examination) -> Iterator[Finding]:
    """Layers that act otherwise in training are in eval mode, and no one froze them."""
    found = {
        name or "model": kind_of(module)
        for name, module in parts_of(examination.patient).model.named_modules()
        if not module.training and any(x in kind_of(module) for x in ("BatchNorm", "Dropout"))
        if all(p.requires_grad for p in module.parameters())
    }
    if not found:
        return
    normalized = [name for name, kind in found.items() if kind == "BatchNorm"]
    first = (normalized or list(found))[0]
    what = (
        "BatchNorm divides by what it was told at the start, 1, and learns no other"
        if normalized
        else "Dropout drops nothing"
    )
    yield Finding(
        "wrong mode",
        "note",  # who has just asked it for answers hands it over so, and no harm is done
        f"{len(found)} layers, {first} first, came in eval mode, and the doctor trained them so",
        f"in eval mode {what}; eval() holds until train() is called",
        where=first,
        cures=(
            Cure(
                "call train() before the batches of each epoch, and eval() before validation",
                "model.train()",
                lambda patient: edited(patient, lambda model: model.train()),
            ),
        ),
        numbers={"layers": float(len(found))},
        certain=True,
    )

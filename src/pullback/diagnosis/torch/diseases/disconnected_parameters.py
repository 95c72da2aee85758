"""Disconnected parameters: the loss does not depend on them, as after a detach()."""

from __future__ import annotations

from collections.abc import Iterator

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.torch.change import parts_of
from pullback.diagnosis.torch.learner import seeded
from pullback.diagnosis.torch.own import OWN
from pullback.diagnosis.torch.seen import Batch

_CUTS = "detach(), .data, .item(), .numpy(), argmax, torch.tensor(x) or torch.no_grad()"


@disease("disconnected parameters", among=OWN)
def disconnected(examination: Examination) -> Iterator[Finding]:
    """No gradient arrives at parameters that want one."""
    batch, parts = Batch(examination), parts_of(examination.patient)
    trainer = parts.trainer()
    wanted = {name: p for name, p in trainer.model.named_parameters() if p.requires_grad}
    if not wanted:
        return
    with seeded(parts.seed, trainer.model):
        loss = parts.criterion(trainer.model(*batch.inputs), batch.y)
    if loss.requires_grad:
        loss.backward()
    names = [name for name, p in wanted.items() if p.grad is None]
    ran = [name for name in names if name.rpartition(".")[0] in {*batch.seen.ran, ""}]
    unused = [name for name in names if name not in ran]
    if ran:
        whole = len(ran) == len(wanted)
        what = "any of the parameters" if whole else f"{', '.join(ran[:3])}{', …' * (len(ran) > 3)}"
        yield Finding(
            "disconnected parameters",
            "severe",
            f"no gradient arrives at {what}, though they have a part in the outputs",
            f"somewhere between them and the loss is {_CUTS}, behind which PyTorch follows nothing",
            where="" if whole else ran[0].rpartition(".")[0],
            cures=(
                Cure(
                    "keep what the loss is made of tensors of one graph",
                    f"# in forward, and in the loss: no {_CUTS}",
                    untried="it is in the code of forward",
                ),
            ),
            certain=True,
        )
    if unused:
        yield Finding(
            "disconnected parameters",
            "note",
            f"{', '.join(unused[:3])}{', …' * (len(unused) > 3)}: no forward calls for them",
            "a module that is made and never called learns nothing",
            where=unused[0].rpartition(".")[0],
            cures=(
                Cure(
                    "call it in forward, or do not make it",
                    f"x = self.{unused[0].rpartition('.')[0]}(x)  # in forward",
                    untried="it is in the code of forward",
                ),
            ),
            certain=True,
        )

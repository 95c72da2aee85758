"""In: an examination of a module of PyTorch. Out: one run of it on some rows, as tensors."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from pullback.diagnosis.examination import Examination
from pullback.diagnosis.torch.change import parts_of
from pullback.diagnosis.torch.hooks import Seen, run
from pullback.diagnosis.torch.learner import device_of, seeded, tensors


class Batch:
    """Some rows, and what the module makes of them at its start."""

    def __init__(self, examination: Examination) -> None:
        self.parts = parts_of(examination.patient)
        self.inputs, self.y = tensors(examination.batch, device_of(self.parts.model))
        self.labels = self.parts.criterion.restored(self.y)  # as the user's loader gives them

    @cached_property
    def _ran(self) -> tuple[Seen, Any]:
        with seeded(self.parts.seed, self.parts.model):
            return run(self.parts.model, self.inputs)

    @property
    def seen(self) -> Seen:
        """What each part made."""
        return self._ran[0]

    @property
    def output(self) -> Any:
        """What the module answers."""
        return self._ran[1]

    @property
    def last(self) -> Any:
        """What made the answer, a `Made`; None where that is not known."""
        return next((made for made in self.seen.made[::-1] if made.output is self.output), None)

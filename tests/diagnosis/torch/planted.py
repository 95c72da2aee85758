"""Small modules of PyTorch that are ill, or well, and what is found in them."""

from __future__ import annotations

import math
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch", reason="torch is not installed: see the extra `bench`")

from pullback.diagnosis.examination import Clock, Examination  # noqa: E402
from pullback.diagnosis.patient import Patient  # noqa: E402
from pullback.diagnosis.torch import Case, admitted_module  # noqa: E402
from pullback.diagnosis.torch.diseases import known  # noqa: E402
from pullback.diagnosis.torch.own import OWN  # noqa: E402

nn = torch.nn
MOST = 200


def rows(n: int = 160, seed: int = 0) -> tuple[Any, Any]:
    """Two classes that no line tells apart."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 4, generator=generator)
    return x, (x[:, 0] * x[:, 1] > 0).long()


def loader(x: Any, y: Any, *, shuffle: bool = True, size: int = 16) -> Any:
    return torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(x, y), batch_size=size, shuffle=shuffle
    )


def net(outputs: int = 2, *more: Any, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, outputs), *more)


def sgd(model: Any, rate: float = 0.1, **options: Any) -> Any:
    return torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, **options)


def taken(model: Any, data: Any, loss: Any = None, optimizer: Any = None, **how: Any) -> Any:
    """The patient, and the notes."""
    case = {"labels": None, "validation": 0.2, "epochs": 8, "batch_size": 16, "columns": ()} | how
    loss = nn.CrossEntropyLoss() if loss is None else loss
    optimizer = sgd(model) if optimizer is None else optimizer
    return admitted_module(Case(model, data, loss=loss, optimizer=optimizer, **case), MOST)


def patient(model: Any, data: Any, *parts: Any, **how: Any) -> Patient:
    return taken(model, data, *parts, **how)[0]


def found(name: str, who: Patient) -> list[Any]:
    """What the disease of this name finds in a patient."""
    return list(known()[name].find(Examination(who, Clock(60.0))))


def all_found(who: Patient) -> list[str]:
    """The names of all that PyTorch's own ways to look find, of one examination."""
    examination = Examination(who, Clock(60.0))
    return [name for name in OWN for _ in OWN[name].find(examination)]


def helps(finding: Any, who: Patient, measure: str = "validation_loss") -> bool:
    """Whether the cure to try first lowers the loss at the end, or raises the accuracy."""
    before = who.train(monitor=False).final(measure)
    after = finding.cure.change(who).train(monitor=False).final(measure)
    if math.isnan(before):
        return not math.isnan(after)
    return after > before if measure.endswith("accuracy") else after < before

"""Shuffled labels: the inputs say nothing of the labels, so that nothing can be learned."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Cure, Finding
from pullback.diagnosis.reference import NOTHING

_SEEN = 0.25  # a skill that would be told from nothing
_ENOUGH = 10  # rows for each feature of a table, so that what it says would be found
_LEARNED = 0.9  # of the training rows, that are learned by heart

_CODE = """order = np.random.default_rng(0).permutation(len(x))
x, labels = x[order], labels[order]  # one order for both, wherever rows are mixed"""


@disease("shuffled labels", brings=("learning rate too low",))
def shuffled(examination: Examination) -> Iterator[Finding]:
    """Neither the net nor any ordinary model is better than chance on rows that it has not seen."""
    reference = examination.reference
    if reference is None or not reference.features.any():
        return
    if NOTHING * reference.error() > _SEEN or not reference.finds_nothing:
        return
    if not _net_finds_nothing(examination):
        return
    trained = examination.trained
    table = examination.tabular
    enough = table is not None and len(reference.rows) >= _ENOUGH * table.shape[1]
    by_heart = trained.final("accuracy") > _LEARNED
    best = max(reference.skills, key=lambda name: reference.skills[name])
    share = "better than chance" if reference.is_of_classes else "of the variance told"
    seen = f"of rows that it has not seen no model knows anything: {best} is "
    seen += f"{reference.skills[best]:.1%} {share}, within {NOTHING * reference.error():.1%}"
    if by_heart:
        seen += f"; the net knows {trained.final('accuracy'):.0%} of its own rows by heart"
    yield Finding(
        "shuffled labels",
        "severe" if enough or by_heart else "mild",
        seen,
        "labels belong to other rows, as after mixing or sorting one without the other, or the "
        "inputs have nothing to do with them",
        (
            Cure(
                "keep inputs and labels together, and look at some rows",
                _CODE,
                untried="which label belongs to which row only their owner knows",
            ),
        ),
        numbers={"skill": reference.skills[best], "error": reference.error()},
        picture=Bars("how much better than chance", "skill", reference.skills),
        certain=True,
    )


def _net_finds_nothing(examination: Examination) -> bool:
    """Whether the net says of the rows to judge by no more than one that says the same of all."""
    rows = examination.trained.history.rows
    row = rows[-1] if rows else {}
    labels = examination.patient.held_out.columns["labels"]
    if (found := row.get("validation_balanced_accuracy")) is not None:
        _, counts = np.unique(labels if labels.ndim == 1 else labels.argmax(1), return_counts=True)
        chance = 1.0 / len(counts)
        error = np.sqrt(chance * (1.0 - chance) * (1.0 / counts).sum()) / len(counts)
        return bool(found < chance + NOTHING * error)
    if (found := row.get("validation_mean_absolute_error")) is not None:
        spread = np.abs(labels - np.median(labels, axis=0))
        error = spread.std() / np.sqrt(len(labels))
        return bool(found > spread.mean() - NOTHING * error)
    return False

"""Overfitting: the net learns its own rows on and on, and gets worse at others."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Cure, Curve, Finding
from pullback.diagnosis.patient import Patient
from pullback.losses.penalty import L2

_RISES = 1.2  # times its best, that the loss of other rows ends at
_GIVEN_BACK = 0.1  # of what was gained since the start, that the rise is at least
_FALLS = 0.9  # times what it was there, that the loss of its own rows ends at
_STRENGTH = 1e-3
_MIXUP = 0.2


@disease("overfitting", symptom=True)
def overfits(examination: Examination) -> Iterator[Finding]:
    """The loss of rows to judge by rises while that of rows to train on falls."""
    history = examination.trained.history
    rows = [x for x in history.rows if math.isfinite(x.get("validation_loss", math.nan))]
    if len(rows) < 3 or history.diverged:
        return
    best = min(range(len(rows)), key=lambda k: rows[k]["validation_loss"])
    end, there = rows[-1], rows[best]
    rises = end["validation_loss"] / max(there["validation_loss"], 1e-12)
    if rises < _RISES or end["loss"] > _FALLS * there["loss"]:
        return
    gained = examination.loss_at_start() - there["validation_loss"]
    if end["validation_loss"] - there["validation_loss"] < _GIVEN_BACK * gained:
        return  # of what is learned to the last bit, any rise is small
    epochs = best + 1
    yield Finding(
        "overfitting",
        "mild",
        f"the loss of rows to judge by is {there['validation_loss']:.3g} after {epochs} epochs and "
        f"{end['validation_loss']:.3g} after {len(rows)}, while that of its own rows falls from "
        f"{there['loss']:.3g} to {end['loss']:.3g}",
        "it learns what is so by chance in its own rows, which holds in no others",
        tuple(_cures(examination.patient, epochs)),
        numbers={"best": there["validation_loss"], "end": end["validation_loss"], "epoch": epochs},
        picture=Curve(
            "the loss of its own rows and of others",
            "epoch",
            "loss",
            {
                name: ([x["epoch"] for x in rows], [x[key] for x in rows])
                for name, key in (("its own", "loss"), ("others", "validation_loss"))
            },
        ),
        at_end=True,
    )


def _cures(patient: Patient, epochs: int) -> Iterator[Cure]:
    """The end at the right time, and what makes the net less bent on its own rows."""
    yield Cure(
        "end training when the rows to judge by get no better, and keep the best",
        "trainer.fit(x, labels, validation=0.2, callbacks=pb.early_stopping(patience=5))",
        lambda patient: patient.but(epochs=epochs),
    )
    if not patient.parts.penalties:
        yield Cure(
            "let large weights cost something",
            f"pb.Trainer(model, loss, optimizer, penalties=pb.L2({_STRENGTH:g}))",
            lambda patient: patient.but(penalties=(L2(_STRENGTH),)),
        )
    if not patient.parts.mixup:
        yield Cure(
            "train on mixtures of rows",
            f"pb.Trainer(model, loss, optimizer, mixup={_MIXUP:g})",
            lambda patient: patient.but(mixup=_MIXUP),
        )

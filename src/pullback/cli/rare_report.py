"""In: what a study found of rare classes. Out: what a person reads of it, and a picture."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from pullback.cli.files import writable
from pullback.cli.layout import cell, sentence, table
from pullback.cli.report import Page, shown_value
from pullback.figures import refuse_without_matplotlib
from pullback.metrics import Calibration, Threshold
from pullback.tables.study import Outcome

_NAMES = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "mcc": "Matthews correlation",
    "average_precision": "average precision",
    "roc_auc": "ROC AUC",
    "log_loss": "log loss",
    "brier": "Brier score",
    "calibration_error": "calibration error",
}
_BOTH = ("precision", "recall", "f1", "balanced_accuracy", "mcc", "accuracy")
"""What a threshold changes."""


def drawable(name: str) -> Path:
    """The path of a picture that is to be drawn after training.

    Raises `CircuitError`, before it, where it could not be written, or without matplotlib.
    """
    refuse_without_matplotlib()
    return writable("--reliability", name, ".svg", ".png", ".pdf")


def draw_reliability(outcome: Outcome, path: Path) -> None:
    """Draw how often, in the test part, what is held probable happens."""
    target = outcome.study.target
    one = len(target.classes) == 2
    what = cell(target.classes[outcome.study.positive]) if one else "a right answer"
    outcome.reliability.plot(what).save(path)


def show_rare(page: Page, outcome: Outcome) -> None:
    """Measures that do not lie where classes are rare, and what was chosen by validation."""
    study, decision = outcome.study, outcome.decision
    if study.unequal:
        _show_measures(page, outcome)
    threshold = decision.threshold or decision.offered
    if threshold is not None:
        _show_threshold(page, outcome, threshold)
    notes = [*decision.notes, *([outcome.doubt] if outcome.doubt else [])]
    if decision.calibration is not None:
        notes.append(_calibrated(decision.calibration))
    evened = study.recipe.balanced or study.recipe.sampling is not None
    if evened and study.recipe.calibrate != "vector" and outcome.answers["test"].probable:
        notes.append(
            "probabilities are as if classes were equally common; --calibrate vector takes that "
            "back"
        )
    if notes:
        page.lines([""])
        page.sentences(f"note: {note}" for note in notes)


def _show_measures(page: Page, outcome: Outcome) -> None:
    study, found = outcome.study, outcome.class_metrics
    rare = cell(study.target.classes[study.positive])
    about = (
        {"precision", "recall", "f1", "average_precision"}
        if len(study.target.classes) == 2
        else set()
    )
    names = ("this model", study.linear.name, study.trivial.name)
    rows = [("test part", *map(cell, names))]
    for measure, name in _NAMES.items():
        values = [of[measure] for of in found.values()]
        if any(value is not None for value in values):
            words = f"{name} of {rare}" if measure in about else name
            rows.append((words, *(shown_value(measure, value) for value in values)))
    page.headed(table(rows, page.width, right=(1, 2, 3), least={0: 20}))


def _show_threshold(page: Page, outcome: Outcome, threshold: Threshold) -> None:
    """What answering from 0.5 on, and from the threshold on, comes to."""
    study = outcome.study
    rare = cell(study.target.classes[threshold.positive])
    plain = Threshold(0.5, "", 0.0, threshold.positive)
    rows = [(f"{rare} from", *("F1" if m == "f1" else _short(m) for m in _BOTH))]
    for which in (plain, threshold):
        measured = outcome.by_threshold(which)
        rows.append((f"{which.value:.4g}", *(shown_value(m, measured[m]) for m in _BOTH)))
    page.headed(table(rows, page.width, right=range(1, len(rows[0])), least={0: 8}))
    what = f"{threshold.value:.4g} is best for {threshold.criterion} of the validation part"
    used = outcome.decision.threshold is not None
    how = "the model answers by it" if used else f"--threshold {threshold.criterion} keeps it"
    page.lines([Text(line, "dim") for line in sentence(f"{what}; {how}", page.width)])


def _calibrated(calibration: Calibration) -> str:
    how = f"scores are divided by {1.0 / calibration.scale[0]:.3g}"
    if any(calibration.shift):
        scale, shift = (
            ", ".join(f"{x:.3g}" for x in xs) for xs in (calibration.scale, calibration.shift)
        )
        how = f"scores times {scale}, plus {shift}"
    return (
        f"calibrated: {how}; the cross entropy of the validation part fell from "
        f"{calibration.before:.4g} to {calibration.after:.4g}"
    )


def _short(measure: str) -> str:
    return {"balanced_accuracy": "balanced", "mcc": "Matthews"}.get(measure, measure)

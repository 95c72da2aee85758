"""In: what a study of sequences found. Out: what a person reads of it, at any width."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.text import Text

from pullback.cli.layout import cell, sentence, table
from pullback.cli.report import HEADS, Page, show_end, show_layers
from pullback.sequences.tasks.study import MODEL, Outcome, Study
from pullback.sequences.tasks.trained import PARTS, Measure, TrainedSequences

_FEW = 2  # numbers of a long list that are shown
_LESS = ("nats", "bits", "labels wrong")
"""How measures begin of which less is better."""
_VERBS = {"train": "to train on", "validation": "to validate", "test": "to test"}


def show_sequences(page: Page, study: Study) -> None:
    """What the data are, and what will be trained."""
    plan = study.plan
    page.lines(sentence(study.source, page.width, 0), "bold")
    counts = ", ".join(f"{n:,} {_VERBS[part]}" for part, n in study.counts.items() if n)
    whole = f"{sum(study.counts.values()):,} {study.unit}: {counts}"
    page.sentences([whole, *study.facts(), *(f"note: {note}" for note in study.notes)])
    springs = [f"L2({plan.l2:g})"] if plan.l2 else []
    learns = ", ".join([repr(plan.loss), repr(plan.optimizer), *springs])
    layers = brief_layers(repr(plan.model))
    model = f"model     {layers}: {study.parameters:,} parameters"
    page.facts(model, f"training  {learns}")


def brief_layers(text: str) -> str:
    """Layers as a person reads them: of a long list of numbers, the first few and how many.

    >>> brief_layers("Standardize(deviation=[1.5, 2.0, 0.5, 1.0, 1.0, 3.0])")
    'Standardize(deviation=[1.5, 2.0, … 6 numbers])'
    """

    def few(found: re.Match[str]) -> str:
        numbers = found[1].split(", ")
        kept = ", ".join(numbers[:_FEW])
        return found[0] if len(numbers) <= 2 * _FEW else f"[{kept}, … {len(numbers)} numbers]"

    return re.sub(r"\[([-+.e\d, ]+)\]", few, text)


def show_sequence_outcome(page: Page, outcome: Outcome, saved: str | None) -> None:
    """How good it is, where it is wrong, and how it came to that."""
    study = outcome.study
    show_measures(page, outcome.measures)
    better = _better(outcome.measures)
    if better:
        page.sentences(
            [f"note: {better} is better than this model: train longer, or on more {study.unit}"]
        )
    confusion = study.confusion()
    if confusion is not None:
        page.confusion(*confusion)
    _show_mistakes(page, *study.mistakes())
    show_layers(page, outcome.history)
    show_end(page, outcome, study.recipe, saved)


def _better(measures: Sequence[Measure]) -> str:
    """What is better than the model in the last part that it was asked of, by the first measure."""
    first = [measure for measure in measures if measure.name == measures[0].name]
    part = next((p for p in reversed(PARTS) if getattr(first[0], p) is not None), None)
    own = next((m for m in first if m.who == MODEL), None)
    if part is None or own is None:
        return ""
    less = first[0].name.startswith(_LESS)
    values = {m.who: (-1 if less else 1) * getattr(m, part) for m in first}
    best = max(values, key=lambda who: values[who])
    return best if values[best] > values[MODEL] else ""


def show_measures(page: Page, measures: Sequence[Measure]) -> None:
    """A block for each measure: a line for each way to answer, a column for each part asked."""
    parts = [part for part in PARTS if any(getattr(m, part) is not None for m in measures)]
    heads = [head for part, head in zip(PARTS, HEADS, strict=True) if part in parts]
    rows: list[tuple[str, ...]] = []
    ends = []
    for name in dict.fromkeys(measure.name for measure in measures):
        ends.append(len(rows))
        rows.append((name, *heads))
        for measure in measures:
            if measure.name == name:
                values = (shown(name, getattr(measure, part)) for part in parts)
                rows.append((cell(measure.who), *values))
    lines = table(rows, page.width, right=range(1, 1 + len(parts)), least={0: 6})
    for start, end in zip(ends, [*ends[1:], len(rows)], strict=True):
        page.headed(lines[start:end])


def shown(name: str, value: float | None) -> str:
    """A measurement as people read it: shares in percent, nats and bits in three decimals.

    >>> shown("accuracy", 0.9875), shown("nats a character", 1.4567), shown("accuracy", None)
    ('98.75%', '1.457', '–')
    """
    if value is None:
        return "–"
    return f"{round(value, 3) + 0.0:.3f}" if name.startswith(("nats", "bits")) else f"{value:.2%}"


def _show_mistakes(page: Page, title: str, rows: Sequence[tuple[str, ...]]) -> None:
    if len(rows) < 2:
        return
    page.lines(["", Text(title, "bold")])
    lines = table(rows, page.width, least=dict.fromkeys(range(len(rows[0])), 8))
    page.lines([Text(lines[0], "dim"), *lines[1:]])


def show_trained_sequences(page: Page, path: str, trained: TrainedSequences) -> None:
    """What a saved model of sequences takes, and how it was trained."""
    record = trained.record
    page.lines([path], "bold")
    page.sentences(trained.says())
    show_measures(page, record.measures)
    counts = ", ".join(
        f"{n:,} {_VERBS[part]}" for part, n in zip(PARTS, record.counts, strict=True) if n
    )
    springs = f", L2({record.l2:g})" if record.l2 else ""
    epochs = f"{record.epochs} epoch{'' if record.epochs == 1 else 's'}"
    page.facts(
        f"data      {record.source}",
        f"counts    {record.unit}: {counts}",
        f"training  {record.kind}: {record.loss}, {record.optimizer}{springs}",
        f"ended     after {epochs}, seed {record.seed}: {record.ended}",
    )

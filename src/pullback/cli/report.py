"""In: what a study found. Out: what a person reads of it, for a terminal of any width."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from pullback.cli.layout import GAP, bar, cell, sentence, shortened, table
from pullback.core.text import counted, number
from pullback.tables import Column, Target
from pullback.tables.measure import MEASURES, Measured, histogram, quantiles
from pullback.tables.places import cells_of, place_of
from pullback.tables.study import Outcome, Study
from pullback.tables.trained import PARTS
from pullback.train import History
from pullback.train.fitting import AfterTraining
from pullback.train.monitors import MEASURES as OF_LAYERS
from pullback.train.settings import Settings

NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
}
HEADS = ("train", "valid", "test")  # of the columns of `PARTS`
_MOST_COLUMNS = 40
_MOST_PAIRS = 8
_WIDE = 60  # columns of a terminal, below which the least telling column is left out
_BAR = 24
_CELL = 16  # characters of a cell of the rows that are most wrong
_MOST_LAYERS = 16


class Page:
    """Lines on standard output, as wide as the terminal is."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self.width = self._console.width

    def lines(self, lines: Iterable[str | Text], style: str = "") -> None:
        """Print lines as they are: nothing breaks or cuts them any more."""
        for line in lines:
            text = line if isinstance(line, Text) else Text(line)
            self._console.print(text, style=style, soft_wrap=True)

    def show(self, thing: Any) -> None:
        """Print what knows how it looks in a terminal, after an empty line."""
        self.lines([""])
        self._console.print(thing, soft_wrap=True)  # its lines are as wide as they shall be

    def headed(self, lines: Sequence[str]) -> None:
        """Print a table, after an empty line."""
        self.lines(["", Text(lines[0], "bold"), *lines[1:]])

    def sentences(self, texts: Iterable[str]) -> None:
        for text in texts:
            self.lines(sentence(text, self.width))

    def facts(self, *lines: str) -> None:
        """Print lines of a word in ten columns and what it is, after an empty line."""
        self.lines([""])
        for line in lines:
            self.lines(sentence(line, self.width, 10))

    def confusion(self, classes: Sequence[Any], counts: np.ndarray) -> None:
        """How often each class was taken for each; where all do not fit, the worst pairs."""
        names = [cell(label) for label in classes]
        room = max(6, self.width // 8)
        head = [shortened(name, room) for name in names]
        rows = [("test part", *head)]
        rows += [
            (name, *(f"{n:,}" if n else "·" for n in line))
            for name, line in zip(names, counts.tolist(), strict=True)
        ]
        lines = table(rows, self.width, right=range(1, len(rows)), least={0: 10})
        if max(map(len, lines)) <= self.width:
            self.headed(lines)
            legend = "rows: true class, columns: predicted"
            self.lines(sentence(legend, self.width, 0), "dim")
            return
        pairs = [(n, j, k) for (j, k), n in np.ndenumerate(counts) if j != k and n]
        pairs.sort(key=lambda pair: (-pair[0], pair[1:]))
        rows = [("true", "taken for", "times in the test part")]
        rows += [(names[j], names[k], f"{n:,}") for n, j, k in pairs[:_MOST_PAIRS]]
        if pairs:
            self.headed(table(rows, self.width, right=(2,), least={0: 10, 1: 10}))


# Before training ---------------------------------------------------------------------------------


def show_data(page: Page, study: Study) -> None:
    """What the data is, and what each column was understood as."""
    rows = {part: len(data) for part, data in study.parts.items()}
    page.lines(sentence(study.data.source, page.width, 0), "bold")
    page.sentences(
        [
            f"{sum(rows.values()):,} rows: {rows['train']:,} to train on, "
            f"{rows['validation']:,} to validate, {rows['test']:,} to test"
        ]
    )
    show_columns(page, study.columns, study.target)
    notes = [note for note in study.notes if not _stands_above(note)]
    if notes:
        page.lines([""])
        page.sentences(f"note: {note}" for note in notes)
    plan = study.plan
    layers = ", ".join(map(repr, plan.model))
    springs = [f"L2({plan.l2:g})"] if plan.l2 else []
    smoothed = study.recipe.label_smoothing
    smooth = [f"label smoothing {smoothed:g}"] if smoothed else []
    mixed = [f"mixup {plan.mixup:g}"] if plan.mixup else []
    learns = ", ".join([plan.loss_name, repr(plan.optimizer), *springs, *smooth, *mixed])
    model = f"model     {layers}: {study.parameters:,} parameters"
    page.facts(model, f"training  {learns}")


def _stands_above(note: str) -> bool:
    """Whether a note says no more than the line of the target does."""
    return note.startswith("the task is ") and "--task" not in note


def show_columns(page: Page, columns: Sequence[Column], target: Target) -> None:
    """One line for each column, alike ones together, and one for the target."""
    rows = [("column", "kind", "what it holds")]
    groups = _alike(columns)
    for group in groups[:_MOST_COLUMNS]:
        name = cell(group[0].name)
        if len(group) > 1:
            name = f"{name} … {cell(group[-1].name)}"
        many = f"{len(group)} columns, each " if len(group) > 1 else ""
        rows.append((name, group[0].kind, many + cell(group[0].note)))
    if len(groups) > _MOST_COLUMNS:
        left = sum(map(len, groups[_MOST_COLUMNS:]))
        rows.append((f"… {left} more", "", "--json names them all"))
    rows.append((cell(target.name), "target", _aim(target)))
    if page.width < _WIDE:
        page.headed(table([(a, c) for a, _, c in rows], page.width, least={0: 10, 1: 12}))
    else:
        page.headed(table(rows, page.width, least={0: 24, 2: 24}))


def _alike(columns: Sequence[Column]) -> list[list[Column]]:
    """Neighbours of the same kind that are described by the same words, together."""
    groups: list[list[Column]] = []
    for column in columns:
        last = groups[-1][-1] if groups else None
        if last is not None and (last.kind, last.note) == (column.kind, column.note):
            groups[-1].append(column)
        else:
            groups.append([column])
    return [g for group in groups for g in ([group] if len(group) > 2 else [[c] for c in group])]


def _aim(target: Target) -> str:
    if not target.classes:
        return cell(target.column.note)
    return f"{len(target.classes)} classes: {', '.join(map(cell, target.classes))}"


# After training ----------------------------------------------------------------------------------


def show_outcome(page: Page, outcome: Outcome) -> None:
    """How good it is, where it is wrong, and how it came to that."""
    study = outcome.study
    show_metrics(
        page,
        study.target,
        outcome.metrics,
        {"model": "this model", "linear": study.linear.name, "trivial": study.trivial.name},
        balanced=study.unequal,
    )
    if outcome.confusion is not None:
        page.confusion(study.target.classes, outcome.confusion)
    if outcome.residuals is not None:
        _show_residuals(page, study.target, outcome.residuals)
    _show_most_wrong(page, outcome)


def show_layers(page: Page, history: History) -> None:
    """What a monitor saw of each layer in the last epoch."""
    if not history.of_layers:
        return
    last = [row for row in history.of_layers if row.epoch == history.of_layers[-1].epoch]
    shown = OF_LAYERS if page.width >= _WIDE else OF_LAYERS[1:]
    rows: list[tuple[str, ...]] = [("layer", *shown)]
    for row in last:
        numbers = (row.measures.get(name) for name in shown)
        rows.append((cell(row.layer), *("–" if x is None else f"{x:.3g}" for x in numbers)))
    lines = table(rows, page.width, right=range(1, len(shown) + 1), least={0: 8})
    left = len(lines) - 1 - _MOST_LAYERS
    if left > 0:
        half = _MOST_LAYERS // 2
        lines = [*lines[: half + 1], f"… {left} more: --log has all", *lines[-half:]]
    page.headed(lines)


def show_end(
    page: Page,
    outcome: AfterTraining,
    settings: Settings,
    saved: str | None,
    *written: str | None,
    pace: str = "",
) -> None:
    """How training ended, at what pace, what was found by trying, and what was written where.

    `written` is more than the settings name.
    """
    files = (settings.log, settings.tensorboard, settings.figure, settings.checkpoint, *written)
    epochs = counted(len(outcome.history), "epoch")
    alarmed = bool(outcome.history.alarms)
    page.facts(
        f"ended     after {epochs} in {outcome.seconds:.2f} s{pace}, seed {settings.seed}: "
        f"{outcome.history.ended}",
        *(f"note      {note}" for note in outcome.history.notes),
        *(f"alarm     {alarm}" for alarm in outcome.history.alarms),
        *(["cause     pullback doctor, with the same options, finds it"] if alarmed else []),
        f"saved     {saved or 'not saved; --save FILE keeps it'}",
        *(f"written   {file}" for file in files if file is not None),
    )


def show_metrics(
    page: Page,
    target: Target,
    metrics: Mapping[str, Mapping[str, Measured]],
    names: Mapping[str, str],
    *,
    balanced: bool,
) -> None:
    """A block for each measure: a line for each way to answer, a column for each part."""
    rows = []
    for measure in MEASURES[target.task]:
        if measure == "balanced_accuracy" and not balanced:
            continue
        rows.append((NAMES[measure], *HEADS))
        for who, name in names.items():
            values = (metrics[who][part][measure] for part in PARTS)
            rows.append((cell(name), *(shown_value(measure, value) for value in values)))
    lines = table(rows, page.width, right=(1, 2, 3), least={0: 6})
    block = 1 + len(names)
    for k in range(0, len(lines), block):
        page.headed(lines[k : k + block])


def shown_value(measure: str, value: float | None) -> str:
    """A measurement as people read it: shares in percent, errors in four digits.

    >>> shown_value("accuracy", 0.9875), shown_value("rmse", 54.1), shown_value("r2", None)
    ('98.75%', '54.10', '–')
    """
    if value is None:
        return "–"
    if measure.endswith("accuracy"):
        return f"{value:.2%}"
    if measure == "r2":
        return f"{value + 0.0:.3f}"
    if 1e4 <= value < 1e7:
        return number(value)
    return f"{value:#.4g}".rstrip(".")


def _show_residuals(page: Page, target: Target, residuals: np.ndarray) -> None:
    edges, counts = histogram(residuals)
    bounds = [number(edge) for edge in edges]
    rows = [("below", bounds[0]), *pairwise(bounds), ("above", bounds[-1])]
    ranges = [f"{a} {b}" if a in ("below", "above") else f"{a} … {b}" for a, b in rows]
    head = ("true - predicted", "rows", "")
    lead = max(map(len, (head[0], *ranges))) + max(len(head[1]), len(f"{counts.max():,}"))
    room = max(4, min(_BAR, page.width - lead - 2 * GAP))
    cells = [head]
    cells += [
        (text, f"{n:,}", bar(n / counts.max(), room))
        for text, n in zip(ranges, counts.tolist(), strict=True)
    ]
    page.headed(table(cells, page.width, right=(0, 1)))
    shares = [f"{share:.0%} {number(x)}" for share, x in quantiles(residuals).items()]
    page.lines(sentence(f"quantiles: {', '.join(shares)}", page.width), "dim")


def _show_most_wrong(page: Page, outcome: Outcome) -> None:
    """The rows of the test part with the worst answers, and as many columns as fit."""
    study, worst = outcome.study, outcome.most_wrong
    if not worst:
        page.lines(["", "every row of the test part is right"])
        return
    places = [place_of(study.data, wrong.place) for wrong in worst]
    columns = [[next(iter(places[0])), *(str(next(iter(p.values()))) for p in places)]]
    said = cell if study.target.classes else number
    columns.append(["true", *(cell(wrong.label) for wrong in worst)])
    columns.append(["predicted", *(said(wrong.prediction) for wrong in worst)])
    right = {0} if study.target.classes else {0, 1, 2}
    if worst[0].confidence is not None:
        probable = study.plan.loss.reading.probable
        columns.append(["sure" if probable else "lead"])
        columns[-1] += [
            f"{w.confidence:.1%}" if probable else number(w.confidence or 0.0) for w in worst
        ]
        right.add(3)
    values = [cells_of(study, wrong.place) for wrong in worst]
    kinds = {column.name: column.kind for column in study.columns}
    free = page.width - sum(max(map(len, column)) + GAP for column in columns)
    for name in values[0]:
        column = [shortened(cell(x), _CELL) for x in (name, *(row[name] for row in values))]
        free -= max(map(len, column)) + GAP
        if free < 0:
            break
        if kinds[name] == "number":
            right.add(len(columns))
        columns.append(column)
    rows = list(zip(*columns, strict=True))
    what = (
        "most wrong in the test part" if study.target.classes else "furthest off in the test part"
    )
    page.lines(["", Text(what, "bold")])
    lines = table(rows, page.width, right=right, least={1: 8, 2: 9})
    page.lines([Text(lines[0], "dim"), *lines[1:]])

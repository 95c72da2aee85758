"""In: what a search found. Out: what a person reads of it, for a terminal of any width."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pullback.cli.layout import bar, sentence, table
from pullback.cli.report import NAMES, Page, show_columns, show_metrics, shown_value
from pullback.core.text import number
from pullback.search.folds import target_of
from pullback.search.found import FEWEST, Tried
from pullback.search.search import Ended
from pullback.search.task import Task

_SHOWN = 5  # of the best settings
_BAR = 24
_BEST = 0.1  # of what was tried is told to be the best
_NAMES = {
    "activation": "unit",
    "dropout": "drop",
    "label_smoothing": "smooth",
    "learning_rate_factor": "rate",
    "l2_factor": "l2",
    "batch_size": "batch",
}


def show_task(page: Page, task: Task) -> None:
    """What the data are, how they are divided, and what is tried."""
    folds = task.folds
    first = task.fold(0).train
    page.lines(sentence(folds.data.source, page.width, 0), "bold")
    page.sentences(
        [
            f"{len(folds.data):,} rows: {len(folds.searched):,} to search on, in {len(folds)} "
            f"folds, and {len(folds.test):,} to test the model that comes of it"
        ]
    )
    assert first.preparation is not None
    show_columns(page, first.preparation.columns, target_of(first))
    if first.notes:
        page.lines([""])
        page.sentences(f"note: {note}" for note in first.notes)
    tried = [name.replace("_", " ") for name in task.space.names]
    page.facts(
        f"tries     {', '.join(tried)}",
        f"by        {NAMES[task.metric]}, mean of the folds",
    )


def show_ended(page: Page, task: Task, ended: Ended) -> None:
    """What was best, how good the model of it is, how sure that is, and what mattered."""
    _show_best(page, task, ended)
    _show_sure(page, task, ended)
    if ended.together is not None:
        verdict = ended.together.verdict
        show_metrics(
            page,
            target_of(task.fold(0).train),
            verdict.metrics,
            {
                "model": "this model",
                "linear": verdict.linear,
                "trivial": verdict.trivial,
            },
            balanced=task.metric != "accuracy",
        )
        legend = "valid: each row by networks that did not see it, trained on the other folds"
        page.lines(sentence(legend, page.width, 0), "dim")
        own, linear = (
            verdict.metrics[who]["validation"][task.metric] for who in ("model", "linear")
        )
        if own is not None and linear is not None and (own <= linear) == task.larger:
            note = f"note: {verdict.linear} is as good on these rows, and simpler"
            page.lines(sentence(note, page.width, 0))
    _show_mattered(page, task, ended)


def _show_best(page: Page, task: Task, ended: Ended) -> None:
    """A line for each of the best settings, and one for the recipe's own."""
    found = ended.found
    chosen = list(found.ranked[:_SHOWN])
    if found.own is not None and found.own not in chosen:
        chosen.append(found.own)
    names = [name for name in task.space.names if name not in ("depth", "width", "taper")]
    layers = ["layers"] if "depth" in task.space.names else []
    head = ("trial", NAMES[task.metric], "±", *layers, *(_NAMES.get(n, n) for n in names))
    rows = [head, *(_row(task, tried, layers, names) for tried in chosen)]
    lines = table(rows, page.width, right=(0, 1, 2))
    while len(rows[0]) > 3 and max(map(len, lines)) > page.width:  # --csv has all of them
        rows = [row[:-1] for row in rows]
        lines = table(rows, page.width, right=(0, 1, 2))
    page.headed(lines)
    legend = (
        "±: standard error of the mean over the folds; rate and l2 as multiples of what pullback "
        "train takes, whose settings are trial 0"
    )
    page.lines(sentence(legend, page.width, 0), "dim")


def _row(task: Task, tried: Tried, layers: list[str], names: list[str]) -> tuple[str, ...]:
    settings = tried.settings
    cells = [f"{tried.number}", shown_value(task.metric, tried.mean), spread(task, tried.error)]
    if layers:
        cells.append(shown_layers(settings))
    return (*cells, *(_cell(settings[name]) for name in names))


def shown_layers(settings: Mapping[str, Any]) -> str:
    """The sizes of the hidden layers.

    >>> shown_layers({"depth": 2, "width": 64, "taper": 0.5}), shown_layers({"depth": 0})
    ('64,32', 'none')
    """
    sizes = (f"{settings['width'] * settings['taper'] ** k:.0f}" for k in range(settings["depth"]))
    return ",".join(sizes) or "none"


def spread(task: Task, value: float) -> str:
    """A difference of scores as people read it."""
    if not np.isfinite(value):
        return "–"
    return f"{value:.2%}" if task.metric.endswith("accuracy") else number(value)


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else f"{value}"


def _show_sure(page: Page, task: Task, ended: Ended) -> None:
    """The same score, with less and less of the luck that choosing the best brings."""
    found, best = ended.found, ended.found.best
    assert best is not None
    name = NAMES[task.metric]
    rows = [
        (
            f"the best of {len(found.tried)} settings, on the folds that chose it",
            shown_value(task.metric, best.mean),
        )
    ]
    if len(found.ranked) > 1:
        rows.append(
            (
                "chosen by all folds but one, on that one",
                shown_value(task.metric, found.chosen_without),
            )
        )
    between = ""
    if ended.together is not None:
        made = ended.together
        metrics = made.verdict.metrics["model"]
        rows.append(
            (
                f"{made.settings} settings together, on rows that they did not see",
                shown_value(task.metric, metrics["validation"][task.metric]),
            )
        )
        low, high = made.verdict.interval
        between = f"{shown_value(task.metric, low)} to {shown_value(task.metric, high)}"
        rows.append(
            (
                "the model, on the test part, which nothing was chosen by",
                shown_value(task.metric, metrics["test"][task.metric]),
            )
        )
    page.headed(table([("how sure", name), *rows], page.width, right=(1,), least={0: 20}))
    if between:
        legend = f"95 of 100 such test parts would put the model at {between}"
        page.lines(sentence(legend, page.width, 0), "dim")


def _show_mattered(page: Page, task: Task, ended: Ended) -> None:
    """A line for each setting: how much of the differences it explains, and what the best had."""
    found = ended.found
    if not found.importance:
        page.lines([""])
        page.sentences([f"what mattered is told from {FEWEST} settings on that differ in score"])
        return
    room = max(4, min(_BAR, page.width // 4))
    most = max(found.importance.values())
    rows = [("what mattered", "", "", "the best had")]
    for name, share in found.importance.items():
        told = name.replace("_", " ")
        rows.append((told, bar(share / most, room), f"{share:.0%}", had(task, ended, name)))
    page.headed(table(rows, page.width, right=(2,), least={3: 12}))
    legend = (
        "shares of the variance of the first fold's score over all that was tried (fANOVA); what "
        "was tried is what did well before, so that the shares are those of good settings"
    )
    page.lines(sentence(legend, page.width, 0), "dim")


def had(task: Task, ended: Ended, name: str) -> str:
    """What the best tenth of the settings that all folds judged had: a range, or the values."""
    ranked = ended.found.ranked
    values = [t.settings[name] for t in ranked[: max(3, round(_BEST * len(ranked)))]]
    if isinstance(values[0], str):
        return ", ".join(dict.fromkeys(values))
    low, high = min(values), max(values)
    return _cell(low) if low == high else f"{_cell(low)} to {_cell(high)}"


def show_end(page: Page, ended: Ended, saved: str | None, storage: str | None) -> None:
    """How the search ended, and where its results are."""
    found, made = ended.found, ended.together
    whole = len(found.ranked)
    epochs = sum(t.epochs for t in found.tried)
    networks = 0 if made is None else made.networks
    kept = "no model: it was interrupted before one was trained" if made is None else saved
    page.facts(
        f"tried     {len(found.tried):,} settings, {whole:,} on all folds, the others given up "
        f"before; {epochs:,} epochs",
        f"ended     after {ended.seconds:.0f} s by {ended.jobs} "
        f"{'process' if ended.jobs == 1 else 'processes'}: {ended.ended}",
        f"model     {networks} networks that answer together",
        f"saved     {kept or 'not saved; --save FILE keeps it'}",
        f"trials    {storage or 'not kept; --storage FILE keeps them, to --resume'}",
    )

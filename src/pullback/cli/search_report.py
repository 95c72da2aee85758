"""In: what a search found. Out: what a person reads of it, for a terminal of any width."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pullback.cli.layout import GAP, bar, sentence, table
from pullback.cli.report import NAMES, Page, show_columns, show_metrics, shown_value
from pullback.core.text import counted, number
from pullback.search.folds import target_of
from pullback.search.found import FEWEST, Tried
from pullback.search.search import Ended
from pullback.search.space import FACTORS, recipe_of
from pullback.search.task import Task

_SHOWN = 5  # of the best settings
_BAR = 24
_LEAST = 20  # columns for a sentence beside a number
_BEST = 0.1  # of what was tried is told to be the best
_NAMES = {
    "optimizer": "optimizer",
    "learning_rate_factor": "rate",
    "l2_factor": "l2",
    "batch_size": "batch",
    "activation": "unit",
    "dropout": "drop",
    "mixup": "mixup",
    "label_smoothing": "smooth",
}
"""What a column of settings is called, from that which is left out last to the first."""
_ENDS = {
    "judged by all folds": "on all folds",
    "others were better": "given up, as others were better",
    "its training diverged": "diverged",
    "the search ended": "cut short by the end of the search",
}
"""How a trial ended, in the words of a summary."""


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
    tried = [spoken(name) for name in task.space.names]
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
    names = [name for name in _NAMES if name in task.space.names]
    layers = ["layers"] if "depth" in task.space.names else []
    head = ("trial", NAMES[task.metric], "±", *layers, *(_NAMES[n] for n in names))
    rows = [head, *(_row(task, tried, layers, names) for tried in chosen)]
    lines = table(rows, page.width, right=(0, 1, 2))
    while len(rows[0]) > 3 and max(map(len, lines)) > page.width:
        rows = [row[:-1] for row in rows]
        lines = table(rows, page.width, right=(0, 1, 2))
    page.headed(lines)
    left = head[len(rows[0]) :]
    legend = [
        "±: standard error of the mean over the folds",
        *(["trial 0: what pullback train takes"] if found.own is not None else []),
        *([f"for {', '.join(left)} there is no room: --csv FILE has all"] if left else []),
    ]
    page.lines(sentence("; ".join(legend), page.width, 0), "dim")


def _row(task: Task, tried: Tried, layers: list[str], names: list[str]) -> tuple[str, ...]:
    settings = tried.settings
    cells = [f"{tried.number}", shown_value(task.metric, tried.mean), spread(task, tried.error)]
    if layers:
        cells.append(shown_layers(settings))
    recipe = recipe_of(settings, task.recipe, task.fold(0).train)
    used = {factor: getattr(recipe, name) for factor, name in FACTORS.items()}
    return (*cells, *(_cell({**settings, **used}[name]) for name in names))


def shown_layers(settings: Mapping[str, Any]) -> str:
    """The sizes of the hidden layers.

    >>> shown_layers({"depth": 2, "width": 64, "taper": 0.5}), shown_layers({"depth": 0})
    ('64,32', 'none')
    """
    sizes = (f"{settings['width'] * settings['taper'] ** k:.0f}" for k in range(settings["depth"]))
    return ",".join(sizes) or "none"


def spoken(name: str) -> str:
    """A setting as people call it.

    >>> spoken("learning_rate_factor"), spoken("batch_size")
    ('learning rate', 'batch size')
    """
    return FACTORS.get(name, name).replace("_", " ")


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
            f"the best of {counted(len(found.tried), 'trial')}, on the folds that chose it",
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
                f"the best {made.settings} together, on rows that they did not see"
                if made.settings > 1
                else "networks of the best together, on rows that they did not see",
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
    page.headed(_wrapped([("how sure", name), *rows], page.width))
    if between:
        legend = f"95% confidence interval of the model's {name}, by the test part: {between}"
        page.lines(sentence(legend, page.width, 0), "dim")


def _wrapped(rows: Sequence[tuple[str, str]], width: int) -> list[str]:
    """Sentences and a number of each as lines, in two columns, with whole sentences."""
    room = width - GAP - max(len(score) for _, score in rows)
    cells = []
    for text, score in rows:
        first, *others = sentence(text, max(room, _LEAST))
        cells += [(first, score), *((line, "") for line in others)]
    return table(cells, width, right=(1,))


def _show_mattered(page: Page, task: Task, ended: Ended) -> None:
    """A line for each setting: how much of the differences it explains, and what the best had."""
    found = ended.found
    if not found.importance:
        page.lines([""])
        page.sentences(
            [
                f"what mattered is not told: it needs {FEWEST} trials whose scores differ, and "
                f"there {'is' if len(found.tried) == 1 else 'are'} {len(found.tried)}"
                if len(found.tried) < FEWEST
                else "what mattered is not told: all trials scored alike"
            ]
        )
        return
    room = max(4, min(_BAR, page.width // 4))
    most = max(found.importance.values())
    rows = [("what mattered", "", "", "the best had")]
    for name, share in found.importance.items():
        cells = bar(share / most, room), f"{share:.0%}", had(task, ended, name)
        rows.append((spoken(name), *cells))
    page.headed(table(rows, page.width, right=(2,), least={3: 12}))
    legend = (
        "shares of the variance of the first fold's score over all that was tried (fANOVA); what "
        "was tried is what did well before, so that the shares are those of good settings"
    )
    if found.importance.keys() & FACTORS.keys():
        legend += "; ×: times what pullback train takes"
    page.lines(sentence(legend, page.width, 0), "dim")


def had(task: Task, ended: Ended, name: str) -> str:
    """What the best tenth of the settings that all folds judged had: a range, or the values."""
    ranked = ended.found.ranked
    values = [t.settings[name] for t in ranked[: max(3, round(_BEST * len(ranked)))]]
    if isinstance(values[0], str):
        return ", ".join(dict.fromkeys(values))
    low, high = min(values), max(values)
    between = _cell(low) if low == high else f"{_cell(low)} to {_cell(high)}"
    return f"× {between}" if name in FACTORS else between


def show_end(
    page: Page, ended: Ended, saved: str | None, storage: str | None, *written: str | None
) -> None:
    """How the search ended, and where its results are, with all files that were written."""
    found, made = ended.found, ended.together
    ends = Counter(_ENDS[t.ended] for t in found.tried)
    epochs = sum(t.epochs for t in found.tried)
    networks = 0 if made is None else made.networks
    kept = "no model: it was interrupted before one was trained" if made is None else saved
    page.facts(
        f"tried     {counted(len(found.tried), 'trial')}: "
        f"{', '.join(f'{ends[how]:,} {how}' for how in _ENDS.values() if ends[how])}; "
        f"{counted(epochs, 'epoch')}",
        f"ended     after {ended.seconds:.0f} s by {ended.jobs} "
        f"{'process' if ended.jobs == 1 else 'processes'}: {ended.ended}",
        f"model     {counted(networks, 'network')} that answer together",
        f"saved     {kept or 'not saved; --save FILE keeps it'}",
        f"trials    {storage or 'not kept; --storage FILE keeps them, to --resume'}",
        *(f"written   {file}" for file in written if file is not None),
    )

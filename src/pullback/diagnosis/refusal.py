"""In: data that a training refuses at its door. Out: a finding, and the data without what is amiss.

A doctor says of such data what they have, and examines the net with what is left of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.finite import first_not_finite
from pullback.core.values import plain_array
from pullback.diagnosis.finding import Cure, Finding
from pullback.train.data import are_batches, several
from pullback.train.trainer import Trainer

_MOST = 0.5  # of the rows, that are left out where they hold what is no number
_SHOWN = 5  # rows and columns that are named
_DROP = "keep = np.isfinite(x).all(axis=1) & np.isfinite(y)\nx, y = x[keep], y[keep]"
_FILL = "x = np.where(np.isfinite(x), x, np.nanmean(x, axis=0))"
_OWNERS = "the labels are their owner's"
_UNTRIED = "a training refuses these data; all else here was found with the data so changed"

Given = tuple[Any, Any, Any]
"""Data, labels and validation, as `doctor` takes them."""


@dataclass(frozen=True)
class Refusal:
    """What is amiss, and the data without it; None where nothing is left to go on with."""

    finding: Finding
    given: Given | None = None


def refused(
    trainer: Trainer, given: Given, columns: Sequence[str], most: int, error: CircuitError
) -> Refusal:
    """What is amiss with data that the Trainer refuses by this error, of `most` rows at most.

    Raises the error itself where it is no fault of numbers or labels.
    """
    data, labels, validation = given
    parts = _parts(data, labels, most)
    held_out = [] if not isinstance(validation, tuple) else [tuple(validation)]
    try:
        counts = [_lost(trainer, part) for part in (*parts, *held_out)]
    except CircuitError:
        return Refusal(_of_no_numbers(error))
    except ValueError:  # lengths that differ
        raise error from None
    if not any(lost.any() for lost, _ in counts):
        return Refusal(_of_labels(trainer, [*parts, *held_out], error))
    fill = bool(np.concatenate([lost for lost, _ in counts]).mean() > _MOST)
    found = _of_lost(counts[: len(parts)], columns, counts[len(parts) :], fill=fill)
    mended = [_mended(trainer, part, fill=fill) for part in (*parts, *held_out)]
    if any(not len(part[1]) for part in mended):
        return Refusal(found)
    rest = mended[: len(parts)]
    more = mended[len(parts)] if held_out else validation
    batches = are_batches(data, labels) and not _is_tuple(data, labels)
    return Refusal(found, (rest if batches else rest[0], None, more))


def not_finite(model: Any) -> Finding | None:
    """What a model has that holds nan before any training."""
    sources = {**model.parameters, **getattr(model, "state", {})}
    name = first_not_finite(sources)
    if name is None:
        return None
    return Finding(
        "not a number",
        "severe",
        f"{name!r} of the model is nan or infinite before any training",
        "it was left by a training that was lost, and nothing finite is ever made of it again",
        (Cure("make the model anew", "", None, "only its owner can make it"),),
        where=name,
        certain=True,
    )


# What was given ----------------------------------------------------------------------------------


def _is_tuple(data: Any, labels: Any) -> bool:
    return labels is None and isinstance(data, tuple) and len(data) in (2, 3)


def _parts(data: Any, labels: Any, most: int) -> list[tuple[Any, ...]]:
    """Tuples of inputs, labels and, where there are some, weights: one, or one for each batch."""
    if _is_tuple(data, labels):
        return [data]
    if not are_batches(data, labels):
        return [(data, labels)]
    batches: Any = data() if callable(data) else data
    parts, count = [], 0
    for batch in batches:
        parts.append(tuple(batch))
        count += len(several(batch[0])[0])
        if count >= most:
            break
    return parts


def _lost(trainer: Trainer, part: tuple[Any, ...]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Which rows of a part hold what is not finite, and in which elements of its inputs."""
    inputs = [_elements(trainer, _refuse_texts(_array(x))) for x in several(part[0])]
    others = [_elements(trainer, x) for given in part[1:] for x in several(given)]
    rows = [x.any(axis=tuple(range(1, x.ndim))) for x in (*inputs, *others) if x.ndim]
    return np.logical_or.reduce(rows), inputs


def _elements(trainer: Trainer, given: Any) -> np.ndarray:
    """Which elements are not finite in the dtype that they are to have."""
    x = _array(given)
    if x.dtype.kind != "f":
        return np.zeros(x.shape, bool)
    with np.errstate(over="ignore"):
        return ~np.isfinite(x.astype(trainer._step._dtype(x)))


def _array(given: Any) -> np.ndarray:
    x = plain_array(given, "data")
    if x.dtype != object:
        return x
    try:
        return x.astype(np.float64)
    except (TypeError, ValueError):
        return x


def _refuse_texts(x: np.ndarray) -> np.ndarray:
    if x.dtype.kind not in "fiub":
        raise CircuitError(f"inputs are numbers, got {x.dtype}")
    return x


def _mended(trainer: Trainer, part: tuple[Any, ...], *, fill: bool) -> tuple[Any, ...]:
    """The part without the rows that are lost; or with the means of features in their place."""
    inputs = [_array(x) for x in several(part[0])]
    if fill:
        inputs = [_filled(x, _elements(trainer, x)) for x in inputs]
    kept = ~_lost(trainer, (tuple(inputs), *part[1:]))[0]
    others = [
        tuple(_array(x)[kept] for x in given) if isinstance(given, tuple) else _array(given)[kept]
        for given in part[1:]
    ]
    rest = [x[kept] for x in inputs]
    return tuple(rest) if len(rest) > 1 else rest[0], *others


def _filled(x: np.ndarray, lost: np.ndarray) -> np.ndarray:
    there = np.where(lost, 0.0, x)
    mean = there.sum(axis=0) / np.maximum(1, (~lost).sum(axis=0))
    return np.where(lost, mean, x)


# Findings ----------------------------------------------------------------------------------------


def _of_lost(
    counts: Sequence[tuple[np.ndarray, list[np.ndarray]]],
    columns: Sequence[str],
    held_out: Sequence[tuple[np.ndarray, list[np.ndarray]]],
    *,
    fill: bool,
) -> Finding:
    """Rows that hold nan, infinity, or what their dtype cannot hold."""
    lost = np.concatenate([rows for rows, _ in counts])
    which = np.flatnonzero(lost)
    some = ", ".join(map(str, which[:_SHOWN])) + (", …" if len(which) > _SHOWN else "")
    told = f"{len(which):,} of {len(lost):,} rows hold nan, infinity or a number too large: {some}"
    elements = [x for _, inputs in counts for x in inputs[:1] if x.ndim == 2]
    if elements and len({x.shape[1] for x in elements}) == 1:
        of_each = np.concatenate(elements).sum(axis=0)
        worst = [int(k) for k in np.argsort(-of_each, kind="stable")[:_SHOWN] if of_each[k]]
        names = [str(columns[k]) if len(columns) == len(of_each) else f"feature {k}" for k in worst]
        pairs = (f"{name} ({of_each[k]:,})" for k, name in zip(worst, names, strict=True))
        told += f"; in {', '.join(pairs)}" if worst else "; in the labels"
    if held_out and (also := int(held_out[0][0].sum())):
        told += f"; and {also:,} of those to judge by"
    text, code = ("fill them, or leave the feature out", _FILL) if fill else ("drop them", _DROP)
    return Finding(
        "not a number",
        "severe",
        told,
        "one number that is none makes the loss, and with it every weight, nan in one step",
        (Cure(text, code, None, _UNTRIED),),
        where="the data",
        numbers={"rows": float(len(which))},
        certain=True,
    )


def _of_no_numbers(error: CircuitError) -> Finding:
    """Inputs that are texts, dates or the like."""
    text = "encode what is no number, as pullback train does"
    code = "pullback train FILE  # which reads tables of any columns"
    return Finding(
        "not a number",
        "severe",
        str(error),
        "a net computes with numbers alone",
        (Cure(text, code, None, "how texts are to be read is for their owner to say"),),
        where="the data",
        certain=True,
    )


def _is_taken(trainer: Trainer, part: tuple[Any, ...]) -> bool:
    """Whether a training takes these rows, or was given no labels to take."""
    if len(part) < 2 or part[1] is None:
        return True
    try:
        trainer._reader.tuple(part, "training")
    except CircuitError:
        return False
    return True


def _of_labels(trainer: Trainer, parts: Sequence[tuple[Any, ...]], error: CircuitError) -> Finding:
    """Labels that the loss cannot take. Raises the error where they are not what is refused."""
    if all(_is_taken(trainer, part) for part in parts):
        raise error
    for part in parts:
        try:
            step = trainer._step
            step._score_shapes(step.inputs(part[0], "training"))
        except CircuitError:
            raise error from None
    return Finding(
        "wrong loss",
        "severe",
        str(error),
        "the loss cannot take these labels of what the model answers, so that no training begins",
        (Cure("give labels that the loss takes, or take another loss", "", None, _OWNERS),),
        where="the labels",
        certain=True,
    )

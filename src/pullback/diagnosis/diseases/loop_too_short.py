"""Loop too short: sequences that end, or are read, after what they depend on is out of sight."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pullback.core.text import number
from pullback.core.unit import Unit
from pullback.core.walk import leading_to
from pullback.diagnosis.disease import disease
from pullback.diagnosis.examination import Examination
from pullback.diagnosis.finding import Bars, Cure, Finding
from pullback.diagnosis.flow import Flow
from pullback.diagnosis.longer import Longer
from pullback.diagnosis.reference import reader

_BETTER = 0.8  # of the loss, that longer parts must come below
_MUCH = 0.7  # of the loss: what short parts cannot learn
_SKILL = 0.15  # of all that there is to tell, that steps tell which are not read
_SURE = 3.0  # standard errors
_HALF = 0.5  # of what a forest knows, that is lost


@disease("loop too short")
def loop_too_short(examination: Examination) -> Iterator[Finding]:
    """Trained on longer sequences a recurrent net does better, or it does not read all steps."""
    longer = examination.longer
    if longer is not None and longer.long < _BETTER * longer.short:
        yield _of_windows(longer) if longer.windows else _of_pieces(longer)
    flow = examination.prediction
    unread = 0 if flow is None else _unread(examination, flow)
    if unread:
        yield from _of_unread(examination, unread)


# Longer sequences --------------------------------------------------------------------------------


def _of_pieces(longer: Longer) -> Finding:
    steps = longer.after
    return _found(
        longer,
        f"on sequences of {steps} steps that it has not seen, the loss is {number(longer.short)} "
        f"after training on pieces of {longer.before} steps, and {number(longer.long)} after as "
        f"many of {steps}",
        "no gradient flows from a piece into the one before it, so that nothing is learned of what "
        "lies farther back than a piece is long",
        Cure(
            "give longer pieces, of fewer rows",
            f"batches = TextStreams(numbers, rows={longer.patient.sizes[0]}, steps={steps})",
            lambda patient: longer.patient,
        ),
    )


def _of_windows(longer: Longer) -> Finding:
    steps = longer.after
    return _found(
        longer,
        f"each row is a window of {longer.before} steps, one step behind the row before: the loss "
        f"of rows to judge by is {number(longer.short)} with them, and {number(longer.long)} with "
        f"windows of {steps}",
        "what lies farther back than a window is long cannot be learned from",
        Cure(
            "take longer windows",
            f"windows = np.lib.stride_tricks.sliding_window_view(sequence, {steps}, axis=0)",
            lambda patient: longer.patient,
        ),
    )


def _found(longer: Longer, evidence: str, cause: str, cure: Cure) -> Finding:
    return Finding(
        "loop too short",
        "severe" if longer.long < _MUCH * longer.short else "mild",
        evidence,
        cause,
        (cure,),
        numbers={
            "steps": float(longer.before),
            "longer": float(longer.after),
            "loss": longer.short,
            "loss of longer": longer.long,
        },
        picture=Bars(
            "the loss by the steps of a sequence in training",
            "loss",
            {str(longer.before): longer.short, str(longer.after): longer.long},
        ),
    )


# Steps that are not read -------------------------------------------------------------------------


def _of_unread(examination: Examination, unread: int) -> Iterator[Finding]:
    """The finding, where a forest does better with the steps that the net leaves out."""
    reference = examination.reference
    if reference is None:
        return
    x = examination.patient.inputs[0][reference.rows]
    read = x[:, unread:]
    part = reference.skill(reference.answers(reader([read])([read]), reference.truth))
    whole = reference.skill(reference.forest)
    if whole - part < max(_SKILL, _SURE * reference.error()):
        return
    yield Finding(
        "loop too short",
        "severe" if part < _HALF * whole else "mild",
        f"the first {unread} of {x.shape[1]} steps never reach the answer: a forest tells "
        f"{whole:.0%} of what there is to tell from all steps, and {max(0.0, part):.0%} without "
        "them",
        "the model begins to read behind what it depends on",
        (
            Cure(
                "let the layers read all steps",
                f"layers.rnn(x)  # and not x[:, {unread}:]",
                untried="it is in the code of the model, which only its owner can change",
            ),
        ),
        numbers={"unread": float(unread), "whole": whole, "part": part},
        picture=Bars(
            "what a forest tells of the label",
            "skill",
            {"from all steps": whole, "from those that are read": max(0.0, part)},
        ),
        certain=True,
    )


def _unread(examination: Examination, flow: Flow) -> int:
    """How many steps at the beginning of its sequences a recurrent net does not read."""
    calls = [call for _, call in flow.recurrent]
    if not calls or len(flow.inputs) != 1 or flow.inputs[0].ndim < 2:
        return 0
    x = flow.inputs[0]
    if x.dtype.kind != "f":
        return _left_out(examination, x, calls[0].inputs[0])
    slope = flow.slopes([x])[0]
    if slope is None:
        return 0
    read = np.abs(slope).reshape(*slope.shape[:2], -1).max(axis=(0, 2)) > 0.0
    return int(read.argmax()) if read.any() else 0


def _left_out(examination: Examination, tokens: Unit, given: Unit) -> int:
    """How many tokens of the beginning are not among what a recurrent layer is given.

    The answers must be the same where these belong to other rows.
    """
    if given.ndim < 2 or tokens not in leading_to([given], [tokens]):
        return 0
    count = tokens.shape[1] - given.shape[1]
    rows = examination.batch.take(slice(len(np.asarray(tokens.value))))
    name = next(name for name in rows.columns if name.startswith("inputs"))
    x = rows.columns[name]
    if count <= 0 or len(x) < 2:
        return 0
    other = x.copy()
    other[:, :count] = np.roll(x[:, :count], 1, axis=0)
    outputs = examination.patient.parts.outputs
    changed = type(rows)({**rows.columns, name: other})
    return count if np.array_equal(outputs(rows), outputs(changed)) else 0

"""In: a Trainer and data. Out: a report of what keeps the net from learning, with proof.

The way of a diagnosis: checks that experts make by hand; what each disease finds; a proof of each
cure; and what else vanishes with a cure, which is a consequence and no cause.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

from pullback.core.errors import CircuitError
from pullback.diagnosis import diseases
from pullback.diagnosis.admission import EPOCHS, MOST_ROWS, admitted, in_time
from pullback.diagnosis.checks import Check, checks
from pullback.diagnosis.disease import ODD
from pullback.diagnosis.examination import Clock, Examination, Interrupted
from pullback.diagnosis.finding import SEVERITIES, Cure, Finding, Left
from pullback.diagnosis.patient import Patient
from pullback.diagnosis.proof import proved
from pullback.diagnosis.refusal import not_finite, refused
from pullback.diagnosis.report import Report
from pullback.diagnosis.torch import Case, admitted_module, is_module
from pullback.inspect.arguments import at_least_one, positive
from pullback.train.interrupt import Interruptible
from pullback.train.trainer import Trainer


def doctor(
    trainer: Any,
    data: Any,
    labels: Any = None,
    *,
    loss: Any = None,
    optimizer: Any = None,
    validation: float | tuple[Any, ...] = 0.2,
    epochs: int | None = None,
    batch_size: int = 32,
    columns: Sequence[str] = (),
    seconds: float = 30.0,
    progress: bool | None = None,
) -> Report:
    """Find out why a net does not train, or that it is well.

    `data` are inputs, with their `labels`, or a tuple (inputs, labels) or (inputs, labels,
    weights), or batches, as `Trainer.fit` takes them; `epochs` and `batch_size` are those that it
    is trained with. The Trainer and its model stay as they are: all is tried on copies, from the
    start of the training. Data that a training refuses are a finding, and what is left of them is
    gone on with. Of many rows some thousand are taken, and of long trainings as many
    epochs as fit into the `seconds`; the report says so.

    A module of PyTorch is examined too, with its criterion as `loss` and its `optimizer`, which
    stay as they are as well; `data` are then a loader, tensors with their labels, or anything that
    gives batches of tensors (inputs, labels), and `validation` may be a loader. The epochs are
    those that it is trained for, 10 unless told, and `batch_size` is that of a loader.

    Each finding has a name, the evidence, the cause, a cure as code, and the proof: the same seed
    and batches with that one change, and with other seeds, so that chance is not taken for a cure.

    Raises `CircuitError` where nothing can be examined: no Trainer or module, no rows, no time, or
    a module without its criterion and optimizer.

    >>> import numpy as np
    >>> import pullback as pb
    >>> x = np.random.default_rng(0).normal(size=(100, 3))
    >>> model = pb.Sequential(pb.Dense(4), pb.ReLU(), pb.Dense(1), rng=0)
    >>> trainer = pb.Trainer(model, pb.BinaryCrossEntropy(), pb.SGD(1e-6), engine="eager")
    >>> report = pb.doctor(trainer, x, x[:, 0] > 0.0, epochs=5)
    >>> report.findings[0].disease, report.healthy
    ('learning rate too low', False)
    """
    if not isinstance(trainer, Trainer) and not is_module(trainer):
        raise CircuitError(
            "the doctor examines a Trainer, or a module of PyTorch, with its data, got "
            f"{trainer!r:.60}"
        )
    if isinstance(trainer, Trainer) and (loss is not None or optimizer is not None):
        raise CircuitError("a Trainer has its loss and its optimizer; give those of a module alone")
    positive(seconds=seconds)
    _asked(epochs, batch_size, validation, trainer)
    from pullback.diagnosis.progress import DoctorProgress

    with DoctorProgress(progress) as shown, Interruptible() as interrupt:
        clock = Clock(seconds, shown.tell, lambda: interrupt.requested)
        columns = tuple(map(str, columns)) or tuple(map(str, getattr(data, "columns", ())))
        known: list[Finding] = []
        if not isinstance(trainer, Trainer):
            times = epochs or EPOCHS
            case = Case(
                trainer, data, labels, loss, optimizer, validation, times, batch_size, columns
            )
            patient, notes = admitted_module(case, MOST_ROWS)
            patient, more = in_time(patient, clock)
            return _diagnosed(patient, clock, [*notes, *more], known)
        given = data, labels, tuple(validation) if isinstance(validation, list) else validation
        try:
            patient, notes = admitted(trainer, *given, epochs, batch_size, columns)
        except CircuitError as error:
            refusal = refused(trainer, given, columns, MOST_ROWS, error)
            known.append(refusal.finding)
            if refusal.given is None:
                return Report(None, tuple(known), (), (), clock.spent)
            patient, notes = admitted(trainer, *refusal.given, epochs, batch_size, columns)
            notes.append("rows are numbered as they are left without those that hold no numbers")
        if (lost := not_finite(patient.parts.model)) is not None:
            return Report(patient, (lost, *known), (), tuple(notes), clock.spent)
        patient, more = in_time(patient, clock)
        return _diagnosed(patient, clock, [*notes, *more], known)


def _asked(epochs: int | None, batch_size: int, validation: Any, trainer: Any) -> None:
    """Refuse what makes no sense of how long, and by what, a net is to be judged."""
    at_least_one(batch_size=batch_size, **({} if epochs is None else {"epochs": epochs}))
    if isinstance(validation, Real):
        if isinstance(validation, bool) or not 0.0 < float(validation) < 1.0:
            raise CircuitError(f"validation must be a share between 0 and 1, got {validation!r}")
    elif validation is None or (
        isinstance(trainer, Trainer) and not isinstance(validation, tuple | list)
    ):
        raise CircuitError(
            "validation is a share of the rows, or a tuple of inputs and labels, got "
            f"{validation!r:.60}"
        )


def _diagnosed(
    patient: Patient, clock: Clock, notes: list[str], known: Sequence[Finding] = ()
) -> Report:
    examination = Examination(patient, clock)
    assert diseases.__all__  # which are registered by being imported
    made: list[Check] = []
    found: list[Finding] = [*known]
    ended = ""
    try:
        made.extend(checks(examination))
        for disease in patient.parts.diseases.values():
            found.extend(disease.found_in(examination))
        for k, finding in enumerate(found):
            found[k] = _with_proof(examination, finding)
        kept = _kept(found)
        dropped = [x for x in found if not any(x is y for y in kept)]
        found = _causes(examination, kept)
        found.extend(_behind(examination, found, dropped))
    except Interrupted:
        ended, found = "interrupted", _kept(found)
    notes.extend(
        f"{name!r} could not be looked for: {why}"
        for name, why in examination.failed.items()
        if name in patient.parts.diseases
    )
    found.sort(key=lambda x: SEVERITIES[x.severity])
    return Report(patient, tuple(found), tuple(made), tuple(notes), clock.spent, ended)


def _kept(found: Sequence[Finding]) -> list[Finding]:
    """The findings without those whose cure was tried and does not help."""
    return [x for x in found if x.certain or x.proof is None or x.proof.helps]


def _with_proof(examination: Examination, finding: Finding) -> Finding:
    """The finding with the proof of the first of its cures that helps, or else of the first."""
    first = None
    for cure in finding.cures:
        if cure.change is None or not examination.clock.left:
            continue
        patient = examination.patient
        try:
            cured = cure.change(patient)
        except ODD as error:
            cures = [_untried(x, error) if x is cure else x for x in finding.cures]
            finding = finding.but(cures=tuple(cures))
            continue
        proof = proved(
            patient,
            cured,
            examination.known,
            examination.clock,
            measure=finding.measure or None,
            at_end=finding.at_end,
        )
        if proof is not None and proof.helps:
            others = [x for x in finding.cures if x is not cure]
            return finding.but(cures=(cure, *others), proof=proof)
        first = first or proof
    cure = finding.cure
    if first is None and cure is not None and cure.change is not None and not cure.untried:
        told = replace(cure, untried="no time was left; give the doctor more seconds")
        if not examination.clock.left:
            return finding.but(cures=(told, *finding.cures[1:]))
    return finding.but(proof=first)


def _untried(cure: Cure, error: Exception) -> Cure:
    """The cure as one that cannot be tried on this net."""
    return replace(cure, change=None, untried=f"this net does not take it: {error!s:.200}")


def _causes(examination: Examination, found: list[Finding]) -> list[Finding]:
    """The findings with those that vanish with the cure of another under that one."""
    left = list(found)
    known = examination.patient.parts.diseases
    for finding in found:
        mine = known[finding.disease]
        others = [
            x
            for x in left
            if x is not finding and mine.may_bring(known[x.disease])
            if x.late or not finding.late or known[x.disease].symptom
        ]
        if not others or not any(x is finding for x in left):
            continue
        brought = [
            x.but(left=after, consequences=())
            for other, after in zip(others, _after(examination, finding, others), strict=True)
            if after is not None
            for x in (other, *other.consequences)
        ]
        told = {(x.disease, x.where) for x in brought}
        left = [
            _with_consequences(finding, brought) if x is finding else x
            for x in left
            if x is finding or (x.disease, x.where) not in told
        ]
    return left


def _with_consequences(finding: Finding, brought: list[Finding]) -> Finding:
    """The finding with what it brings, which makes it as severe."""
    severity = min((x.severity for x in (finding, *brought)), key=lambda x: SEVERITIES[x])
    return finding.but(consequences=tuple(brought), severity=severity)


def _after(examination: Examination, finding: Finding, others: list[Finding]) -> list[Left | None]:
    """What the cure of a finding leaves of each of the others; None of what it does not better.

    Of a symptom it may leave a lesser severity. Where a cause is certain and cannot be cured here,
    what it may bring cannot be told from what has a cause of its own.
    """
    unknown = finding.certain and finding.severity != "note"
    change = finding.cure.change if finding.cure else None
    if change is None:
        return ["unknown" if unknown else None] * len(others)
    known = examination.patient.parts.diseases
    try:
        cured = Examination(change(examination.patient), examination.clock)
    except ODD:
        return [None] * len(others)
    there: dict[tuple[str, str], Left] = {
        (x.disease, x.where): x.severity
        for name in dict.fromkeys(other.disease for other in others)
        for x in known[name].found_in(cured)
    }
    found: list[Left | None] = []
    for other in others:
        now = there.get((other.disease, other.where))
        if now is None:
            found.append("")
        elif known[other.disease].symptom and SEVERITIES.get(now, 0) > SEVERITIES[other.severity]:
            found.append(now)
        else:
            found.append(None)
    return found


def _behind(
    examination: Examination, found: list[Finding], dropped: list[Finding]
) -> list[Finding]:
    """What the causes hid: findings whose cures help where what was found is cured as well."""
    changes = [
        cure.change
        for x in found
        if (cure := x.cure) is not None and cure.change is not None and x.proof and x.proof.helps
    ]
    if not dropped or not changes or not examination.clock.left:
        return []

    def before(patient: Patient) -> Patient:
        for change in changes:
            patient = change(patient)
        return patient

    try:
        cured = Examination(before(examination.patient), examination.clock)
    except ODD:
        return []
    known = examination.patient.parts.diseases
    names = dict.fromkeys(x.disease for x in dropped if not known[x.disease].symptom)
    seen = [
        _with_proof(cured, x)
        for name in names
        for x in known[name].found_in(cured)
        if (x.disease, x.where) in {(y.disease, y.where) for y in dropped}
    ]
    return [_together(x, before) for x in seen if x.proof is not None and x.proof.helps]


def _together(finding: Finding, before: Callable[[Patient], Patient]) -> Finding:
    """The finding whose cure is made after those of the others."""
    cure, *others = finding.cures
    assert cure.change is not None
    change = cure.change
    both = replace(
        cure,
        text=f"{cure.text}, and cure what stands above as well",
        change=lambda patient: change(before(patient)),
    )
    return finding.but(cures=(both, *others))

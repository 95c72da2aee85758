"""In: a Trainer and data. Out: a report of what keeps the net from learning, with proof.

The way of a diagnosis: checks that experts make by hand; what each disease finds; a proof of each
cure; and what else vanishes with a cure, which is a consequence and no cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.diagnosis import diseases
from pullback.diagnosis.checks import Check, checks
from pullback.diagnosis.examination import Clock, Examination, Interrupted
from pullback.diagnosis.finding import SEVERITIES, Finding
from pullback.diagnosis.patient import Origin, Parts, Patient
from pullback.diagnosis.proof import proved
from pullback.diagnosis.refusal import not_finite, refused
from pullback.diagnosis.report import Report
from pullback.diagnosis.rows import collected, divided
from pullback.diagnosis.torch import Case, admitted, is_module
from pullback.inspect.arguments import positive
from pullback.train.data import Batches, Rows, are_batches
from pullback.train.interrupt import Interruptible
from pullback.train.trainer import Trainer

_MOST_ROWS = 4000  # that are looked at
_RUN = 50  # rows that are drawn together
_NUMBER = "number"  # the column of the numbers of rows
_EPOCHS = 10
_BATCHES = 4  # that tell how long an epoch takes, and are trained on in any case
_OF_BASE = 0.06  # of the time, for one training as its owner does


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
    from pullback.diagnosis.progress import DoctorProgress

    with DoctorProgress(progress) as shown, Interruptible() as interrupt:
        clock = Clock(seconds, shown.tell, lambda: interrupt.requested)
        columns = tuple(map(str, columns)) or tuple(map(str, getattr(data, "columns", ())))
        known: list[Finding] = []
        if not isinstance(trainer, Trainer):
            times = epochs or _EPOCHS
            case = Case(
                trainer, data, labels, loss, optimizer, validation, times, batch_size, columns
            )
            patient, notes = admitted(case, _MOST_ROWS)
            patient, more = _in_time(patient, clock)
            return _diagnosed(patient, clock, [*notes, *more], known)
        given = data, labels, validation
        try:
            patient, notes = _admitted(trainer, *given, epochs, batch_size, columns)
        except CircuitError as error:
            refusal = refused(trainer, given, columns, _MOST_ROWS, error)
            known.append(refusal.finding)
            if refusal.given is None:
                return Report(None, tuple(known), (), (), clock.spent)
            patient, notes = _admitted(trainer, *refusal.given, epochs, batch_size, columns)
            notes.append("rows are numbered as they are left without those that hold no numbers")
        if (lost := not_finite(patient.parts.model)) is not None:
            return Report(patient, (lost, *known), (), tuple(notes), clock.spent)
        patient, more = _in_time(patient, clock)
        return _diagnosed(patient, clock, [*notes, *more], known)


def _diagnosed(
    patient: Patient, clock: Clock, notes: list[str], known: Sequence[Finding] = ()
) -> Report:
    examination = Examination(patient, clock)
    made: list[Check] = []
    found: list[Finding] = [*known]
    ended = ""
    try:
        made.extend(checks(examination))
        found.extend(_found(examination))
        for k, finding in enumerate(found):
            found[k] = _with_proof(examination, finding)
        found = [x for x in found if x.certain or x.proof is None or x.proof.helps]
        found = _causes(examination, found)
    except Interrupted:
        ended = "interrupted"
    notes.extend(
        f"{name!r} could not be looked for: {why}"
        for name, why in examination.failed.items()
        if name in patient.parts.diseases
    )
    found.sort(key=lambda x: SEVERITIES[x.severity])
    return Report(patient, tuple(found), tuple(made), tuple(notes), clock.spent, ended)


def _found(examination: Examination) -> list[Finding]:
    """What all diseases find."""
    assert diseases.__all__  # which are registered by being imported
    known = examination.patient.parts.diseases
    return [finding for disease in known.values() for finding in disease.found_in(examination)]


def _with_proof(examination: Examination, finding: Finding) -> Finding:
    """The finding with the proof of the first of its cures that helps, or else of the first."""
    first = None
    for cure in finding.cures:
        if cure.change is None or not examination.clock.left:
            continue
        patient = examination.patient
        proof = proved(
            patient,
            cure.change(patient),
            examination.known,
            examination.clock,
            measure=finding.measure or None,
            at_end=finding.at_end,
        )
        if proof is not None and proof.helps:
            others = [x for x in finding.cures if x is not cure]
            return finding.but(cures=(cure, *others), proof=proof)
        first = first or proof
    return finding.but(proof=first)


def _causes(examination: Examination, found: list[Finding]) -> list[Finding]:
    """The findings with those that vanish with the cure of another under that one."""
    left = list(found)
    known = examination.patient.parts.diseases
    for finding in found:
        brings = known[finding.disease].brings
        others = [x for x in left if x is not finding and x.disease in brings]
        cure = finding.cure
        if finding not in left or not others or cure is None or cure.change is None:
            continue
        cured = Examination(cure.change(examination.patient), examination.clock)
        there = {
            (x.disease, x.where) for other in others for x in known[other.disease].found_in(cured)
        }
        gone = tuple(x for x in others if (x.disease, x.where) not in there)
        left = [x for x in left if x not in gone]
        left[left.index(finding)] = finding.but(consequences=gone)
    return left


def _admitted(
    trainer: Trainer,
    data: Any,
    labels: Any,
    validation: Any,
    epochs: int | None,
    batch_size: int,
    columns: Sequence[str],
) -> tuple[Patient, list[str]]:
    """The patient, and what is to be said of how it was taken."""
    notes: list[str] = []
    reader = trainer._reader
    sizes: tuple[int, ...] = ()
    if labels is None and isinstance(data, tuple) and len(data) in (2, 3):
        rows = reader.tuple(data, "training")
    elif are_batches(data, labels):
        rows, sizes = collected(Batches(data, 1), _MOST_ROWS, reader.tuple)
        notes.append(f"{len(rows):,} rows of the first {len(sizes):,} batches were taken")
    else:
        rows = reader.rows(data, labels, None, "training")
    rows = _numbered(rows)
    apart = isinstance(validation, tuple)
    if apart:
        held_out = _numbered(reader.tuple(validation, "validation"))
    else:
        rows, held_out, sizes = divided(rows, sizes, float(validation), trainer.seed)
    if len(rows) > _MOST_ROWS and not sizes:
        drawn = _drawn(rows, trainer.seed)
        notes.append(f"{len(drawn):,} rows were drawn from {len(rows):,}")
        rows = drawn
    if len(held_out) > _MOST_ROWS:
        held_out = _drawn(held_out, trainer.seed)
    rows, numbers = _without_numbers(rows)
    held_out, of_held_out = _without_numbers(held_out)
    patient = Patient(
        Parts.of(trainer),
        rows,
        held_out,
        epochs or trainer._epochs or _EPOCHS,
        batch_size,
        sizes,
        tuple(columns),
        Origin(numbers, of_held_out, apart),
    )
    return patient, notes


def _numbered(rows: Rows) -> Rows:
    """The rows with a column that tells which they are, whatever is drawn from them."""
    return replace(rows, columns={**rows.columns, _NUMBER: np.arange(len(rows))})


def _without_numbers(rows: Rows) -> tuple[Rows, np.ndarray]:
    columns = dict(rows.columns)
    numbers = columns.pop(_NUMBER)
    return replace(rows, columns=columns), numbers


def _drawn(rows: Rows, seed: int) -> Rows:
    """About as many rows as are looked at, in runs, so that most keep their neighbours."""
    runs = rows.columns[_NUMBER] // _RUN
    there = np.unique(runs)
    count = max(1, round(len(there) * _MOST_ROWS / len(rows)))
    chosen = np.random.default_rng(seed).choice(there, count, replace=False)
    return rows.take(np.isin(runs, chosen))


def _in_time(patient: Patient, clock: Clock) -> tuple[Patient, list[str]]:
    """The patient with as many epochs as there is time for."""
    try:
        clock.at("trains the net for an epoch")
    except Interrupted:
        return patient, []  # the first examination ends by it too, and says so
    few = _part(patient, _BATCHES)
    taken = len(few.data) / len(patient.data)
    seconds = few.train(epochs=min(2, patient.epochs), monitor=False).final("seconds")
    most = _OF_BASE * clock.seconds * taken / max(seconds, 1e-6)
    if most >= patient.epochs:
        return patient, []
    notes = []
    if most < 1.0:
        patient = _part(patient, max(_BATCHES, int(most * _batches(patient))))
        notes.append(f"{len(patient.data):,} rows were trained on each time")
    times = max(1, int(most))
    notes.append(f"{times} of {patient.epochs} epochs were trained each time")
    return patient.but(epochs=times, shortened=True), notes


def _batches(patient: Patient) -> int:
    return len(patient.sizes) or -(-len(patient.data) // patient.batch_size)


def _part(patient: Patient, batches: int) -> Patient:
    """The patient with so many batches alone, and as large a part to judge by.

    They are the first where batches have an order; else rows are taken from all over.
    """
    whole = _batches(patient)
    if batches >= whole:
        return patient
    if patient.sizes:
        places = np.arange(sum(patient.sizes[:batches]))
    else:
        places = _all_over(len(patient.data), batches * patient.batch_size)
    judged = _all_over(len(patient.held_out), round(len(patient.held_out) * batches / whole))
    part = patient.keeping(places)
    if part.origin is not None:
        origin = replace(part.origin, held_out=part.origin.held_out[judged])
        part = part.but(origin=origin)
    return part.but(held_out=part.held_out.take(judged))


def _all_over(rows: int, count: int) -> np.ndarray:
    """The places of so many of the rows, evenly spread; one at least."""
    return np.linspace(0, rows - 1, max(1, min(count, rows))).astype(int)

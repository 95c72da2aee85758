"""In: a module of PyTorch, its criterion, its optimizer and a loader. Out: a patient, and notes."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.diagnosis.finding import Cure, Finding
from pullback.diagnosis.patient import Patient
from pullback.diagnosis.rows import collected, divided
from pullback.diagnosis.torch.criterion import LABELS, Criterion, OwnLoss
from pullback.diagnosis.torch.diseases import HIDDEN, known
from pullback.diagnosis.torch.hooks import array_of, first_tensor, line, run
from pullback.diagnosis.torch.learner import device_of, seeded, tensors
from pullback.diagnosis.torch.library import torch
from pullback.diagnosis.torch.optimizer import TorchOptimizer
from pullback.diagnosis.torch.parts import TorchParts
from pullback.train.data import Batches, Rows, are_batches, named, several

_FEW = 8  # rows that are tried at the door
_UNSEEN = (
    "the doctor trains by a loop of its own: whether yours calls zero_grad, backward, step, train "
    "and eval where it should, and what a scheduler does, cannot be seen from here"
)
_REFUSED = "PyTorch refuses it as it is; all else is of the net with this change"


@dataclass(frozen=True)
class Case:
    """All that a user says of a module: see `doctor`."""

    module: Any
    data: Any
    labels: Any
    loss: Any
    optimizer: Any
    validation: Any
    epochs: int
    batch_size: int
    columns: Sequence[str]


def admitted_module(case: Case, most: int) -> tuple[Patient, list[str]]:
    """The patient, with so many rows at most, and what is to be said of how it was taken.

    Raises `CircuitError` where nothing can be examined: no criterion, no optimizer, batches that
    the module cannot take.
    """
    criterion = Criterion.of(case.loss)
    optimizer = TorchOptimizer.of(case.optimizer)
    notes = [_UNSEEN, f"in modules of PyTorch is not looked for: {', '.join(HIDDEN)}"]
    model, made = optimizer.copied(_whole(case.module))
    if case.optimizer.state:
        notes.append(_begun_anew(model))
    parts = TorchParts(model, replace(optimizer, made=made), criterion, diseases=known())
    apart = not isinstance(case.validation, Real)
    with seeded(parts.seed, model), _going_on(case.data), _going_on(case.validation):
        taken = _taken(case.data, case.labels, most)
        held_out = _taken(case.validation, None, most).rows if apart else None
    size = taken.sizes[0] if taken.sizes else case.batch_size
    notes.append(f"{len(taken.rows):,} rows were taken")
    rows, sizes, finding = _numbers_only(taken)
    if held_out is None:
        rows, held_out, sizes = divided(rows, sizes, float(case.validation), parts.seed)
    else:
        held_out = _numbers_only(Taken(held_out))[0]
    with seeded(parts.seed, model):
        parts, output, found = _at_the_door(parts, rows.take(slice(_FEW)), device_of(model))
    parts, rows, held_out = _as_read_here(parts, output, rows, held_out)
    amiss = tuple(x for x in (finding, found) if x is not None)
    columns = tuple(map(str, case.columns))
    patient = Patient(
        replace(parts, amiss=amiss), rows, held_out, case.epochs, size, sizes, columns
    )
    return patient, notes


def _whole(module: Any) -> Any:
    """The module that one of `torch.compile` wraps, or itself.

    Raises `CircuitError` where a lazy module has not seen a batch yet.
    """
    module = getattr(module, "_orig_mod", module)
    lazy = [x for x, p in module.named_parameters() if torch.nn.parameter.is_lazy(p)]
    if lazy:
        raise CircuitError(
            f"{lazy[0]!r} of the module has no shape yet; let the module answer a batch, and make "
            "the optimizer after that"
        )
    return module


def _begun_anew(model: Any) -> str:
    """Let each layer begin anew, where a module has been trained; what is to be said of it."""
    with seeded(0, model):
        for module in model.modules():
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
    return (
        "the optimizer has made steps: the layers were begun anew by reset_parameters(); give the "
        "doctor a module that is not trained yet, where it starts in another way"
    )


# Data --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Taken:
    """Rows, with the sizes of their batches where these come in an order of their own.

    `numbers` are those of the rows in what the user gave; None where nobody can tell.
    """

    rows: Rows
    sizes: tuple[int, ...] = ()
    numbers: np.ndarray | None = None


def _taken(data: Any, labels: Any, most: int) -> Taken:
    """Rows of arrays or tensors, of the set of a loader that shuffles, or of its first batches."""
    if labels is not None or (isinstance(data, tuple) and not are_batches(data[0], None)):
        rows = _rows(data if labels is None else (*several(data), labels))
        chosen = _chosen(len(rows), most)
        return Taken(rows.take(chosen), numbers=chosen)
    given: Any = data
    sampler: Any = getattr(given, "sampler", None)
    if type(sampler) is torch.utils.data.RandomSampler and not sampler.replacement:
        chosen = _chosen(len(given.dataset), most)
        few = torch.utils.data.Subset(given.dataset, chosen.tolist())
        loader = torch.utils.data.DataLoader(few, given.batch_size, collate_fn=given.collate_fn)
        rows, sizes = _first(loader, most)
        return Taken(rows, numbers=chosen) if len(rows) == len(chosen) else Taken(rows)
    in_order = _in_order(data)
    rows, sizes = _first(data, most)
    return Taken(rows, sizes, np.arange(len(rows))) if in_order else Taken(rows)


@contextmanager
def _going_on(loader: Any) -> Iterator[None]:
    """Whatever is drawn of a loader, its own random numbers go on from where they were."""
    sampler, batches = (getattr(loader, x, None) for x in ("sampler", "batch_sampler"))
    owners = loader, sampler, batches, getattr(batches, "sampler", None)
    own: list[Any] = [getattr(x, "generator", None) for x in owners]
    states = [(x, x.get_state()) for x in own if hasattr(x, "get_state")]
    try:
        yield
    finally:
        for generator, state in states:
            generator.set_state(state)


def _chosen(count: int, most: int) -> np.ndarray:
    """The numbers of so many rows at most, drawn from all, in their order."""
    rng = np.random.default_rng(0)
    return np.sort(rng.choice(count, min(count, most), replace=False))


def _first(loader: Any, most: int) -> tuple[Rows, tuple[int, ...]]:
    """The first batches of a loader, and their sizes."""
    try:
        return collected(Batches(lambda: _batches(loader), 1), most, lambda batch, what: batch[0])
    except CircuitError:
        raise
    except ValueError:
        raise CircuitError(
            "the batches have rows of different shapes; let the loader pad or cut all to one shape"
        ) from None


def _batches(loader: Any) -> Iterator[tuple[Rows, None]]:
    for batch in loader:
        if not isinstance(batch, tuple | list) or len(batch) < 2:
            raise CircuitError(
                "a batch is (inputs, labels), or several inputs and labels at the end, got "
                f"{type(batch).__name__}; wrap the loader in a generator that gives such tuples"
            )
        yield _rows(batch), None


def _rows(given: Sequence[Any]) -> Rows:
    *inputs, labels = given
    if len(inputs) == 1 and isinstance(inputs[0], tuple | list):
        inputs = list(inputs[0])
    return Rows({**named("inputs", [_array(x) for x in inputs]), "labels": _array(labels)})


def _array(x: Any) -> np.ndarray:
    if torch.is_tensor(x):
        if x.dtype is torch.bfloat16:
            raise CircuitError(
                "tensors of bfloat16 cannot be looked at here; give them and the module as float32"
            )
        return array_of(x)
    return np.asarray(x)


def _in_order(loader: Any) -> bool:
    """Whether a loader gives its batches in the same order in each epoch."""
    kinds = torch.utils.data
    own = getattr(loader, "batch_sampler", None)
    if type(own) is kinds.BatchSampler:
        random = (kinds.RandomSampler, kinds.SubsetRandomSampler, kinds.WeightedRandomSampler)
        return not isinstance(loader.sampler, random)
    if own is None or not hasattr(own, "__len__"):
        return True
    twice = [list(map(list, copy.copy(own))) for _ in range(2)]
    return twice[0] == twice[1]


def _numbers_only(taken: Taken) -> tuple[Rows, tuple[int, ...], Finding | None]:
    """The rows in which all are numbers, the sizes of their batches, and what was found."""
    rows, sizes = taken.rows, taken.sizes
    good = np.ones(len(rows), bool)
    for column in rows.columns.values():
        if column.dtype.kind == "f":
            good &= np.isfinite(column.reshape(len(rows), -1)).all(axis=1)
    if good.all() or not good.any():
        return rows, sizes, None
    ends = np.cumsum(sizes)
    kept = tuple(int(good[end - n : end].sum()) for end, n in zip(ends, sizes, strict=True))
    wrong = np.flatnonzero(~good)
    numbers = [] if taken.numbers is None else taken.numbers[wrong[:8]].tolist()
    shown = f": {', '.join(map(str, numbers))}{', …' * (len(wrong) > 8)}" if numbers else ""
    finding = Finding(
        "not a number",
        "severe",
        f"{len(wrong)} of {len(rows)} rows have nan or infinity{shown}",
        "one such row makes the loss, all gradients and with a step all weights nan",
        cures=(
            Cure(
                "leave such rows out, or fill them",
                "good = x.isfinite().flatten(1).all(1)\nx, y = x[good], y[good]",
                untried="with them nothing is learned; all else is of the other rows",
            ),
        ),
        numbers={"rows": float(len(wrong))},
        certain=True,
    )
    return rows.take(good), tuple(n for n in kept if n), finding


# The door ----------------------------------------------------------------------------------------


def _at_the_door(
    parts: TorchParts, few: Rows, device: Any
) -> tuple[TorchParts, Any, Finding | None]:
    """The parts with a criterion that takes the labels, an answer of the module, and a finding.

    That says what is amiss with the labels that are given.
    Raises `CircuitError` where the module refuses the inputs, or the criterion the labels whatever
    they are made.
    """
    xs, y = tensors(few, device)
    what = "batch"
    if len(xs) > 1:
        what += f", of which {len(xs)} tensors were taken for inputs and the last one for labels"
    output = run(parts.model, xs, what)[1]
    if first_tensor(output) is None:
        raise CircuitError(
            f"the module answers {type(output).__name__}, and no tensor of floats is seen in it; "
            "wrap it in a module that answers its scores"
        )
    refused = _refusal(parts.criterion, output, y)
    if refused is None:
        return parts, output, None
    for code in LABELS:
        criterion = parts.criterion.but(labels=code)
        whole = "long" not in code or bool((y == y.round()).all() if y.is_floating_point() else 1)
        if whole and _refusal(criterion, output, y) is None:
            found = _labels_do_not_fit(refused, code, y)
            return parts.but(criterion=criterion), output, found
    raise CircuitError(
        f"the criterion refuses the outputs of the module, {tuple(_shape(output))}, and the "
        f"labels, {str(y.dtype)[6:]} of shape {tuple(y.shape)}: {refused}"
    )


def _as_read_here(
    parts: TorchParts, output: Any, rows: Rows, held_out: Rows
) -> tuple[TorchParts, Rows, Rows]:
    """The same with labels as losses of this library have them, where the criterion is one."""
    criterion, read = parts.criterion, []
    for some in (rows, held_out):
        labels = some.columns["labels"]
        try:
            scores = output.new_empty(len(labels), *output.shape[1:])
            fitted = criterion.fitted(scores, torch.from_numpy(labels)).cpu().numpy()
            prepared = criterion.meaning.prepare(fitted, tuple(scores.shape))
        except (CircuitError, AttributeError):  # pictures of labels, say, or several outputs
            return parts.but(criterion=criterion.but(meaning=OwnLoss())), rows, held_out
        if prepared.size != labels.size:  # class numbers of rows that are one-hot
            return parts, rows, held_out
        read.append(Rows({**some.columns, "labels": prepared}))
    given = labels.shape[1:], torch.from_numpy(labels[:1]).dtype
    return parts.but(criterion=criterion.but(given=given)), read[0], read[1]


def _refusal(criterion: Criterion, output: Any, y: Any) -> str | None:
    """Why a criterion does not take outputs and labels; None where it does."""
    try:
        loss = criterion(output, y)
    except Exception as error:  # the code is its owner's, and may raise anything
        return line(error)
    return None if torch.is_tensor(loss) and loss.ndim == 0 else "it does not answer one number"


def _labels_do_not_fit(refused: str, code: str, y: Any) -> Finding:
    return Finding(
        "wrong loss",
        "severe",
        f"labels are {str(y.dtype)[6:]} of shape {('n', *y.shape[1:])}, and PyTorch says: "
        f"{refused}".replace("'n'", "n"),
        "each criterion wants its labels in one dtype and shape: class numbers are long, of "
        "shape (n,), and quantities floats in the shape of the outputs",
        cures=(
            Cure(
                "make of the labels what the criterion takes",
                f"loss = criterion(outputs, {code})",
                untried=_REFUSED,
            ),
        ),
        certain=True,
    )


def _shape(output: Any) -> Any:
    return ("n", *first_tensor(output).shape[1:])

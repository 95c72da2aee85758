"""In: what a training was told on the command line. Out: the same as `Asked`.

`pullback train` and `pullback doctor` have these options by one record: one that is added here is
an option of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints

from pullback.cli.asked import KINDS, Asked
from pullback.cli.file_options import Kinds, Predicted, Size, TaskName
from pullback.cli.model_options import (
    Activation,
    Augment,
    Dropped,
    Encoding,
    Hidden,
    LossName,
    Mixup,
    ModelName,
    SampleRate,
    SkipBroken,
    Smoothing,
    Steps,
    Tokenizer,
)
from pullback.cli.rare_options import Calibrate, ClassWeights, Reliability, Sampling, Threshold
from pullback.cli.run_options import (
    BatchSize,
    Board,
    Checkpoint,
    EngineName,
    Epochs,
    Figure,
    Log,
    Monitored,
    OptimizerName,
    Patience,
    Rate,
    Resume,
    Seed,
    Springs,
    Threads,
)
from pullback.core.errors import CircuitError


@dataclass(frozen=True)
class Training:
    """The options of a training, by the names that settings have, in the order of help.

    A text behind one is the kind of data that it is for alone, of `KINDS`.
    """

    target: Annotated[Predicted, "files"] = None
    task: Annotated[TaskName, "files"] = None
    kind: Annotated[Kinds, "files"] = None
    size: Annotated[Size, "pictures"] = None
    augment: Annotated[Augment, "pictures"] = None
    skip_broken: Annotated[SkipBroken, "folders"] = False
    tokenizer: Annotated[Tokenizer, "sequences"] = None
    steps: Annotated[Steps, "sequences"] = None
    encoding: Annotated[Encoding, "sequences"] = None
    rate: Annotated[SampleRate, "sequences"] = None
    model: ModelName = None
    hidden: Hidden = None
    activation: Annotated[Activation, "tables"] = None
    dropout: Dropped = None
    loss: Annotated[LossName, "tables"] = None
    label_smoothing: Annotated[Smoothing, "tables"] = None
    mixup: Annotated[Mixup, "tables"] = None
    balanced: Annotated[ClassWeights, "tables"] = None
    sampling: Annotated[Sampling, "tables"] = None
    threshold: Annotated[Threshold, "tables"] = None
    calibrate: Annotated[Calibrate, "tables"] = None
    reliability: Annotated[Reliability, "drawn"] = None
    optimizer: OptimizerName = None
    learning_rate: Rate = None
    l2: Springs = None
    epochs: Epochs = None
    batch_size: BatchSize = None
    patience: Patience = 20
    seed: Seed = 0
    engine: EngineName = "native"
    threads: Threads = None
    monitor: Monitored = True
    log: Log = None
    tensorboard: Board = None
    figure: Figure = None
    checkpoint: Checkpoint = None
    resume: Resume = False

    @property
    def asked(self) -> Asked:
        """What was asked for, by what it is for.

        Raises `CircuitError` where sizes, a rate or class weights are none.
        """
        told = vars(self) | {
            "hidden": None if self.hidden is None else sizes(self.hidden),
            "learning_rate": None if self.learning_rate is None else rate_of(self.learning_rate),
            "balanced": balanced_classes(self.balanced) or None,
            "skip_broken": self.skip_broken or None,
        }
        common: dict[str, Any] = {}
        own: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
        for name, hint in get_type_hints(type(self), include_extras=True).items():
            kind = next((x for x in hint.__metadata__ if isinstance(x, str)), None)
            group = common if kind is None else own[kind]
            group[name] = told[name]
        return Asked(common, own)


def balanced_classes(class_weights: str | None) -> bool:
    if class_weights not in (None, "balanced"):
        raise CircuitError(f"--class-weights is balanced or not given, got {class_weights!r}")
    return class_weights is not None


def sizes(text: str) -> tuple[int, ...]:
    """The sizes of hidden layers.

    >>> sizes("64, 32")
    (64, 32)

    Raises `CircuitError` where they are not whole numbers above 0.
    """
    parts = text.split(",")
    if not all(part.strip().isascii() and part.strip().isdigit() for part in parts):
        raise CircuitError(f"--hidden is the sizes of layers, such as 64,64, got {text!r}")
    found = tuple(map(int, parts))
    if 0 in found:
        raise CircuitError(f"--hidden needs at least one unit in each layer, got {text!r}")
    return found


def rate_of(text: str) -> float | str:
    """A learning rate as it was typed: a number, or "find"."""
    if text.casefold() == "find":
        return "find"
    try:
        return float(text)
    except ValueError:
        raise CircuitError(
            f"--learning-rate is a number above 0, such as 0.1, or find, got {text!r}"
        ) from None

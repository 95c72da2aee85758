"""In: what a person asked for, and pictures. Out: a model, a loss and an optimizer, to be trained.

What was not asked for is chosen here, plain enough to be told in a line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pullback.core.errors import CircuitError
from pullback.images.pictures import Pictures
from pullback.layers import Dense, Dropout, Flatten, Layer, ReLU, Sequential, Standardize
from pullback.layers.augmentation import (
    Cutout,
    RandomBrightness,
    RandomContrast,
    RandomFlip,
    RandomRotation,
    RandomShift,
)
from pullback.losses import L2, Penalty, SoftmaxCrossEntropy
from pullback.models import (
    alexnet,
    convnetjs_cifar10,
    convnetjs_mnist,
    lenet5,
    resnet,
    small_alexnet,
    vgg,
)
from pullback.optim import OPTIMIZERS, Optimizer
from pullback.optim.schedules import CosineDecay
from pullback.train.settings import Settings, checked, named, refuse_others

MODELS = {
    "linear": "softmax regression of the pixels",
    "mlp": "a network with hidden layers",
    "lenet": "LeNet-5",
    "convnet": "ConvNetJS's network for grey pictures, or that for coloured ones",
    "alexnet": "AlexNet, as it was published for pictures of 227 x 227, and smaller below",
    "vgg": "stages of 3 x 3 convolutions with batch normalization",
    "resnet": "a residual network with batch normalization",
}
AUGMENTATIONS: dict[str, Callable[[int], Layer]] = {
    "flip": lambda size: RandomFlip(),
    "shift": lambda size: RandomShift(0.1, 0.1),
    "rotate": lambda size: RandomRotation(10.0),
    "brightness": lambda size: RandomBrightness(0.2),
    "contrast": lambda size: RandomContrast(0.2),
    "cutout": lambda size: Cutout(max(1, size // 4)),
}
"""By their names, what makes each for pictures of a height."""
MIXUP = "mixup"
CHANGES = (*AUGMENTATIONS, MIXUP)
_ALPHA = 0.2  # of mixup
_HIDDEN = (256,)
_FULL = 227  # pixels that AlexNet takes
_RATES = {"SGD": 0.05}  # of optimizers whose own rate is another
_RATE = 0.002
_MOMENTUM = 0.9
_STEPS = 8_000  # that small sets get, in epochs up to the most
_EPOCHS = (10, 100)
_BATCH = 64


@dataclass(frozen=True)
class PictureRecipe(Settings):
    """How to learn from pictures, as it was asked for; None where it is left to `prepared`."""

    batch_size: int = _BATCH
    model: str = "convnet"
    hidden: tuple[int, ...] | None = None
    dropout: float | None = None
    augment: tuple[str, ...] = ()

    def checked(self) -> PictureRecipe:
        """The recipe with all names as they are registered.

        Raises `CircuitError` for the first thing that nothing could be learned with.
        """
        model = named("model", self.model, MODELS)
        recipe = checked(self)
        if self.dropout is not None and not 0.0 <= self.dropout < 1.0:
            raise CircuitError(f"--dropout is a share from 0 to below 1, got {self.dropout}")
        if model != "mlp":
            options = {x: f"--{x}" for x in ("hidden", "dropout")}
            refuse_others(self, options, f"is for hidden layers; the model {model!r} has its own")
        augment = tuple(named("augmentation", name, CHANGES) for name in self.augment)
        return replace(recipe, model=model, augment=tuple(dict.fromkeys(augment)))


@dataclass(frozen=True)
class Plan:
    """All that training needs, chosen for these pictures."""

    model: Sequential
    loss: SoftmaxCrossEntropy
    optimizer: Optimizer
    l2: float
    epochs: int
    mixup: float

    @property
    def penalties(self) -> list[Penalty]:
        return [L2(self.l2)] if self.l2 else []


def prepared(recipe: PictureRecipe, train: Pictures) -> Plan:
    """The plan for these training pictures, by a recipe that was `checked`.

    Raises `CircuitError` where the model does not take pictures of this size.
    """
    height = train.shape[0]
    changes = [AUGMENTATIONS[name](height) for name in recipe.augment if name != MIXUP]
    inner = _network(recipe, train)
    model = Sequential(*changes, standardized(train), *inner, rng=recipe.seed)
    try:
        model(np.zeros((1, *train.shape), np.float32))  # makes the parameters
    except CircuitError as error:
        raise CircuitError(
            f"the model {recipe.model!r} does not take pictures of {height} x {train.shape[1]}: "
            f"{error}; say --size for larger ones, or take another --model"
        ) from None
    steps = -(-len(train) // recipe.batch_size)
    least, most = _EPOCHS
    epochs = recipe.epochs or min(max(least, -(-_STEPS // steps)), most)
    optimizer = _optimizer(recipe, steps * epochs)
    mixup = _ALPHA if MIXUP in recipe.augment else 0.0
    return Plan(model, SoftmaxCrossEntropy(), optimizer, recipe.l2 or 0.0, epochs, mixup)


def standardized(train: Pictures) -> Standardize:
    """The layer that brings each channel of these pictures to mean 0 and deviation 1."""
    scale = 255.0 if train.images.dtype == np.uint8 else 1.0
    axes = (0, 1, 2)
    mean = train.images.mean(axes, dtype=np.float64) / scale
    deviation = train.images.std(axes, dtype=np.float64) / scale
    deviation = np.where(deviation > 1e-6, deviation, 1.0)  # a channel without anything in it
    return Standardize(mean.round(6).tolist(), deviation.round(6).tolist())


def _network(recipe: PictureRecipe, train: Pictures) -> Sequence[Layer]:
    classes, (height, width, channels) = len(train.classes), train.shape
    seed = recipe.seed
    if recipe.model in ("linear", "mlp"):
        hidden = (recipe.hidden or _HIDDEN) if recipe.model == "mlp" else ()
        dropped = [Dropout(recipe.dropout)] if recipe.dropout else []
        layers = [layer for units in hidden for layer in (Dense(units), ReLU(), *dropped)]
        return [Flatten(), *layers, Dense(classes, initializer="glorot")]
    make = {
        "lenet": lenet5,
        "convnet": convnetjs_mnist if channels == 1 else convnetjs_cifar10,
        "alexnet": alexnet if min(height, width) >= _FULL else small_alexnet,
        "vgg": vgg,
        "resnet": resnet,
    }[recipe.model]
    return make(classes, rng=seed).layers


def _optimizer(recipe: PictureRecipe, steps: int) -> Optimizer:
    """The optimizer, whose rate goes down to nothing along a cosine."""
    name = recipe.optimizer or "Adam"
    rate = recipe.learning_rate or _RATES.get(name, _RATE)
    more = {"momentum": _MOMENTUM} if name == "SGD" else {}
    return OPTIMIZERS[name](CosineDecay(rate, steps=steps), **more)

"""In: a model and a picture. Out: what every layer makes of it, and the pull that comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.gradient import gradient
from pullback.core.unit import Unit
from pullback.figures import refuse_without_matplotlib
from pullback.images.seeing.given import (
    class_names,
    class_number,
    picture_for,
)
from pullback.images.seeing.outputs import Output, output_of, run, telling
from pullback.images.seeing.scores import by_class
from pullback.inspect.arguments import at_least_one
from pullback.layers.layer import Layer
from pullback.losses.loss import Loss

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def activation_maps(
    model: Layer, picture: Any, layer: Layer | str | None = None
) -> dict[str, np.ndarray]:
    """What layers make of a picture, by their names: (H, W, channels), or (units,).

    `picture` is (H, W, C), or (H, W) of one channel; bytes are divided by 255. `layer` is a name or
    a layer; by default there are all that show something new.

    Raises `CircuitError` for an unknown layer, a picture that does not fit, or a model that has not
    been called yet.

    >>> from pullback.layers import Conv2d, Dense, Flatten, ReLU, Sequential
    >>> model = Sequential(Conv2d(2, 3), ReLU(), Flatten(), Dense(3))
    >>> y = model(np.zeros((1, 6, 6, 1)))
    >>> maps = activation_maps(model, np.eye(6))
    >>> {name: x.shape for name, x in maps.items()}
    {'conv2d1': (4, 4, 2), 'relu1': (4, 4, 2), 'dense1': (3,)}
    """
    _, outputs = run(model, Unit(picture_for(model, picture), "picture"))
    return {x.path: np.asarray(x.wire.value)[0] for x in _chosen(model, outputs, layer)}


def gradient_maps(
    model: Layer,
    picture: Any,
    label: Any,
    layer: Layer | str | None = None,
    *,
    loss: Loss | None = None,
    classes: Sequence[Any] | None = None,
) -> dict[str, np.ndarray]:
    """The pull on what layers make of a picture, by their names: (H, W, channels), or (units,).

    d(score of class `label`) / d(output), by default; with a `loss`, such as
    `SoftmaxCrossEntropy()`, d(loss) / d(output), where `label` is as the loss takes it. `picture`
    and `layer` are as in `activation_maps`; a class may be named, where `classes` are.

    Raises `CircuitError` as `activation_maps`, and where there is no such class.

    >>> from pullback.layers import Conv2d, Dense, Flatten, ReLU, Sequential
    >>> model = Sequential(Conv2d(2, 3), ReLU(), Flatten(), Dense(3))
    >>> y = model(np.zeros((1, 6, 6, 1)))
    >>> gradient_maps(model, np.eye(6), 2, "dense1")
    {'dense1': array([0., 0., 1.], dtype=float32)}
    """
    if not isinstance(loss, Loss | None):
        raise CircuitError(f"a loss is a Loss, such as SoftmaxCrossEntropy(), got {loss!r}")
    scores, outputs = run(model, Unit(picture_for(model, picture), "picture"))
    chosen = _chosen(model, outputs, layer)
    if loss is None:
        each = by_class(scores)
        y = each[0, class_number(label, each.shape[1], classes)]
    else:
        if isinstance(label, str):
            number = class_number(label, by_class(scores).shape[1], classes)
            label = int(loss.reading.labels(np.array([number]))[0])
        y = loss(scores, [label])
    found = gradient(y, [x.wire for x in chosen])
    return {x.path: np.asarray(g.value)[0] for x, g in zip(chosen, found, strict=True)}


def activations(
    model: Layer,
    picture: Any,
    layer: Layer | str | None = None,
    *,
    classes: Sequence[Any] | None = None,
    most: int = 64,
) -> Figure:
    """Draw what every channel of a layer makes of a picture, with matplotlib (extra `plot`).

    All channels of the layer share one scale; of more than `most`, the strongest are shown. A layer
    of plain units, such as Dense, is drawn as bars, which `classes` name in the last one. Without
    a `layer`, all are drawn, a strip for each with its strongest channels and a scale of its own.
    Arguments are as in `activation_maps`, as is what is raised, and without matplotlib.

    Source: Zeiler, Fergus, "Visualizing and understanding convolutional networks" (2014); the
    guide, chapter 4.

    >>> from pullback.layers import Conv2d, Dense, Flatten, ReLU, Sequential
    >>> model = Sequential(Conv2d(2, 3), ReLU(), Flatten(), Dense(3))
    >>> y = model(np.zeros((1, 6, 6, 1)))
    >>> figure = activations(model, np.eye(6), "relu1")
    >>> [axes.get_title() for axes in figure.axes]
    ['picture', '0', '1', '']
    """
    refuse_without_matplotlib()
    at_least_one(most=most)
    from pullback.images.seeing.drawing.channels import draw_layer, draw_strips

    array = picture_for(model, picture)
    maps = activation_maps(model, array[0], layer)
    names = None if classes is None else class_names(classes, _classes(model, array))
    if layer is None:
        return draw_strips(array[0], maps, "What each layer makes of the picture", names)
    ((path, values),) = maps.items()
    title = f"What {path} makes of the picture"
    return draw_layer(array[0], values, title, names, most=int(most))


def gradients(
    model: Layer,
    picture: Any,
    label: Any,
    layer: Layer | str | None = None,
    *,
    loss: Loss | None = None,
    classes: Sequence[Any] | None = None,
    most: int = 64,
) -> Figure:
    """Draw the gradient that flows back into each channel of a layer (extra `plot`).

    Red says that the score of the class, or the loss, would rise with the number there, blue that
    it would fall. Arguments are as in `gradient_maps`, and figures as in `activations`.

    Raises `CircuitError` as `gradient_maps`, and without matplotlib.
    Source: the guide, "Backpropagation".

    >>> from pullback.layers import Conv2d, Dense, Flatten, ReLU, Sequential
    >>> model = Sequential(Conv2d(2, 3), ReLU(), Flatten(), Dense(3))
    >>> y = model(np.zeros((1, 6, 6, 1)))
    >>> len(gradients(model, np.eye(6), 1).axes)  # the picture, two strips of two, and bars
    6
    """
    refuse_without_matplotlib()
    at_least_one(most=most)
    from pullback.images.seeing.drawing.channels import draw_layer, draw_strips

    array = picture_for(model, picture)
    maps = gradient_maps(model, array[0], label, layer, loss=loss, classes=classes)
    count = _classes(model, array)
    names = None if classes is None else class_names(classes, count)
    if loss is None:
        known = class_names(classes, count)
        of = f"the score of {known[class_number(label, count, classes)]!r}"
    else:
        of = f"the {type(loss).__name__}"
    if layer is None:
        title = f"How {of} changes with what each layer makes"
        return draw_strips(array[0], maps, title, names, signed=True)
    ((path, values),) = maps.items()
    title = f"How {of} changes with what {path} makes"
    return draw_layer(array[0], values, title, names, most=int(most), signed=True)


def _chosen(model: Layer, outputs: list[Output], layer: Layer | str | None) -> list[Output]:
    if layer is None:
        return telling(outputs)
    found = output_of(model, outputs, layer)
    if found.wire.dtype.kind != "f":
        raise CircuitError(
            f"the layer {found.path!r} makes {found.wire.dtype}, which are no floats"
        )
    return [found]


def _classes(model: Layer, picture: np.ndarray) -> int:
    scores, _ = run(model, Unit(picture, "picture"))
    return by_class(scores).shape[1]

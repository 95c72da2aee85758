"""In: a model. Out: the weights of one of its convolutions as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.figures import refuse_without_matplotlib
from pullback.images.seeing.given import taken_by
from pullback.images.seeing.outputs import named_layer
from pullback.inspect.arguments import at_least_one
from pullback.layers import Conv2d, ConvTranspose2d, DepthwiseConv2d, Layer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_KINDS = (Conv2d, DepthwiseConv2d, ConvTranspose2d)


def filter_pictures(model: Layer, layer: Layer | str | None = None) -> np.ndarray:
    """The filters of a convolution, (filters, KH, KW, channels); by default the first one's.

    `layer` is a Conv2d, DepthwiseConv2d or ConvTranspose2d, or its name, "residual1.conv2d2". A
    filter has the channels that it sees; of a ConvTranspose2d there is one for each channel that
    comes in, with the channels that it makes.

    Raises `CircuitError` where the model has not been called yet, there is no such layer, or it is
    no such convolution.

    >>> from pullback.layers import Conv2d, Sequential
    >>> model = Sequential(Conv2d(8, 5))
    >>> y = model(np.zeros((1, 28, 28, 3)))
    >>> filter_pictures(model).shape
    (8, 5, 5, 3)
    """
    _, found = _convolution(model, layer)
    return np.moveaxis(np.asarray(found.weight.value), 3, 0)


def filters(
    model: Layer,
    layer: Layer | str | None = None,
    *,
    scale: str = "shared",
    most: int = 64,
) -> Figure:
    """Draw the filters of a convolution as a grid of pictures, with matplotlib (extra `plot`).

    Filters that see the three channels of the pictures themselves are drawn in colour, where grey
    is a weight of 0; filters of one channel, red above 0 and blue below. Of filters of more
    channels there is a row for each, with a picture for each channel. Where there are more than
    `most` pictures, those of the largest norm are shown. `scale` "shared" draws the same weight in
    the same colour everywhere, "own" stretches each picture over all colours.

    Raises `CircuitError` as `filter_pictures`, and without matplotlib.
    Source: the guide, chapter 4; Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep
    convolutional neural networks" (2012), figure 3.

    >>> from pullback.layers import Conv2d, Sequential
    >>> model = Sequential(Conv2d(8, 5))
    >>> y = model(np.zeros((1, 28, 28, 3)))
    >>> figure = filters(model, "conv2d1")
    >>> len(figure.axes)
    8
    """
    refuse_without_matplotlib()
    at_least_one(most=most)
    if scale not in ("shared", "own"):
        raise CircuitError(f"scale is 'shared' or 'own', got {scale!r}")
    from pullback.images.seeing.drawing.weights import draw_filters, draw_matrix

    path, found = _convolution(model, layer)
    pictures = filter_pictures(model, found)
    colour = pictures.shape[3] == 3 and _sees_colours(model, found)
    draw = draw_filters if colour or pictures.shape[3] == 1 else draw_matrix
    return draw(pictures, path, own=scale == "own", most=int(most))


def _convolution(model: Layer, layer: Layer | str | None) -> tuple[str, Any]:
    """The convolution of a name, or the first, and its name."""
    taken_by(model)
    if layer is None:
        for path, found in model.walk():
            if isinstance(found, _KINDS) and found.built:
                return path, found
        raise CircuitError("the model has no convolution, whose filters could be seen")
    path, found = named_layer(model, layer)
    if not isinstance(found, _KINDS):
        kind = type(found).__name__
        known = [path for path, x in model.walk() if isinstance(x, _KINDS)]
        cure = f"these have: {', '.join(known)}" if known else "no layer has"
        raise CircuitError(f"the layer {path!r} is a {kind}, which has no filters; {cure}")
    if found.weight is None:
        raise CircuitError(f"the layer {path!r} has made no weights yet; it took no part in a call")
    return path, found


def _sees_colours(model: Layer, layer: Any) -> bool:
    """Whether a layer's channels are those of pictures: it is the first, or the last to make some.

    Channels that come in by the same shape as the model's pictures are taken for theirs.
    """
    if isinstance(layer, ConvTranspose2d):
        convolutions = [x for _, x in model.walk() if isinstance(x, _KINDS)]
        return convolutions[-1] is layer
    return layer.first_inputs[0][0] == model.first_inputs[0][0]

"""What layers of images refuse, and with which words."""

import re

import numpy as np
import pytest

import pullback as pb
from pullback.layers import Parallel, Residual
from pullback.models import resnet

IMAGES = np.random.default_rng(0).normal(size=(2, 8, 8, 3))
KINDS = {
    "Conv2d": lambda **told: pb.Conv2d(4, 3, **told),
    "DepthwiseConv2d": lambda **told: pb.DepthwiseConv2d(3, **told),
    "ConvTranspose2d": lambda **told: pb.ConvTranspose2d(4, 3, **told),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def refused(message):
    """A refusal that begins like this."""
    return pytest.raises(pb.CircuitError, match="^" + re.escape(message))


# Inputs ------------------------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize(
    ("shape", "cure"),
    [
        ((), ""),
        ((8, 3), ""),
        ((2, 8, 8, 3, 1), ""),
        (
            (8, 8, 3),
            "; a single image is a batch of one: x[None]; a single channel needs an axis of its "
            "own: x[..., None]",
        ),
    ],
)
def test_what_is_no_image_is_refused_at_the_first_call(kind, shape, cure):
    message = f"layer '{kind.lower()}' expects inputs of shape (N, H, W, C), got {shape}{cure}"
    with pytest.raises(pb.CircuitError, match=f"^{re.escape(message)}$"):
        KINDS[kind]()(np.ones(shape))


@kinds
@pytest.mark.parametrize(
    ("shape", "cure"),
    [
        ((2, 3, 8, 8), "; channels come last: np.moveaxis(x, 1, -1)"),
        ((2, 8, 8, 4), "; the layer was built for as many channels as its first input had"),
        ((8, 8, 3), "; a single image is a batch of one: x[None]"),
        ((8, 8, 4), ""),
    ],
)
def test_other_channels_are_refused_with_the_cure(kind, shape, cure):
    layer = KINDS[kind]()
    layer(IMAGES)
    message = f"layer '{kind.lower()}' expects inputs of shape (N, H, W, 3), got {shape}{cure}"
    with pytest.raises(pb.CircuitError, match=f"^{re.escape(message)}$"):
        layer(np.ones(shape))


def test_sequences_are_told_from_images():
    gray = pb.Conv1d(2, 3)
    gray(np.ones((2, 8, 1)))
    with refused(
        "layer 'conv1d' expects inputs of shape (N, L, 1), got (2, 8); a single channel needs an "
        "axis of its own: x[..., None]"
    ):
        gray(np.ones((2, 8)))
    for layer in (pb.Conv1d(2, 3), pb.MaxPool1d(2), pb.AveragePool1d(2)):
        with refused(f"layer {layer.name!r} expects inputs of shape (N, L, C), got (2, 8, 8, 3)"):
            layer(IMAGES)
        with refused(
            f"layer {layer.name!r} expects inputs of shape (N, L, C), got (8, 3); a single "
            "sequence is a batch of one"
        ):
            layer(np.ones((8, 3)))
    for layer in (pb.MaxPool2d(2), pb.AveragePool2d(2), pb.Upsample2d(2)):
        with refused(f"layer {layer.name!r} expects inputs of shape (N, H, W, C), got (8, 8, 3);"):
            layer(IMAGES[0])


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (pb.Conv2d(4, 9), (2, 8, 8, 3), "a window of 9 x 9 is larger than images of 8 x 8"),
        (pb.Conv2d(4, 5, dilation=2), (2, 8, 8, 3), "a window of 5 x 5, with dilation (2, 2)"),
        (pb.MaxPool2d(2), (2, 1, 1, 3), "a window of 2 x 2 is larger than images of 1 x 1"),
        (pb.MaxPool2d(2, padding=2), (2, 8, 8, 3), "with padding ((2, 2), (2, 2)) some windows"),
    ],
)
def test_windows_that_do_not_fit_are_refused_with_the_layers_name(layer, shape, message):
    with pytest.raises(pb.CircuitError, match=rf"^layer '\w+': \w+: {re.escape(message)}"):
        layer(np.ones(shape))


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (pb.Conv1d(4, 9), (2, 8, 3), "a window of 9 is larger than sequences of 8 with padding (0"),
        (
            pb.Conv1d(4, 3, dilation=5, padding=(1, 0)),
            (2, 8, 3),
            "a window of 3, with dilation 5 of 11, is larger than sequences of 8 with padding (1",
        ),
        (pb.MaxPool1d(9), (2, 8, 3), "a window of 9 is larger than sequences of 8"),
        (pb.AveragePool1d(2, padding=2), (2, 8, 3), "with padding (2, 2) some windows of 2 would"),
    ],
)
def test_windows_on_sequences_are_refused_in_words_of_sequences(layer, shape, message):
    with refused(f"layer {layer.name!r}: {message}"):
        layer(np.ones(shape))


@pytest.mark.parametrize("kind", [pb.MaxPool1d, pb.AveragePool1d])
def test_sequences_of_nothing_are_not_pooled(kind):
    layer = kind(2, padding="same")
    with refused(f"layer {layer.name!r} finds nothing to pool in sequences of shape (2, 0, 3)"):
        layer(np.ones((2, 0, 3)))


def test_windows_that_just_fit_on_sequences_are_taken():
    x = np.ones((2, 8, 3))
    assert pb.Conv1d(4, 9, padding=(0, 1))(x).shape == (2, 1, 4)
    assert pb.Conv1d(4, 4, dilation=2, padding="same")(x[:, :1]).shape == (2, 1, 4)
    assert pb.MaxPool1d(8)(x).shape == (2, 1, 3)
    assert pb.AveragePool1d(3, 1, padding=2)(x[:, :1]).shape == (2, 3, 3)


def test_channels_that_groups_do_not_divide_are_refused():
    for layer in (pb.Conv2d(4, 3, groups=2), pb.ConvTranspose2d(4, 3, groups=2)):
        with refused(f"layer {layer.name!r} cannot divide 3 channels into 2 groups"):
            layer(IMAGES)
    with refused("layer 'conv1d' cannot divide 3 channels into 2 groups"):
        pb.Conv1d(4, 3, groups=2)(IMAGES[0])
    with refused("layer 'groupnorm' cannot divide 3 channels into 2 groups"):
        pb.GroupNorm(2)(IMAGES)
    with refused("layer 'maxout' cannot divide 3 channels into pieces of 2"):
        pb.Maxout(pieces=2)(IMAGES)
    with refused("layer 'depthwiseconv2d' needs at least one channel, got (2, 8, 8, 0)"):
        pb.DepthwiseConv2d(3)(IMAGES[..., :0])


def test_padding_that_leaves_nothing_is_refused():
    with refused(
        "layer 'convtranspose2d': with padding ((3, 3), (3, 3)), nothing is left of what images "
        "of 4 x 4 make; take less"
    ):
        pb.ConvTranspose2d(2, 3, padding=3)(np.ones((1, 4, 4, 1)))


def test_images_of_no_pixels_have_neither_mean_nor_largest():
    for layer in (pb.GlobalAveragePool(), pb.GlobalMaxPool()):
        with refused(f"layer {layer.name!r} finds no pixels in inputs of shape (2, 0, 8, 3)"):
            layer(IMAGES[:, :0])
        with refused(f"layer {layer.name!r} expects inputs of shape (N, H, W, C), got (2, 3)"):
            layer(IMAGES[:, 0, 0])


def test_norms_of_other_sizes_are_refused():
    norm = pb.LayerNorm(axes=3)
    with refused("layer 'layernorm' expects inputs of an axis for the rows and 3 more, got (8, 8"):
        norm(IMAGES[0])
    norm(IMAGES)
    with refused("layer 'layernorm' expects inputs of shape (…, 8, 8, 3), got (2, 7, 8, 3)"):
        norm(IMAGES[:, :7])
    grouped = pb.GroupNorm(3)
    grouped(IMAGES)
    with refused("layer 'groupnorm' expects inputs of shape (…, 3), got (2, 8, 8, 2)"):
        grouped(IMAGES[..., :2])


def test_what_is_refused_at_the_first_call_leaves_nothing_behind(tmp_path):
    model = pb.Sequential(pb.Conv2d(4, 3), pb.Flatten(), pb.Dense(2))
    for small in (IMAGES[:, :2, :2], IMAGES[:, :2, :2, :1]):
        with refused("layer 'conv2d1': convolve: a window of 3 x 3 is larger than images of 2 x"):
            model(small)
    y = model(IMAGES).value
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(pb.Sequential.load(tmp_path / "m")(IMAGES).value, y)


# Arguments ---------------------------------------------------------------------------------------

LEAST = "of at least 1, a whole number, or 2 of them, got"


@kinds
@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"padding": "sam"}, ": padding must be whole numbers, 'same' or 'valid', got 'sam'"),
        ({"padding": 1.0}, ": padding must be whole numbers, 'same' or 'valid', got 1.0"),
        ({"padding": None}, ": padding must be whole numbers, 'same' or 'valid', got None"),
        ({"padding": np.ones(2, int)}, ": padding must be whole numbers, 'same' or 'valid', got a"),
        ({"padding": -1}, ": padding must be 0 or more, got -1"),
        ({"padding": (1, 2, 3)}, ": padding must be a number, (rows, columns) or ((top, bottom), "),
        ({"padding": ((1, 2, 3), 0)}, ": padding must be a whole number or two, got [1, 2, 3]"),
        ({"stride": 0}, f" needs a stride {LEAST} 0"),
        ({"stride": 1.5}, f" needs a stride {LEAST} 1.5"),
        ({"stride": (2,)}, f" needs a stride {LEAST} (2,)"),
        ({"dilation": (1, 0)}, f" needs a dilation {LEAST} (1, 0)"),
        ({"dtype": "int8"}, " needs a dtype of floats"),
    ],
)
def test_where_windows_lie_is_told_in_whole_numbers(kind, told, message):
    with refused(kind + message):
        KINDS[kind](**told)


@pytest.mark.parametrize("bad", [0, -1, 2.0, "3", (3, 3, 3), (3,), (), None, (3, 0)])
def test_sizes_are_whole_numbers_of_one_or_two_axes(bad):
    for make, what in (
        (lambda: pb.Conv2d(4, bad), "Conv2d needs a kernel"),
        (lambda: pb.DepthwiseConv2d(bad), "DepthwiseConv2d needs a kernel"),
        (lambda: pb.ConvTranspose2d(4, bad), "ConvTranspose2d needs a kernel"),
        (lambda: pb.MaxPool2d(bad), "MaxPool2d needs a size"),
        (lambda: pb.AveragePool2d(2, bad if bad is not None else 0), "AveragePool2d needs a str"),
        (lambda: pb.Upsample2d(bad), "Upsample2d needs a factor"),
    ):
        with refused(what):
            make()
    if bad != (3,):
        with refused("Conv1d needs a kernel of at least 1, a whole number, got"):
            pb.Conv1d(4, bad)
        with refused("MaxPool1d needs a size of at least 1, a whole number, got"):
            pb.MaxPool1d(bad)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pb.Conv2d(0, 3), "Conv2d needs at least one filter, got 0"),
        (lambda: pb.Conv1d(2.5, 3), "Conv1d needs a whole number of filters, got 2.5"),
        (lambda: pb.DepthwiseConv2d(3, 0), "DepthwiseConv2d needs at least one filter, got 0"),
        (lambda: pb.Conv2d(3, 3, groups=2), "Conv2d: 3 filters cannot be divided into 2 groups"),
        (lambda: pb.Conv2d(4, 3, groups=0), "Conv2d needs at least one group, got 0"),
        (lambda: pb.ConvTranspose2d(3, 3, groups=2), "ConvTranspose2d: 3 filters cannot be"),
        (
            lambda: pb.ConvTranspose2d(3, 3, stride=(2, 1), extra=(0, 1)),
            "ConvTranspose2d: extra must be less than the stride (2, 1), got (0, 1)",
        ),
        (
            lambda: pb.ConvTranspose2d(3, 3, stride=2, padding="same", extra=1),
            "ConvTranspose2d: padding='same' leaves no choice of extra, got 1",
        ),
        (lambda: pb.ConvTranspose2d(3, 3, extra=-1), "ConvTranspose2d needs a number of extra"),
        (lambda: pb.Conv1d(3, 3, padding="sam"), "Conv1d: padding must be whole numbers, 'same'"),
        (lambda: pb.MaxPool1d(3, padding=-1), "MaxPool1d: padding must be 0 or more, got -1"),
        (lambda: pb.Upsample2d(2, "cubic"), "Upsample2d knows 'nearest' and 'bilinear', got 'cub"),
        (lambda: pb.LayerNorm(axes=1.5), "LayerNorm needs a whole number of axes, got 1.5"),
        (lambda: pb.GroupNorm(0), "GroupNorm needs at least one group, got 0"),
        (lambda: pb.GroupNorm(2, -1.0), "GroupNorm needs an epsilon from 0 to below 1, got -1.0"),
        (lambda: pb.LocalResponseNorm(0), "LocalResponseNorm needs at least one channel, got 0"),
        (lambda: pb.LocalResponseNorm(3, np.inf), "LocalResponseNorm needs an alpha from 0, got i"),
        (lambda: pb.SpatialDropout(1.0), "SpatialDropout needs a rate from 0 to below 1, got 1.0"),
        (lambda: Residual(around=pb.ReLU()), "a Residual with a layer around needs one inside as"),
        (lambda: Residual(pb.ReLU(), around=True), "a Residual with a layer around needs one ins"),
        (lambda: Residual(pb.ReLU(), around=pb.ReLU), "around a Residual is a layer, or True, got"),
        (
            lambda: Residual(pb.ReLU(), around=pb.ReLU(), project=True),
            "a Residual has a projection or a layer around, not both",
        ),
    ],
)
def test_bad_arguments_are_refused_at_once(make, message):
    with refused(message):
        make()


def test_a_way_around_that_does_not_fit_is_refused():
    with refused("layer 'r' adds the way around of shape (2, 8, 8, 4) to (2, 6, 6, 4): let the la"):
        Residual(pb.Conv2d(4, 3), around=pb.Conv2d(4, 1), name="r")(IMAGES)
    two = Parallel(pb.ReLU(), pb.Tanh(), join="none")
    with refused("the layer around 'r' makes 2 outputs, not one"):
        Residual(pb.ReLU(), around=two, name="r")(IMAGES)


# What would be wrong in silence ------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda: pb.Conv2d(4, 3, padding="same"), resnet])
def test_images_whose_channels_come_first_are_told(make):
    with pytest.warns(UserWarning, match=r"images of 3 x 28 pixels with 28 channels; .*moveaxis"):
        make()(np.zeros((2, 3, 28, 28), np.float32))


def test_bytes_are_refused_by_what_learned_from_floats():
    model = pb.Sequential(pb.Conv2d(2, 3), pb.Flatten(), pb.Dense(2))
    pictures = np.zeros((3, 8, 8, 1), np.uint8)
    model(pictures / np.float32(255.0))
    for use in (model, model.predict):
        with refused("layer 'sequential' was made for pictures of float32, and these are bytes"):
            use(pictures)
    fresh = pb.Sequential(pb.Conv2d(2, 3), pb.Flatten(), pb.Dense(2))
    fresh(pictures)  # of bytes from the first
    assert fresh.predict(pictures).shape == (3, 2)


@pytest.mark.parametrize("make", [lambda: pb.LayerNorm(64), lambda: pb.GroupNorm(8, 32)])
def test_the_number_of_features_is_no_epsilon(make):
    with pytest.raises(pb.CircuitError, match="needs an epsilon from 0 to below 1, got"):
        make()

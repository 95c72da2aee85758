"""Layers of images: their names, copies and files; and wrong files."""

import copy
import json
import pickle
import time
import tracemalloc

import numpy as np
import pytest
from safetensors.numpy import save

import pullback as pb
from pullback.layers import Residual
from pullback.layers.storage import FORMAT

IMAGES = np.random.default_rng(0).normal(size=(2, 8, 8, 3))


def net():
    block = Residual(
        pb.Conv2d(4, 3, stride=2, padding="same"),
        pb.BatchNorm(),
        around=pb.Sequential(pb.Conv2d(4, 1, stride=2), pb.GroupNorm(2)),
    )
    return pb.Sequential(
        pb.Conv2d(4, (3, 2), padding=((1, 0), (0, 2)), name="stem"),
        block,
        pb.LocalResponseNorm(3),
        pb.ConvTranspose2d(3, 2, stride=2, extra=(1, 0)),
        pb.Upsample2d(2, "bilinear"),
        pb.MaxPool2d(3, 2, [1, (0, 1)]),
        pb.GlobalAveragePool(),
        rng=3,
    )


def test_nested_layers_are_named_by_where_they_are():
    model = net()
    model(IMAGES)
    assert list(model.weights) == [
        "stem.weight",
        "residual1.conv2d1.weight",
        "residual1.sequential1.conv2d1.weight",
        "convtranspose2d1.weight",
    ]
    assert list(model.state) == [
        "residual1.batchnorm1.mean",
        "residual1.batchnorm1.variance",
    ]
    scopes = {unit.scope for unit in pb.Circuit(model(IMAGES)).gates}
    assert "residual1/sequential1/groupnorm1" in scopes


def test_a_frozen_layer_gives_its_parameters_to_the_state():
    model = net()
    model(IMAGES)
    count = len(model.parameters)
    model[1].freeze()
    assert not [name for name in model.parameters if name.startswith("residual1")]
    assert "residual1.conv2d1.weight" in model.state
    model[1].unfreeze()
    assert len(model.parameters) == count


@pytest.mark.parametrize("way", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
@pytest.mark.parametrize("called", [False, True])
def test_copies_compute_the_same(way, called):
    model = net()
    if called:
        model(IMAGES)
    np.testing.assert_array_equal(way(model)(IMAGES).value, model(IMAGES).value)


def test_a_file_keeps_every_argument(tmp_path):
    model, training = net(), pb.Training()
    model(IMAGES, training=training)
    training.commit()
    model.save(tmp_path / "m")
    again = pb.Sequential.load(tmp_path / "m")
    assert repr(again) == repr(model)
    np.testing.assert_array_equal(again(IMAGES).value, model(IMAGES).value)


def test_numbers_of_numpy_are_plain_ones():
    two = np.int64(2)
    for layer in (
        pb.Conv2d(two, two, stride=two, padding=((two, 0), two), dilation=two, groups=np.int8(1)),
        pb.ConvTranspose2d(two, two, stride=two, extra=np.int64(1), padding=np.int64(1)),
        pb.DepthwiseConv2d(two, two, padding=np.int64(1)),
        pb.MaxPool2d((two, two), two, np.int64(1)),
        pb.Upsample2d(two),
        pb.GroupNorm(np.int64(3)),
        pb.LayerNorm(axes=np.int64(3)),
        pb.LocalResponseNorm(np.int64(3), np.float32(0.5)),
    ):
        layer(IMAGES)
        assert json.loads(json.dumps(dict(layer.config))) == layer.config
        assert "np." not in repr(layer)


def test_a_repr_can_be_written():
    for layer in (
        pb.Conv2d(4, (3, 5), stride=(1, 2), padding=((1, 2), 3), groups=2, bias=False),
        pb.Conv1d(4, 3, padding=(1, 2)),
        pb.MaxPool2d(2, padding="same"),
        pb.Maxout(pieces=4),
        pb.LayerNorm(axes=3),
        pb.ConvTranspose2d(4, 3, stride=2, extra=(1, 0)),
    ):
        assert repr(eval(repr(layer), vars(pb))) == repr(layer)
    assert repr(pb.Conv2d(4, (3, 5), padding=((1, 2), 3))) == (
        "Conv2d(4, [3, 5], padding=[[1, 2], 3])"
    )


def loaded(path, *layers, shape=(8, 8, 3), tensors=None):
    """A file that describes these layers, loaded."""
    model = {"kind": "Sequential", "name": "", "layers": list(layers)}
    config = {"model": model, "inputs": [{"shape": shape, "dtype": "float32"}]}
    tensors = tensors or {"spare": np.zeros(1, np.float32)}
    path.write_bytes(save(tensors, {"format": FORMAT, "config": json.dumps(config)}))
    return pb.Sequential.load(path)


CONV = {
    "kind": "Conv2d",
    "name": "c",
    "filters": 2,
    "kernel": 3,
    "stride": 1,
    "padding": "valid",
    "dilation": 1,
    "groups": 1,
    "bias": False,
    "initializer": "he",
    "dtype": "float32",
}
WEIGHT = {"c.weight": np.zeros((3, 3, 3, 2), np.float32)}


def test_the_description_that_wrong_ones_depart_from_loads(tmp_path):
    model = loaded(tmp_path / "m", CONV, tensors=WEIGHT)
    assert model(IMAGES).shape == (2, 6, 6, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kernel": "3"},
        {"kernel": [3]},
        {"kernel": [3, 3, 3]},
        {"kernel": 5},
        {"kernel": 10**12},
        {"kernel": None},
        {"filters": 3},
        {"stride": 0},
        {"padding": "sam"},
        {"padding": [1, [2]]},
        {"padding": {}},
        {"padding": 10**30},
        {"dilation": 4},
        {"dilation": 10**30},
        {"groups": 2},
        {"groups": 10**30},
        {"bias": True},
        {"bias": 1},
        {"extra": 1},
        {"units": 2},
        {"kind": "ConvTranspose2d"},
        {"kind": "DepthwiseConv2d"},
        {"kind": "MaxPool2d"},
    ],
)
def test_a_wrong_description_is_refused(wrong, tmp_path):
    with pytest.raises(pb.CircuitError, match="hostile ") as caught:
        loaded(tmp_path / "hostile", CONV | wrong, tensors=WEIGHT)
    assert len(str(caught.value)) < 600


HUGE = 10**9


@pytest.mark.parametrize(
    "layer",
    [
        {"kind": "MaxPool2d", "size": HUGE, "stride": 1, "padding": "same"},
        {"kind": "MaxPool2d", "size": 2, "stride": 1, "padding": "valid"},
        {"kind": "AveragePool2d", "size": HUGE, "stride": 1, "padding": HUGE - 1},
        {"kind": "AveragePool2d", "size": 2, "stride": 1, "padding": 1},
        {"kind": "Upsample2d", "factor": 9, "method": "nearest"},
        {"kind": "Upsample2d", "factor": 2, "method": "bilinear"},
        {"kind": "LocalResponseNorm", "size": HUGE, "alpha": 1.0, "beta": 0.75, "k": 1.0},
        {"kind": "GlobalAveragePool"},
        {"kind": "GlobalMaxPool"},
    ],
    ids=str,
)
def test_the_sizes_that_a_file_claims_cost_nothing(layer, tmp_path):
    start = time.perf_counter()
    tracemalloc.start()
    try:
        with pytest.raises(pb.CircuitError, match="hostile "):  # the spare tensor, at the latest
            loaded(tmp_path / "hostile", layer | {"name": "l"}, shape=(HUGE, HUGE, 7))
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - start < 5.0

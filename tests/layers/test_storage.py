"""Saved models come back equal; damaged, foreign and hostile files are refused."""

import copy
import json
import os
import pickle

import numpy as np
import pytest
from safetensors.numpy import save

import pullback as pb
from pullback.layers import (
    BatchNorm,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    LayerNorm,
    Model,
    Parallel,
    Residual,
    Training,
)
from pullback.layers.storage import FORMAT

X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)


@pytest.fixture
def model():
    """One of every kind of composite, with state, a shared layer and a branch."""
    shared = pb.Dense(4, initializer="glorot")
    model = pb.Sequential(
        shared,
        pb.Tanh(),
        Residual(shared, BatchNorm(), Dropout(0.1)),
        Parallel(pb.Sequential(pb.Dense(2, bias=False)), Residual(pb.Dense(3), project=True)),
        rng=4,
    )
    training = Training()
    model(X, training=training)
    training.commit()
    return model


def test_round_trip(model, tmp_path):
    model.save(tmp_path / "m.safetensors")
    again = pb.Sequential.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again(X).value, model(X).value)
    assert repr(again) == repr(model)
    assert (
        list(again.state)
        == list(model.state)
        == [
            "residual1.batchnorm1.mean",
            "residual1.batchnorm1.variance",
        ]
    )
    for name, unit in model.state.items():
        np.testing.assert_array_equal(again.state[name].value, unit.value)
    assert os.listdir(tmp_path) == ["m.safetensors"]  # nothing is left at the side


def test_an_unbuilt_model_has_nothing_to_save(tmp_path):
    with pytest.raises(pb.CircuitError, match="no parameters yet"):
        pb.Sequential(pb.Dense(3)).save(tmp_path / "m")


def test_a_missing_folder_is_named(model, tmp_path):
    with pytest.raises(pb.CircuitError, match="cannot write to the folder"):
        model.save(tmp_path / "no" / "m")


def test_every_truncation_and_many_flips_are_refused_or_load(model, tmp_path):
    path = tmp_path / "m"
    model.save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    damaged = [whole[:n] for n in range(0, len(whole), 37)]
    for _ in range(150):
        flipped = bytearray(whole)
        flipped[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
        damaged.append(bytes(flipped))
    for data in damaged:
        path.write_bytes(data)
        try:
            loaded = pb.Sequential.load(path)
        except pb.CircuitError:
            continue
        assert isinstance(loaded, pb.Sequential)  # the flip hit a number, or a name's letter


def described(layers, shape=(4,), dtype="float32"):
    model = {"kind": "Sequential", "name": "", "layers": layers}
    return json.dumps({"model": model, "inputs": [{"shape": shape, "dtype": dtype}]})


DENSE = {
    "kind": "Dense",
    "name": "d",
    "units": 3,
    "bias": True,
    "initializer": "he",
    "dtype": "float32",
}
TENSORS = {"d.weight": np.zeros((4, 3), np.float32), "d.bias": np.zeros(3, np.float32)}


def write(path, config):
    path.write_bytes(save(TENSORS, {"format": FORMAT, "config": config}))


def test_the_description_that_hostile_ones_depart_from_loads(tmp_path):
    write(tmp_path / "m", described([DENSE]))
    assert repr(pb.Sequential.load(tmp_path / "m")) == "Sequential(Dense(3))"


def nested(depth):
    opening = '{"kind": "Sequential", "name": "s", "layers": [' * depth
    inner = '{"kind": "ReLU", "name": "r"}' + "]}" * depth
    return f'{{"model": {opening}{inner}, "inputs": [{{"shape": [4], "dtype": "float32"}}]}}'


@pytest.mark.parametrize(
    "config",
    [
        *("[]", "{}", "3", "not json", "[" * 100_000, nested(100_000), nested(900)),
        described([]),
        described({}),
        described([DENSE], shape=[10**12]),
        described([DENSE], shape=[10**9, 10**9, 4]),
        described([DENSE], shape=[-4]),
        described([DENSE], shape="4"),
        described([DENSE], dtype="object"),
        described([DENSE], dtype="i4,(9999,9999)f8"),
        described([DENSE], dtype=7),
        json.dumps({"model": json.loads(described([DENSE]))["model"], "inputs": []}),
        json.dumps({"model": json.loads(described([DENSE]))["model"], "inputs": [{}, {}]}),
        described([DENSE | {"units": 10**12}]),
        described([DENSE | {"units": "3"}]),
        described([DENSE | {"units": 3.0}]),
        described([DENSE | {"units": None}]),
        described([DENSE | {"rng": 1}]),
        described([DENSE | {"kind": "Exec"}]),
        described([DENSE | {"kind": ["Dense"]}]),
        described([DENSE | {"kind": "Layer"}]),
        described([DENSE | {"name": "a.d"}]),
        described([DENSE | {"name": 5}]),
        described([DENSE | {"initializer": "system"}]),
        described([DENSE | {"initializer": []}]),
        described([DENSE | {"dtype": "float64"}]),
        described([DENSE | {"layers": [DENSE]}]),
        described([DENSE, {"kind": "Reshape", "name": "r", "shape": [10**9, -1]}]),
        described([DENSE, {"kind": "Dropout", "name": "r", "rate": float("nan")}]),
        described([DENSE, {"kind": "LeakyReLU", "name": "r", "slope": 1e999}]),
        described([DENSE, {"shared": "e"}]),
        described([DENSE, {"shared": []}]),
        described([{"shared": ""}]),
        described([DENSE, DENSE]),
        described([DENSE, 5]),
    ],
)
def test_hostile_descriptions_are_refused(config, tmp_path):
    write(tmp_path / "hostile", config)
    with pytest.raises(pb.CircuitError, match="hostile ") as caught:
        pb.Sequential.load(tmp_path / "hostile")
    assert caught.value.__cause__ is None
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["d.weight"], "'d.bias' is missing"),
        (["d.weight", "d.bias", "d.more"], "'d.more' is missing, or is too much"),
        (["d.weight", "d.bias", "e.weight"], "'e.weight' is missing, or is too much"),
        ([], "'d.weight' is missing"),
    ],
)
def test_tensors_that_are_missing_or_too_many_are_named(names, message, tmp_path):
    tensors = {name: TENSORS.get(name, np.zeros(3, np.float32)) for name in names}
    metadata = {"format": FORMAT, "config": described([DENSE])}
    (tmp_path / "m").write_bytes(save(tensors, metadata))
    with pytest.raises(pb.CircuitError, match=message):
        pb.Sequential.load(tmp_path / "m")


def test_no_memory_is_taken_that_the_file_does_not_hold(tmp_path):
    import tracemalloc

    wide = DENSE | {"units": 100_000}
    write(tmp_path / "m", described([DENSE, wide | {"name": "e"}], shape=[100_000, 4]))
    tracemalloc.start()
    write(tmp_path / "huge", described([DENSE], shape=[10**6, 10**6, 4]))
    pb.Sequential.load(tmp_path / "huge")
    with pytest.raises(pb.CircuitError, match=r"'e\.weight' is missing"):
        pb.Sequential.load(tmp_path / "m")
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_a_file_of_a_later_version_says_so(tmp_path):
    later = {"format": "pullback model, version 99", "pullback": "7.1.0", "config": "{}"}
    (tmp_path / "m").write_bytes(save(TENSORS, later))
    with pytest.raises(pb.CircuitError, match=r"written by pullback 7\.1\.0 in format 99.*update"):
        pb.Sequential.load(tmp_path / "m")


def test_the_version_of_the_library_is_in_the_file(model, tmp_path):
    from safetensors import safe_open

    model.save(tmp_path / "m")
    with safe_open(tmp_path / "m", framework="numpy") as file:
        assert file.metadata()["pullback"] == pb.__version__


def test_a_file_of_another_kind_of_layer_is_refused(model, tmp_path):
    model.save(tmp_path / "m")
    assert isinstance(Layer.load(tmp_path / "m"), pb.Sequential)
    with pytest.raises(
        pb.CircuitError, match=r"holds a Sequential, not a Dense; use Sequential\.l"
    ):
        pb.Dense.load(tmp_path / "m")


def test_inputs_of_integers_and_several_inputs_come_back(tmp_path):
    towers = Parallel(pb.Sequential(Embedding(9, 2), Flatten()), LayerNorm())
    a, b = np.array([[1, 2, 3], [4, 5, 8]]), np.ones((2, 4), np.float32)
    wanted = towers(a, b).value
    towers.save(tmp_path / "m")
    np.testing.assert_array_equal(Parallel.load(tmp_path / "m")(a, b).value, wanted)


def test_frozen_parameters_are_saved(model, tmp_path):
    model.freeze().save(tmp_path / "m")
    again = pb.Sequential.load(tmp_path / "m")
    assert list(again.parameters) == list(model.unfreeze().parameters)
    np.testing.assert_array_equal(again(X).value, model(X).value)


# Models, whose code no file holds ----------------------------------------------------------------


def wired(units=3):
    def forward(layers, x, training):
        return layers.head(layers.norm(layers.body(x, training=training), training=training))

    return Model(forward, body=pb.Dense(units), norm=BatchNorm(), head=pb.Dense(1), rng=7)


def test_a_model_that_is_built_again_takes_the_numbers(tmp_path):
    model, training = wired(), Training()
    model(X, training=training)
    training.commit()
    model.save(tmp_path / "m")
    unbuilt, other = wired(), wired()
    other.rng = 8
    other(X)
    for again in (unbuilt, other):
        again.load_parameters(tmp_path / "m")
        np.testing.assert_array_equal(again(X).value, model(X).value)
    for inside in (model, pb.Sequential(model, pb.ReLU())):
        inside(X)
        inside.save(tmp_path / "m")
        with pytest.raises(pb.CircuitError, match="a layer 'Model', whose code no file holds"):
            Layer.load(tmp_path / "m")


def test_numbers_that_do_not_fit_change_nothing(tmp_path):
    wide = wired(5)
    wide(X)
    wide.save(tmp_path / "m")
    model = wired()
    before = model(X).value
    with pytest.raises(pb.CircuitError, match=r"m does not fit the model: 'body\.weight' should"):
        model.load_parameters(tmp_path / "m")
    np.testing.assert_array_equal(model(X).value, before)
    with pytest.raises(pb.CircuitError, match=r"does not fit the model: 'body\.weight' should be"):
        wired().load_parameters(tmp_path / "m")
    plain = pb.Sequential(pb.Dense(2))
    with pytest.raises(pb.CircuitError, match=r"does not fit.*'\w+\.\w+' is missing"):
        plain.load_parameters(tmp_path / "m")
    with pytest.raises(pb.CircuitError, match="there is no model file"):
        plain.load_parameters(tmp_path / "n")


def test_foreign_files_are_refused(tmp_path):
    path = tmp_path / "m"
    with pytest.raises(pb.CircuitError, match="there is no model file"):
        pb.Sequential.load(path)
    path.write_bytes(save({"a": np.zeros(3)}))
    with pytest.raises(pb.CircuitError, match="not a model of this version"):
        pb.Sequential.load(path)
    path.write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(pb.CircuitError, match="not a pullback model"):
        pb.Sequential.load(path)


def test_a_tensor_of_another_dtype_is_refused(model, tmp_path):
    path = tmp_path / "m"
    model.save(path)
    path.write_bytes(path.read_bytes().replace(b'"F32"', b'"I32"'))
    with pytest.raises(pb.CircuitError, match=r"is damaged: 'dense1\.weight' should be"):
        pb.Sequential.load(path)


def test_a_saved_model_has_the_permissions_of_any_new_file(model, tmp_path):
    (tmp_path / "other").write_text("")
    model.save(tmp_path / "m")
    assert (tmp_path / "m").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(model, tmp_path, value):
    path = tmp_path / "m"
    model.save(path)
    path.write_bytes(path.read_bytes()[:-4] + np.float32(value).tobytes())
    with pytest.raises(pb.CircuitError, match=r"is damaged: '.*' has values that are not finite"):
        pb.Sequential.load(path)


def test_a_folder_is_no_file_to_save_to(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in (".", tmp_path):
        with pytest.raises(pb.CircuitError, match="it is a folder; name a file in it"):
            model.save(folder)


# Pickles -----------------------------------------------------------------------------------------


def test_a_built_layer_pickles_and_copies():
    layers = pb.Dense(4), pb.BatchNorm(), pb.Residual(pb.Dense(4).freeze()), pb.Dense(2)
    model = pb.Sequential(*layers, rng=3)
    x = np.random.default_rng(0).normal(size=(5, 3))
    y = model(x).value
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(twin(x).value, y)
        assert list(twin.parameters) == list(model.parameters)
        weight = next(iter(twin.parameters.values()))
        weight.value = weight.value + 1.0
        np.testing.assert_array_equal(model(x).value, y)
    unbuilt = pb.Sequential(pb.Dense(4), rng=3)
    for twin in (pickle.loads(pickle.dumps(unbuilt)), copy.deepcopy(unbuilt)):
        np.testing.assert_array_equal(twin(x).value, pb.Sequential(pb.Dense(4), rng=3)(x).value)

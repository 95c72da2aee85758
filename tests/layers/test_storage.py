"""Saved models come back equal; damaged, foreign and hostile files are refused."""

import json
import os

import numpy as np
import pytest
from safetensors.numpy import save

import pullback as pb
from pullback.layers.storage import FORMAT

X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)


@pytest.fixture
def model():
    model = pb.Sequential(
        pb.Dense(3, initializer="glorot"), pb.Tanh(), pb.Sequential(pb.Dense(2, bias=False)), rng=4
    )
    model(X)
    return model


def test_round_trip(model, tmp_path):
    model.save(tmp_path / "m.safetensors")
    again = pb.Sequential.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again(X).value, model(X).value)
    assert repr(again) == repr(model)
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


@pytest.mark.parametrize(
    "config",
    [
        "[]",
        "{}",
        "not json",
        "[" * 100_000,
        json.dumps({"layers": [], "input_shape": [4]}),
        json.dumps(
            {"layers": [{"kind": "Dense", "name": "d", "units": 10**12}], "input_shape": [4]}
        ),
        json.dumps({"layers": [{"kind": "Exec", "name": "d"}], "input_shape": [4]}),
        json.dumps({"layers": [{"kind": "Dense", "name": "d", "units": "3"}], "input_shape": "4"}),
        json.dumps({"layers": [{"kind": "Dense", "name": "d", "rng": 1}], "input_shape": [4]}),
    ],
)
def test_hostile_descriptions_are_refused(config, tmp_path):
    tensors = {"d.weight": np.zeros((4, 3), np.float32), "d.bias": np.zeros(3, np.float32)}
    (tmp_path / "m").write_bytes(save(tensors, {"format": FORMAT, "config": config}))
    with pytest.raises(pb.CircuitError, match="m"):
        pb.Sequential.load(tmp_path / "m")


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

"""Attention computes what PyTorch's does: values, weights and all gradients, in double precision.

Several settings of a kind stand in one Program, so that the native engine compiles once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

import pullback as pb

torch = pytest.importorskip("torch", reason="torch is not installed: it is in the extra `bench`")
F8: Any = {"dtype": "float64"}


@dataclass
class Setting:
    """A layer and its inputs; PyTorch's module, called with `theirs`; and which wire is which.

    `pairs` has for each of PyTorch's parameters ours, side by side, which lie the other way round.
    `lengths` are those of the last of `inputs`, and `counts` the steps of the outputs that do.
    """

    layer: pb.Layer
    inputs: list[np.ndarray]
    module: Any
    theirs: Callable[..., Any]
    pairs: dict[str, list[str]]
    lengths: np.ndarray | None = None
    counts: Any = 1.0


def padding(rng, rows, steps, given):
    lengths = rng.integers(1, steps + 1, rows) if given else None
    behind = None if lengths is None else np.arange(steps) >= lengths[:, None]
    return lengths, behind, None if behind is None else torch.tensor(behind)


def ahead(steps):
    return torch.ones(steps, steps, dtype=torch.bool).triu(1)


SELF = [  # rows, steps, heads, size of each, causal, lengths, bias
    (2, 5, 1, 4, False, False, True),
    (3, 7, 2, 3, True, False, True),
    (1, 1, 3, 1, True, True, True),
    (4, 6, 4, 2, False, True, False),
    (5, 9, 2, 8, True, True, True),
    (1, 13, 5, 1, True, False, False),
]


def self_attention(rng, rows, steps, heads, size, causal, padded, bias):
    n = heads * size
    lengths, behind, mask = padding(rng, rows, steps, padded)
    module = torch.nn.MultiheadAttention(n, heads, bias=bias, batch_first=True, dtype=torch.float64)

    def theirs(x):
        told = {"key_padding_mask": mask, "attn_mask": ahead(steps) if causal else None}
        return module(x, x, x, average_attn_weights=False, **told)

    pairs = {"in_proj_weight": ["weight"], "out_proj.weight": ["output_weight"]}
    if bias:
        pairs |= {"in_proj_bias": ["bias"], "out_proj.bias": ["output_bias"]}
    layer = pb.SelfAttention(heads, causal=causal, bias=bias, **F8)
    counts = 1.0 if behind is None else ~behind[:, :, None] * 1.0
    x = rng.normal(size=(rows, steps, n))
    return Setting(layer, [x], module, theirs, pairs, lengths, counts)


CROSS = [  # rows, steps, heads, size of each, steps and features of the memory, lengths, bias
    (2, 5, 1, 4, 3, 2, False, True),
    (3, 1, 2, 3, 7, 5, True, True),
    (4, 6, 3, 2, 1, 6, False, True),
    (2, 3, 2, 2, 11, 1, True, True),
]


def cross_attention(rng, rows, steps, heads, size, memory, features, padded, bias):
    n = heads * size
    lengths, _, mask = padding(rng, rows, memory, padded)
    module = torch.nn.MultiheadAttention(
        n, heads, bias=bias, kdim=features, vdim=features + 1, batch_first=True, dtype=torch.float64
    )
    # With other features for keys than for values PyTorch has a weight for each; ours are the same.
    module.v_proj_weight = torch.nn.Parameter(torch.zeros(n, features, dtype=torch.float64))

    def theirs(x, memory):
        return module(x, memory, memory, average_attn_weights=False, key_padding_mask=mask)

    pairs = {
        "q_proj_weight": ["weight"],
        "k_proj_weight,v_proj_weight": ["memory_weight"],
        "out_proj.weight": ["output_weight"],
        "in_proj_bias": ["bias", "memory_bias"],
        "out_proj.bias": ["output_bias"],
    }
    layer = pb.CrossAttention(heads, bias=bias, **F8)
    inputs = [rng.normal(size=(rows, steps, n)), rng.normal(size=(rows, memory, features))]
    return Setting(layer, inputs, module, theirs, pairs, lengths)


BLOCKS = [  # rows, steps, heads, size of each, hidden, activation, causal, lengths
    (2, 5, 1, 4, None, "gelu", False, False),
    (3, 7, 2, 3, 5, "gelu", True, False),
    (4, 6, 2, 2, 1, "relu", False, True),
    (5, 9, 3, 1, None, "gelu", True, True),
]


def block(rng, rows, steps, heads, size, hidden, activation, causal, padded):
    n = heads * size
    lengths, behind, mask = padding(rng, rows, steps, padded)
    module = torch.nn.TransformerEncoderLayer(
        n, heads, hidden or 4 * n, 0.0, activation,
        batch_first=True, norm_first=True, dtype=torch.float64,
    )  # fmt: skip

    def theirs(x):
        return module(x, ahead(steps) if causal else None, mask), None

    pairs = {
        "self_attn.in_proj_weight": ["attention.weight"],
        "self_attn.in_proj_bias": ["attention.bias"],
        "self_attn.out_proj.weight": ["attention.output_weight"],
        "self_attn.out_proj.bias": ["attention.output_bias"],
        "linear1.weight": ["hidden_weight"],
        "linear1.bias": ["hidden_bias"],
        "linear2.weight": ["output_weight"],
        "linear2.bias": ["output_bias"],
    }
    for k in "12":
        pairs |= {f"norm{k}.weight": [f"norm{k}.scale"], f"norm{k}.bias": [f"norm{k}.bias"]}
    layer = pb.TransformerBlock(heads, hidden, activation=activation, causal=causal, **F8)
    counts = 1.0 if behind is None else ~behind[:, :, None] * 1.0
    x = rng.normal(size=(rows, steps, n))
    return Setting(layer, [x], module, theirs, pairs, lengths, counts)


KINDS = {
    "SelfAttention": (self_attention, SELF),
    "CrossAttention": (cross_attention, CROSS),
    "TransformerBlock": (block, BLOCKS),
}


def fill(setting, rng):
    """Give PyTorch's parameters the numbers of ours; random ones, biases too."""
    ours = {name.partition(".")[2]: unit for name, unit in setting.layer.parameters.items()}
    theirs = dict(setting.module.named_parameters())
    for names, own in setting.pairs.items():
        for name in own:
            ours[name].value = rng.normal(size=ours[name].shape)
        whole = np.concatenate([ours[name].value for name in own]).T
        parts = np.split(whole, len(names.split(",")))
        with torch.no_grad():
            for name, part in zip(names.split(","), parts, strict=True):
                theirs[name].copy_(torch.tensor(np.ascontiguousarray(part)))
    assert {name for own in setting.pairs.values() for name in own} == set(ours)
    assert {name for names in setting.pairs for name in names.split(",")} == set(theirs)
    return ours, theirs


@cache
def made(kind):
    """A Program of all settings, its inputs, and what PyTorch makes of them."""
    rng = np.random.default_rng(len(kind))
    make, settings = KINDS[kind]
    inputs, outputs, values, wanted = {}, {}, {}, {}
    for k, told in enumerate(settings):
        setting = make(rng, *told)
        xs = [pb.Unit(np.zeros_like(x), "x") for x in setting.inputs]
        lengths = [] if setting.lengths is None else [pb.Unit(setting.lengths, "lengths")]
        setting.layer(*xs, *lengths)
        ours, theirs = fill(setting, rng)
        y = setting.layer(*xs, *lengths)
        given = [torch.tensor(x, requires_grad=True) for x in setting.inputs]
        answer, weights = setting.theirs(*given)
        answer = answer * torch.tensor(setting.counts)
        pull = rng.normal(size=y.shape)
        answer.backward(torch.tensor(pull))
        named = {f"x{k}.{i}": x for i, x in enumerate((*xs, *lengths))}
        inputs |= named
        values |= dict(zip(named, (*setting.inputs, setting.lengths), strict=False))
        label = f"{k} {told}"
        outputs[label], wanted[label] = y, answer.detach().numpy()
        if weights is not None:
            seen = pb.attention_weights(setting.layer, *setting.inputs, *lengths)
            np.testing.assert_allclose(
                next(iter(seen.values())), weights.detach().numpy(), rtol=1e-12, atol=1e-14
            )
        gradients = pb.gradient(y, [*xs, *ours.values()], pull)
        found = dict(zip([*range(len(xs)), *ours], gradients, strict=True))
        for i, x in enumerate(given):
            outputs[f"{label}, by input {i}"] = found[i]
            wanted[f"{label}, by input {i}"] = x.grad.numpy()
        for names, own in setting.pairs.items():
            grad = np.concatenate([theirs[name].grad.numpy() for name in names.split(",")]).T
            ends = np.cumsum([ours[name].shape[0] for name in own])[:-1]
            for name, part in zip(own, np.split(grad, ends), strict=True):
                outputs[f"{label}, by {name}"] = found[name]
                wanted[f"{label}, by {name}"] = part
    return pb.Program(inputs, outputs, {}), values, wanted


@pytest.fixture(autouse=True)
def native_code_is_watched(monkeypatch):
    """Native code lies between bytes that must not change, and is the same in every run."""
    monkeypatch.setenv("PULLBACK_GUARD", "1")
    monkeypatch.setenv("PULLBACK_TUNE", "0")


@pytest.mark.parametrize(("engine", "threads"), [("eager", None), ("native", 1), ("native", 2)])
@pytest.mark.parametrize("kind", KINDS)
def test_values_and_gradients_are_pytorchs(kind, engine, threads):
    program, values, wanted = made(kind)
    got = pb.prepare(engine, program, threads=threads)(**values)
    assert set(got) == set(wanted)
    for label, value in wanted.items():
        assert np.shape(got[label]) == value.shape, label
        np.testing.assert_allclose(got[label], value, rtol=1e-10, atol=1e-11, err_msg=label)

"""The transformer: its size, how it starts, and how it learns, beside PyTorch's."""

import json
import math

import numpy as np
import pytest

import pullback as pb
from pullback.layers.description import construct, describe
from pullback.models import transformer

VOCABULARY, UNITS, BLOCKS, HEADS, STEPS, ROWS = 11, 8, 2, 2, 6, 5
RATE = 1e-2


def small(dropout=0.0):
    return transformer(VOCABULARY, UNITS, BLOCKS, HEADS, STEPS, dropout=dropout)


def double(model):
    """The same model, of double precision."""
    return construct(json.loads(json.dumps(describe(model)).replace("float32", "float64")))


def trained(model):
    """A step of training by Adam as a Program, of whole numbers and those that come next."""
    x = pb.Unit(np.zeros((ROWS, STEPS), np.int64), "x")
    labels = pb.Unit(np.zeros((ROWS, STEPS), np.int64), "labels")
    scores = model(x)
    rows = pb.reshape(scores, (ROWS * STEPS, VOCABULARY))
    loss = pb.SoftmaxCrossEntropy()(rows, pb.reshape(labels, ROWS * STEPS))
    parameters, optimizer = list(model.parameters.values()), pb.Adam(RATE)
    memory = optimizer.init(parameters)
    moved, news = optimizer.update(pb.gradient(loss, parameters), memory, parameters)
    updates = dict(zip([*parameters, *memory], [*moved, *news], strict=True))
    return pb.Program({"x": x, "labels": labels}, {"loss": loss}, updates)


def batches(count):
    """Two symbols by turns, a new pair in each row: one must look back to know the next."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        text = rng.integers(VOCABULARY, size=(ROWS, STEPS + 1))
        for t in range(2, STEPS + 1):
            text[:, t] = text[:, t - 2]
        yield {"x": text[:, :-1], "labels": text[:, 1:]}


def test_it_starts_by_knowing_nothing_and_varies_little_with_depth():
    for blocks in (1, 8):
        model = transformer(65, 64, blocks, 4, 16)
        scores = model(np.random.default_rng(0).integers(65, size=(4, 16))).value
        probabilities = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
        assert np.all(abs(np.log(probabilities) + math.log(65)) < 1.0)
        ends = [w for name, w in model.weights.items() if name.endswith("output_weight")]
        assert len(ends) == 2 * blocks
        for w in ends:
            np.testing.assert_allclose(w.value.std(), 0.02 / math.sqrt(2 * blocks), rtol=0.1)


def test_the_number_of_parameters():
    n, block = 128, 12 * 128 * 128 + 13 * 128
    assert transformer(65).summary(64, dtype="int64").parameters == (
        65 * n + 64 * n + 4 * block + 2 * n + n * 65 + 65
    )


def test_a_longer_text_than_it_has_places_for_is_refused():
    with pytest.raises(pb.CircuitError, match="has 6 places, got sequences of 7"):
        small()(np.zeros((1, STEPS + 1), np.int64))


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_it_learns_and_in_training_it_drops(engine):
    model = small()
    run = pb.prepare(engine, trained(model))
    losses = [float(run(**batch)["loss"]) for batch in batches(300)]
    assert losses[0] > 2.0
    assert np.mean(losses[-20:]) < 0.75 * losses[0]
    dropping, (batch,) = small(dropout=0.5), batches(1)
    first, second = (dropping(batch["x"], training=pb.Training(step=k)).value for k in (0, 1))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(dropping(batch["x"]).value, dropping(batch["x"]).value)


@pytest.mark.parametrize("engine", ["eager", "native", "jax"])
def test_fifty_steps_are_pytorchs(engine):
    torch = pytest.importorskip("torch", reason="torch is not installed: extra `bench`")
    if engine == "jax":
        pytest.importorskip("jax", reason="jax is not installed: it is in the extra `jax`")
    model = double(small())
    run = pb.prepare(engine, trained(model))
    parts = twin(torch, model)
    parameters = [p for part in parts for p in part.parameters()]
    optimizer = torch.optim.Adam(parameters, RATE)
    for batch in batches(50):
        table, places, *blocks, norm, last = parts
        y = table(torch.tensor(batch["x"])) + places.weight
        for block in blocks:
            y = block(y, torch.ones(STEPS, STEPS, dtype=torch.bool).triu(1))
        scores = last(norm(y)).flatten(0, 1)
        loss = torch.nn.functional.cross_entropy(scores, torch.tensor(batch["labels"]).flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        np.testing.assert_allclose(run(**batch)["loss"], loss.item(), rtol=1e-9)


def twin(torch, model):
    """PyTorch's modules with the parameters of the model."""
    nn, told = torch.nn, {"dtype": torch.float64}
    parts = [
        nn.Embedding(VOCABULARY, UNITS, **told),
        nn.Embedding(STEPS, UNITS, **told),
        *(
            nn.TransformerEncoderLayer(
                UNITS, HEADS, 4 * UNITS, 0.0, "gelu", batch_first=True, norm_first=True, **told
            )
            for _ in range(BLOCKS)
        ),
        nn.LayerNorm(UNITS, **told),
        nn.Linear(UNITS, VOCABULARY, **told),
    ]
    ours = {name: unit.value for name, unit in model.parameters.items()}
    names = ["embedding1.table", "positionembedding1.table"]
    for k in range(1, BLOCKS + 1):
        inside = (
            "attention.weight", "attention.bias", "attention.output_weight",
            "attention.output_bias", "hidden_weight", "hidden_bias", "output_weight", "output_bias",
            "norm1.scale", "norm1.bias", "norm2.scale", "norm2.bias",
        )  # fmt: skip
        names += [f"transformerblock{k}.{name}" for name in inside]
    names += ["layernorm1.scale", "layernorm1.bias", "dense1.weight", "dense1.bias"]
    theirs = [p for part in parts for p in part.parameters()]
    assert sorted(names) == sorted(ours)
    with torch.no_grad():
        for name, p in zip(names, theirs, strict=True):
            turned = name.endswith("weight")
            p.copy_(torch.tensor(np.array(ours[name].T if turned else ours[name])))
    return parts

"""Who looks at whom: causal and padded sequences, what is seen of it, and what is refused."""

import numpy as np
import pytest
from tests.layers import attending

import pullback as pb
from pullback.layers.attention.weights import AttentionWeights

RNG = np.random.default_rng(0)
F8 = {"dtype": "float64"}
LAYERS = {
    "attention": lambda **told: pb.SelfAttention(2, **told, **F8),
    "block": lambda **told: pb.TransformerBlock(2, 5, **told, **F8),
    "two blocks": lambda **told: pb.Sequential(
        pb.TransformerBlock(2, 5, **told, **F8), pb.TransformerBlock(1, 3, **told, **F8)
    ),
}
TAKING_LENGTHS = ["attention", "block"]
X = RNG.normal(size=(3, 6, 4))


def numbers(layer):
    return {name.partition(".")[2]: unit.value for name, unit in layer.parameters.items()}


# Causal ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["eager", "native"])
@pytest.mark.parametrize("kind", LAYERS)
def test_a_later_input_changes_no_earlier_output_in_any_bit(kind, engine):
    layer = LAYERS[kind](causal=True)
    x = pb.Unit(X, "x")
    run = pb.prepare(engine, pb.Program({"x": x}, {"y": layer(x)}, {}))
    before = run(x=X)["y"]
    for step in range(6):
        changed = X.copy()
        changed[:, step:] = 100.0 * RNG.normal(size=changed[:, step:].shape)
        after = run(x=changed)["y"]
        np.testing.assert_array_equal(after[:, :step], before[:, :step])
        assert np.all(after[:, step] != before[:, step])


@pytest.mark.parametrize("engine", ["eager", "native"])
@pytest.mark.parametrize("kind", LAYERS)
def test_the_gradient_by_a_later_input_is_exactly_zero(kind, engine):
    layer = LAYERS[kind](causal=True)
    x = pb.Unit(X, "x")
    y = layer(x)
    slopes = {str(step): pb.gradient(y[:, step].sum(), x) for step in range(6)}
    found = pb.prepare(engine, pb.Program({"x": x}, slopes, {}))(x=X)
    for step in range(6):
        assert np.all(found[str(step)][:, step + 1 :] == 0.0)
        assert np.any(found[str(step)][:, : step + 1] != 0.0, axis=(0, 2)).all()


def test_without_causal_every_step_counts():
    layer = pb.SelfAttention(2, **F8)
    x = pb.Unit(X, "x")
    layer(x)[:, 0].sum().backward()
    assert np.all(np.any(x.grad != 0.0, axis=(0, 2)))


# Lengths -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", TAKING_LENGTHS)
def test_a_padded_batch_gives_what_each_sequence_gives_alone(kind, causal):
    layer, lengths = LAYERS[kind](causal=causal), np.array([6, 1, 4])
    x = pb.Unit(X, "x")
    y = layer(x, lengths)
    pull = RNG.normal(size=y.shape)
    y.backward(pull)
    wanted = {name: np.zeros(unit.shape) for name, unit in layer.parameters.items()}
    together = {name: unit.grad for name, unit in layer.parameters.items()}
    for i, n in enumerate(lengths):
        one = pb.Unit(X[i : i + 1, :n], "x")
        alone = layer(one)
        np.testing.assert_allclose(y.value[i : i + 1, :n], alone.value, rtol=1e-13, atol=1e-14)
        assert np.all(y.value[i, n:] == 0.0)
        alone.backward(pull[i : i + 1, :n])
        np.testing.assert_allclose(x.grad[i : i + 1, :n], one.grad, rtol=1e-12, atol=1e-13)
        assert np.all(x.grad[i, n:] == 0.0)
        for name, unit in layer.parameters.items():
            wanted[name] += unit.grad
    for name, value in wanted.items():
        np.testing.assert_allclose(together[name], value, rtol=1e-12, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", TAKING_LENGTHS)
def test_what_lies_behind_an_end_changes_nothing_in_any_bit(kind, causal):
    layer, lengths = LAYERS[kind](causal=causal), np.array([6, 1, 4])
    padded = np.where(np.arange(6)[:, None] < lengths[:, None, None], X, 1e6)
    np.testing.assert_array_equal(layer(padded, lengths).value, layer(X, lengths).value)


@pytest.mark.parametrize(
    ("kind", "causal", "engine"),
    [(kind, causal, engine) for kind in TAKING_LENGTHS for causal in (False, True)
     for engine in ("eager", "native")] + [("block", True, "jax")],
)  # fmt: skip
def test_a_sequence_of_no_steps_gives_zeros_and_finite_gradients(kind, causal, engine):
    if engine == "jax":
        pytest.importorskip("jax", reason="jax is not installed: it is in the extra `jax`")
    layer, lengths = LAYERS[kind](causal=causal), np.array([0, 6, 2])
    x, given = pb.Unit(X, "x"), pb.Unit(lengths, "lengths")
    y = layer(x, given)
    outputs = {"y": y, **gradients_of(layer, y, x)}
    found = pb.prepare(engine, pb.Program({"x": x, "lengths": given}, outputs, {}))(
        x=X, lengths=lengths
    )
    assert np.all(found["y"][0] == 0.0)
    assert all(np.isfinite(value).all() for value in found.values())
    assert np.all(found["x"][0] == 0.0)


def gradients_of(layer, y, x):
    sources = {"x": x, **layer.parameters}
    return dict(zip(sources, pb.gradient(y.sum(), list(sources.values())), strict=True))


def test_a_memory_of_no_steps_gives_the_bias_alone():
    layer, memory = pb.CrossAttention(2, **F8), RNG.normal(size=(3, 5, 7))
    layer(X, memory)
    for unit in layer.parameters.values():
        unit.value = RNG.normal(size=unit.shape)
    y = layer(X, memory, np.array([0, 5, 2])).value
    wanted = attending.cross_attention(
        X, memory, {name: unit.value for name, unit in layer.parameters.items()}, 2, [0, 5, 2]
    )
    np.testing.assert_allclose(y, wanted, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(y[0], np.tile(layer.output_bias.value, (6, 1)))


@pytest.mark.parametrize("causal", [False, True])
def test_lengths_are_those_of_the_definition(causal):
    layer, lengths = pb.TransformerBlock(2, 5, causal=causal, **F8), np.array([2, 6, 3])
    layer(X)
    for unit in layer.parameters.values():
        unit.value = unit.value + RNG.normal(size=unit.shape)
    values = {name: unit.value for name, unit in layer.parameters.items()}
    wanted = attending.block(X, values, 2, attending.gelu, causal, lengths)
    np.testing.assert_allclose(layer(X, lengths).value, wanted, rtol=1e-11, atol=1e-12)


def test_second_derivatives_with_lengths():
    layer = pb.SelfAttention(2, causal=True, **F8)
    x = pb.Unit(X[:2, :3], "x")
    y = layer(x, np.array([2, 0]))
    pb.check_gradients(pb.gradient((y * y).sum(), [x, *layer.parameters.values()]))


def test_large_scores_neither_overflow_nor_lose_their_gradient():
    q = pb.Unit(np.array([[[[1e3], [-1e3]]]]), "q")
    k = pb.Unit(np.array([[[[1e3], [1e3 - 1e-4]]]]), "k")
    weights = AttentionWeights()(q, k)
    weights[0, 0, 0, 0].backward()
    np.testing.assert_allclose(weights.value[0, 0, 0, 0], 1 / (1 + np.exp(-0.1)), rtol=1e-6)
    assert np.isfinite(q.grad).all()
    assert q.grad[0, 0, 0, 0] != 0.0


# What is seen ------------------------------------------------------------------------------------


def test_weights_are_seen_by_the_path_of_their_layer():
    model = pb.Sequential(
        pb.SelfAttention(2, **F8),
        pb.Residual(pb.TransformerBlock(4, causal=True, dropout=0.5, **F8)),
    )
    seen = pb.attention_weights(model, X)
    assert list(seen) == ["selfattention1", "residual1.transformerblock1.attention"]
    first, second = seen.values()
    assert first.shape == (3, 2, 6, 6)
    assert second.shape == (3, 4, 6, 6)
    for weights in (first, second):
        np.testing.assert_allclose(weights.sum(axis=-1), 1.0, rtol=1e-12)
    assert np.all(np.triu(second, 1) == 0.0)
    assert np.all(first > 0.0)


def test_a_shared_layer_shows_each_of_its_calls():
    layer = pb.SelfAttention(1, **F8)
    seen = pb.attention_weights(pb.Sequential(layer, layer), X)
    assert list(seen) == ["selfattention1", "selfattention1, call 2"]
    assert not np.array_equal(*seen.values())
    assert list(pb.attention_weights(pb.SelfAttention(1), X)) == ["selfattention"]
    assert pb.attention_weights(pb.Sequential(pb.Dense(2)), X) == {}


def test_a_summary_counts_what_is_inside():
    summary = pb.Sequential(pb.TransformerBlock(2)).summary((6, 4))
    assert [row.cells for row in summary.rows] == [
        ("transformerblock1", "TransformerBlock(2)", "(n, 6, 4)", "244")
    ]


def test_a_model_of_attention_is_saved_whole(tmp_path):
    model = pb.Sequential(
        pb.PositionEmbedding(8), pb.TransformerBlock(2, causal=True), pb.SelfAttention(2), rng=3
    )
    y = model(X.astype(np.float32))
    model.save(tmp_path / "m")
    again = pb.Sequential.load(tmp_path / "m")
    np.testing.assert_array_equal(again(X.astype(np.float32)).value, y.value)
    assert repr(again) == repr(model)


def test_no_steps_and_no_rows():
    for kind in LAYERS:
        assert LAYERS[kind](causal=True)(np.zeros((2, 0, 4))).shape == (2, 0, 4)
        assert LAYERS[kind]()(np.zeros((0, 3, 4))).shape == (0, 3, 4)
    assert pb.CrossAttention(2)(np.zeros((2, 3, 4)), np.zeros((2, 0, 5))).shape == (2, 3, 4)


# What is refused ---------------------------------------------------------------------------------

KINDS = [pb.SelfAttention, pb.CrossAttention, pb.TransformerBlock]


@pytest.mark.parametrize("kind", KINDS)
def test_heads_divide_the_features(kind):
    layer = kind(3)
    given = (X, X) if kind is pb.CrossAttention else (X,)
    with pytest.raises(pb.CircuitError, match="cannot divide 4 features among 3 heads"):
        layer(*given)
    assert not layer.built


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "told",
    [{"heads": 0}, {"heads": 1.5}, {"heads": 2, "dropout": 1.0}, {"heads": 2, "gain": -1.0},
     {"heads": 2, "initializer": "hee"}, {"heads": 2, "dtype": "int64"}],
)  # fmt: skip
def test_arguments_are_checked(kind, told):
    with pytest.raises(pb.CircuitError):
        kind(**told)


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_are_sequences_of_one_size(kind):
    layer = kind(2)
    twice = kind is pb.CrossAttention
    layer(*([X] * (1 + twice)))
    for bad, why in ((X[0], r"\(rows, steps, n\), got \(6, 4\)"), (X[..., :2], r"\(…, 4\)")):
        with pytest.raises(pb.CircuitError, match=f"layer '{layer.name}' expects .*{why}"):
            layer(*([bad] * (1 + twice)))


@pytest.mark.parametrize("kind", TAKING_LENGTHS)
@pytest.mark.parametrize(
    ("lengths", "why"),
    [([1, 2], "expects lengths"), ([[1, 2, 3]], "expects lengths"), ([1.0, 2.0, 3.0], "integers"),
     ([1, 7, 3], r"sequences of 6 steps, and was told of 7 \(row 1"), ([1, -1, 3], "told of -1")],
)  # fmt: skip
def test_lengths_are_whole_numbers_of_steps(kind, lengths, why):
    with pytest.raises(pb.CircuitError, match=why):
        LAYERS[kind]()(X, np.array(lengths))


def test_more_inputs_than_there_are_names_for_are_refused():
    with pytest.raises(pb.CircuitError, match="maybe their lengths: 1 or 2 inputs, got 3"):
        pb.SelfAttention(2)(X, [1, 2, 3], [1, 2, 3])
    with pytest.raises(pb.CircuitError, match="takes an input and a memory, got one input"):
        pb.CrossAttention(2)(X)


def test_a_memory_has_as_many_rows():
    with pytest.raises(pb.CircuitError, match="needs a memory for each of 3 rows, got 2"):
        pb.CrossAttention(2)(X, X[:2])


def test_an_activation_is_one_by_name():
    with pytest.raises(pb.CircuitError, match=r"an activation is one of .*gelu.*; got 'dense'"):
        pb.TransformerBlock(2, activation="dense")


def test_a_sequence_longer_than_there_are_places_is_refused_by_name():
    layer = pb.PositionEmbedding(5, name="places")
    with pytest.raises(pb.CircuitError, match="layer 'places' has 5 places, got sequences of 6"):
        layer(X)
    with pytest.raises(pb.CircuitError, match="at least one place, got 0"):
        pb.PositionEmbedding(0)


def test_lengths_stay_whole_where_a_trainer_prepares_them():
    layer = pb.SelfAttention(2)
    model = pb.Model(
        lambda layers, x, lengths, training: layers.a(x, lengths, training=training), a=layer
    )
    trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(0.1))
    lengths = np.array([6, 1, 4])
    y = np.where(np.arange(6)[:, None] < lengths[:, None, None], X, 0.0)
    history = trainer.fit((X, lengths), y, epochs=2, batch_size=3)
    assert np.isfinite(history.table["loss"]).all()

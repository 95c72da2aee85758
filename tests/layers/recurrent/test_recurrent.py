"""Recurrent layers: cells of users, lengths, edge sizes, and what files and summaries say."""

import json

import numpy as np
import pytest

import pullback as pb
from pullback.layers.description import construct, describe
from pullback.layers.recurrent.stacks import MOST

F8 = {"dtype": "float64"}
STACKS = pytest.mark.parametrize("kind", [pb.RNN, pb.GRU, pb.LSTM])
rng = np.random.default_rng(0)
X = rng.normal(size=(4, 5, 3))
LENGTHS = np.array([5, 0, 2, 3])


def loss_of(y):
    return (y * pb.sin(pb.constant(np.arange(y.size).reshape(y.shape) * 0.37))).sum()


# Cells -------------------------------------------------------------------------------------------


class Decay(pb.Layer):
    """A cell of a user's: a leaky sum."""

    takes = None
    state_sizes = (3,)

    def build(self, shape, state, *, rng):
        self.rate = self.parameter("rate", (3,), lambda shape: np.full(shape, 0.5))

    def apply(self, x, h, *, training):
        return self.rate * h + x


def test_a_layer_of_a_users_is_a_cell(tmp_path):
    layer = pb.Recurrent(Decay(**F8))
    y = layer(X)
    wanted = np.zeros((4, 3))
    for t in range(5):
        wanted = 0.5 * wanted + X[:, t]
        np.testing.assert_allclose(y.value[:, t], wanted)
    assert list(layer.parameters) == ["cell.rate"]
    pb.check_gradients(loss_of(y))
    layer.save(tmp_path / "m")
    with pytest.raises(pb.CircuitError, match="a layer 'Decay', whose code no file holds"):
        pb.Recurrent.load(tmp_path / "m")
    fresh = pb.Recurrent(Decay(**F8))
    layer.parameters["cell.rate"].value = np.full(3, 0.25)
    layer.save(tmp_path / "m")
    fresh.load_parameters(tmp_path / "m")
    np.testing.assert_array_equal(fresh(X).value, layer(X).value)


def test_a_model_is_a_cell_and_elements_may_be_words():
    def forward(layers, word, h, training):
        z = layers.mix(pb.concatenate([layers.table(word), h], axis=1), training=training)
        return pb.tanh(layers.norm(z, training=training))

    cell = pb.Model(forward, table=pb.Embedding(7, 3), mix=pb.Dense(4), norm=pb.LayerNorm())
    cell.state_sizes = (4,)
    model = pb.Padded(pb.Recurrent(cell, last=True), pb.Dense(2))
    words, labels = rng.integers(7, size=(30, 6)), np.arange(30) % 2
    words[labels == 1, -1] = 0
    words[labels == 0, -1] = 3
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.05))
    trainer.fit((words, np.full(30, 6)), labels, epochs=15)
    assert trainer.evaluate((words, np.full(30, 6)), labels)["accuracy"] == 1.0
    assert list(model.parameters)[:2] == [
        "recurrent1.cell.table.table",
        "recurrent1.cell.mix.weight",
    ]
    with pytest.raises(pb.CircuitError, match="rows 0 to 6"):
        model(words + 1)


@pytest.mark.parametrize("cell", [pb.Dense(3), Decay, pb.tanh, None])
def test_what_is_no_cell_is_refused(cell):
    with pytest.raises(pb.CircuitError, match="needs a cell, a layer with `state_sizes`"):
        pb.Recurrent(cell)


@pytest.mark.parametrize("kind", [pb.RNNCell, pb.GRUCell, pb.LSTMCell])
def test_a_cell_alone_goes_step_by_step(kind):
    layer = pb.Recurrent(kind(2, **F8))
    y = layer(X)
    pieces = len(layer.cell.state_sizes)
    state = ()
    for t in range(5):
        made = layer.cell(X[:, t], *state)
        state = made[:pieces] if isinstance(made, tuple) else (made,)
        np.testing.assert_allclose(state[0].value, y.value[:, t], rtol=1e-13)


def test_a_cell_starts_orthogonal_and_remembers():
    cell = pb.LSTMCell(4, rng=1)
    cell(X[:, 0])
    for k in range(4):
        u = cell.recurrent.value[:, 4 * k : 4 * k + 4]
        np.testing.assert_allclose(u.T @ u, np.eye(4), atol=1e-6)
    np.testing.assert_array_equal(cell.bias.value, [0] * 4 + [1] * 4 + [0] * 8)
    assert abs(cell.weight.value).max() <= np.sqrt(6 / (3 + 4))
    assert set(cell.weights) == {"lstmcell.weight", "lstmcell.recurrent"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((X,), "takes one step at a time, .*; a Recurrent runs it over sequences"),
        ((X[:, 0, :2],), r"'lstmcell' expects inputs of shape \(…, 3\)"),
        ((X[:, 0], X[:, 0, :2]), r"behind x a state of shape \(4, 2\) and one of \(4, 2\)"),
        ((X[:, 0], X[:1, 0, :2], X[:1, 0, :2]), r"or nothing for zeros, got \(1, 2\), \(1, 2\)"),
    ],
)
def test_a_cell_refuses_other_shapes(given, message):
    cell = pb.LSTMCell(2)
    cell(X[:, 0])
    with pytest.raises(pb.CircuitError, match=message):
        cell(*given)


def test_arguments_are_checked():
    with pytest.raises(pb.CircuitError, match="activation is one of tanh, relu, got 'sigmoid'"):
        pb.RNN(3, activation="sigmoid")
    with pytest.raises(pb.CircuitError, match="LSTM has 100 layers at most, got 101"):
        pb.LSTM(3, MOST + 1)
    with pytest.raises(pb.CircuitError, match="GRU needs a dropout from 0 to below 1, got 1"):
        pb.GRU(3, dropout=1)
    with pytest.raises(pb.CircuitError, match="LSTMCell needs at least one unit, got 0"):
        pb.LSTM(0)
    with pytest.raises(pb.CircuitError, match="stateful or reversed, not both"):
        pb.Recurrent(pb.RNNCell(3), reverse=True, stateful=True)
    with pytest.raises(pb.CircuitError, match=r"expects sequences \(rows, steps, features\)"):
        pb.GRU(3)(X[0])


def test_a_cell_that_remembers_is_refused_in_training():
    def forward(layers, x, h, training):
        return pb.tanh(layers.norm(x + h, training=training))

    cell = pb.Model(forward, norm=pb.BatchNorm())
    cell.state_sizes = (3,)
    layer = pb.Recurrent(cell)
    assert layer(X).shape == X.shape
    with pytest.raises(pb.CircuitError, match=r"gives 'norm.mean' a new value at every step"):
        layer(X, training=True)


# Lengths -----------------------------------------------------------------------------------------


@STACKS
@pytest.mark.parametrize("last", [False, True])
def test_a_padded_batch_is_each_sequence_alone_and_its_gradients(kind, last):
    layer = kind(2, 2, bidirectional=True, last=last, **F8)
    x = pb.Unit(X, "x")
    y = layer(x, LENGTHS)
    pull = np.random.default_rng(1).normal(size=y.shape)
    sources = [x, *layer.parameters.values()]
    found = [g.value for g in pb.gradient(y, sources, pull)]
    sums = [np.zeros(g.shape) for g in found[1:]]
    for r, n in enumerate(LENGTHS):
        one = pb.Unit(X[r : r + 1, :n], "x")
        alone = layer(one)
        some = (slice(r, r + 1),) if last else (slice(r, r + 1), slice(n))
        np.testing.assert_allclose(y.value[some], alone.value, rtol=1e-13, atol=1e-15)
        assert last or not y.value[r, n:].any()
        by_x, *others = pb.gradient(alone, [one, *sources[1:]], pull[some])
        np.testing.assert_allclose(found[0][r, :n], by_x.value[0], rtol=1e-12, atol=1e-15)
        assert not found[0][r, n:].any()
        sums = [total + g.value for total, g in zip(sums, others, strict=True)]
    for g, total in zip(found[1:], sums, strict=True):
        np.testing.assert_allclose(g, total, rtol=1e-11, atol=1e-13)


@STACKS
def test_what_stands_behind_an_end_changes_nothing(kind):
    layer = kind(2, bidirectional=True, **F8)
    spoilt = X.copy()
    for r, n in enumerate(LENGTHS):
        spoilt[r, n:] = 1e6
    np.testing.assert_array_equal(layer(spoilt, LENGTHS).value, layer(X, LENGTHS).value)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (np.array([5, 6, 0, 0]), r"got sequences of 5 steps, and was told of 6 \(row 1\)"),
        (np.array([5, 0, 0, -1]), r"was told of -1 \(row 3\)"),
        (
            np.array([5.0, 1.0, 2.0, 3.0]),
            "expects lengths, an array of integers of shape .* float64",
        ),
        (np.array([1, 2, 3]), r"of shape \(4,\), got int64 of shape \(3,\)"),
    ],
)
def test_lengths_that_cannot_be_are_refused(lengths, message):
    with pytest.raises(pb.CircuitError, match=message):
        pb.GRU(2)(X, lengths)


def test_three_inputs_are_refused():
    with pytest.raises(pb.CircuitError, match="1 or 2 inputs, got 3"):
        pb.GRU(2)(X, LENGTHS, LENGTHS)


# Edge sizes, precision, engines ------------------------------------------------------------------


@STACKS
@pytest.mark.parametrize(("rows", "steps"), [(0, 3), (2, 0), (2, 1), (0, 0)])
@pytest.mark.parametrize("last", [False, True])
def test_few_rows_and_steps(kind, rows, steps, last):
    layer = kind(2, 2, bidirectional=True, last=last)
    layer(X.astype(np.float32))
    for others in ((), (np.full(rows, steps),)):
        x = pb.Unit(np.ones((rows, steps, 3), np.float32), "x")
        y = layer(x, *others)
        assert y.shape == ((rows, 4) if last else (rows, steps, 4))
        assert y.dtype == np.float32
        gradients = pb.gradient(y, [x, *layer.parameters.values()])
        assert [g.shape for g in gradients[1:]] == [p.shape for p in layer.parameters.values()]
        assert steps or not y.value.any()


def test_a_new_layer_takes_no_steps():
    assert pb.LSTM(2, last=True)(np.zeros((2, 0, 3))).value.tolist() == [[0.0, 0.0]] * 2


def test_double_inputs_of_single_parameters_are_computed_in_double():
    assert pb.LSTM(2)(X).dtype == np.float64
    assert pb.LSTM(2)(X.astype(np.float32)).dtype == np.float32
    assert pb.LSTM(2, **F8)(X.astype(np.float32)).dtype == np.float64


@STACKS
@pytest.mark.parametrize("engine", ["native", "jax"])
def test_engines_agree(kind, engine):
    layer = kind(3, 2, bidirectional=True, **F8)
    x, lengths = pb.Unit(X, "x"), pb.Unit(LENGTHS, "lengths")
    y = layer(x, lengths, training=True)
    outputs = {"y": y} | {
        str(k): g for k, g in enumerate(pb.gradient(y, [x, *layer.parameters.values()], 1.0))
    }
    program = pb.Program({"x": x, "lengths": lengths}, outputs, {})
    for given in (X, LENGTHS), (X[::-1] * 0.7, LENGTHS[::-1]):
        wanted, got = (
            pb.prepare(e, program)(x=given[0], lengths=given[1]) for e in ("eager", engine)
        )
        for name, value in wanted.items():
            np.testing.assert_allclose(got[name], value, rtol=1e-10, atol=1e-12, err_msg=name)


def test_dropout_stands_between_layers_alone():
    x = X.astype(np.float32)
    one, two = pb.GRU(8, dropout=0.5), pb.GRU(8, 2, dropout=0.5)
    np.testing.assert_array_equal(one(x, training=True).value, one(x).value)
    assert not np.allclose(two(x, training=True).value, two(x).value)
    first, second = (two(x, training=pb.Training(seed=s)).value for s in (3, 3))
    np.testing.assert_array_equal(first, second)


# Files and summaries -----------------------------------------------------------------------------


def test_a_stack_is_described_by_its_arguments():
    model = pb.Sequential(pb.LSTM(4, 2, bidirectional=True, dropout=0.1), pb.Dense(3))
    model(X)
    assert repr(model) == (
        "Sequential(LSTM(4, layers=2, bidirectional=True, dropout=0.1), Dense(3))"
    )
    told = describe(model)
    assert told["layers"][0]["layers"] == 2
    assert repr(construct(json.loads(json.dumps(told)))) == repr(model)
    assert list(model.parameters)[:4:3] == [
        "lstm1.layer1.cell.weight",
        "lstm1.layer1_reverse.cell.weight",
    ]
    summary = model.summary()
    assert summary.parameters == sum(p.size for p in model.parameters.values())
    assert sum(row.parameters for row in summary.rows if not row.shared) == summary.parameters
    assert [row.name for row in summary.rows] == ["lstm1", "dense1"]


def test_a_file_that_asks_for_endless_layers_is_refused():
    told = describe(pb.GRU(3))
    with pytest.raises(pb.CircuitError, match="100 layers at most"):
        construct({**told, "layers": 10**9})


def test_a_layer_inside_a_stack_is_shared_behind_it_but_not_before(tmp_path):
    stack = pb.GRU(3, 2)
    behind = pb.Sequential(stack, stack.levels[1][0])
    y = behind(X)
    behind.save(tmp_path / "m")
    again = pb.Sequential.load(tmp_path / "m")
    assert again[1] is again[0].levels[1][0]
    np.testing.assert_array_equal(again(X).value, y.value)
    before = pb.Sequential(stack.levels[0][0], stack)
    before(X)
    with pytest.raises(pb.CircuitError, match="'gru1' is made of stands before it as well"):
        before.save(tmp_path / "m")


def test_both_directions_may_share_a_cell():
    cell = pb.GRUCell(3, **F8)
    model = pb.Parallel(pb.Recurrent(cell), pb.Recurrent(cell, reverse=True))
    y = model(X)
    assert len(model.parameters) == 4
    back = model(X[:, ::-1])
    np.testing.assert_allclose(y.value[..., 3:], back.value[:, ::-1, :3], rtol=1e-13)


def test_the_native_engine_multiplies_inputs_before_the_loop():
    from pullback.engines.native.loops import with_lean_loops
    from pullback.program.simplify import simplify

    layer = pb.LSTM(2, **F8)
    x = pb.Unit(X, "x")
    y = layer(x)
    program = pb.Program.of([y, *pb.gradient(y, [x, *layer.parameters.values()], 1.0)])
    loops = [u for u in with_lean_loops(simplify(program)).wires if u.gate is pb.GATES["loop"]]
    counts = [
        sum(u.gate is pb.GATES["matmul"] for u in loop.static["body"].wires) for loop in loops
    ]
    assert counts == [1, 1]  # of the hidden states alone

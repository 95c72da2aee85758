"""Long sequences piece by piece: what a batch leaves is where the next one begins."""

import numpy as np
import pytest

import pullback as pb
from pullback.program.simplify import simplify

F8 = {"dtype": "float64"}
STACKS = pytest.mark.parametrize("kind", [pb.RNN, pb.GRU, pb.LSTM])
X = np.random.default_rng(0).normal(size=(3, 12, 2))
LABELS = np.random.default_rng(1).normal(size=(3, 12, 1))


def pieces(size=4):
    return [(X[:, t : t + size], LABELS[:, t : t + size]) for t in range(0, 12, size)]


@STACKS
def test_pieces_give_what_the_whole_gives(kind):
    layer = kind(3, 2, stateful=True, **F8)
    whole = layer(X)
    for t, (x, _) in enumerate(pieces()):
        training = pb.Training()
        y = layer(x, training=training)
        np.testing.assert_allclose(
            y.value, whole.value[:, 4 * t : 4 * t + 4], rtol=1e-12, atol=1e-15
        )
        training.commit()
        np.testing.assert_array_equal(layer(X).value, whole.value)  # a prediction begins at zero


@STACKS
def test_a_row_goes_on_from_its_own_end(kind):
    layer, lengths = kind(3, stateful=True, **F8), np.array([4, 2, 0])
    whole = layer(X)
    training = pb.Training()
    layer(X[:, :4], lengths, training=training)
    training.commit()
    y = layer(np.stack([X[r, n : n + 3] for r, n in enumerate(lengths)]), training=True)
    for r, n in enumerate(lengths):
        np.testing.assert_allclose(y.value[r], whole.value[r, n : n + 3], rtol=1e-12)


def test_only_the_forward_direction_goes_on():
    layer = pb.GRU(3, bidirectional=True, stateful=True, **F8)
    training = pb.Training()
    layer(X[:, :4], training=training)
    training.commit()
    assert list(layer.state) == ["layer1.state1"]
    y, whole, alone = layer(X[:, 4:8], training=True), layer(X), layer(X[:, 4:8])
    np.testing.assert_allclose(y.value[..., :3], whole.value[:, 4:8, :3], rtol=1e-12)
    np.testing.assert_allclose(y.value[..., 3:], alone.value[..., 3:], rtol=1e-12)


def test_no_gradient_flows_from_piece_to_piece():
    layer = pb.Recurrent(pb.LSTMCell(3, **F8), stateful=True)
    training = pb.Training()
    first, second = pb.Unit(X[:, :4], "first"), pb.Unit(X[:, 4:8], "second")
    layer(first, training=training)
    y = layer(second, training=training)  # twice in one call: the second goes on from the first
    np.testing.assert_allclose(y.value, layer(X).value[:, 4:8], rtol=1e-12)
    assert not pb.gradient(y, first).value.any()
    assert pb.gradient(y, second).value.any()


def test_truncated_gradients_are_those_of_a_piece_that_begins_so():
    layer = pb.Recurrent(pb.GRUCell(3, **F8), stateful=True)
    training = pb.Training()
    layer(X[:, :4], training=training)
    training.commit()
    sources = list(layer.parameters.values())
    found = pb.gradient(layer(X[:, 4:8], training=True).sum(), sources)
    h = pb.Unit(layer.state["state1"].value, "h")
    total = pb.constant(0.0)
    for t in range(4, 8):
        made = layer.cell(X[:, t], h)
        h = made[0]
        total = total + h.sum()
    for g, wanted in zip(found, pb.gradient(total, sources), strict=True):
        np.testing.assert_allclose(g.value, wanted.value, rtol=1e-11, atol=1e-13)


def test_a_batch_of_other_rows_is_refused_and_nothing_changes():
    layer = pb.LSTM(3, stateful=True)
    training = pb.Training()
    layer(X, training=training)
    training.commit()
    kept = [unit.value for unit in layer.state.values()]
    assert any(value.any() for value in kept)
    with pytest.raises(pb.CircuitError, match="'layer1' is stateful and its state is of 3 rows"):
        layer(X[:2], training=True)
    for unit, value in zip(layer.state.values(), kept, strict=True):
        np.testing.assert_array_equal(unit.value, value)
    assert layer(X[:2]).shape == (2, 12, 3)
    layer.reset_state()
    assert not any(unit.value.any() for unit in layer.state.values())


def test_no_steps_leave_the_state():
    layer = pb.Recurrent(pb.RNNCell(3), stateful=True, last=True)
    training = pb.Training()
    y = layer(X, training=training)
    training.commit()
    training = pb.Training()
    np.testing.assert_array_equal(layer(X[:, :0], training=training).value, y.value)
    training.commit()
    np.testing.assert_array_equal(layer.state["state1"].value, y.value)


def test_a_state_is_saved_and_gone_on_with(tmp_path):
    model = pb.Sequential(pb.LSTM(3, stateful=True), pb.Dense(1))
    model.summary((4, 2))  # of one row
    training = pb.Training()
    model(X.astype("f4"), training=training)
    training.commit()
    model.save(tmp_path / "m")
    again, fresh = (
        pb.Sequential.load(tmp_path / "m"),
        pb.Sequential(pb.LSTM(3, stateful=True), pb.Dense(1)),
    )
    fresh.load_parameters(tmp_path / "m")
    wanted = model(X.astype("f4"), training=True)
    for other in again, fresh:
        assert list(other.state) == ["lstm1.layer1.state1", "lstm1.layer1.state2"]
        np.testing.assert_array_equal(other(X.astype("f4"), training=True).value, wanted.value)


def test_a_trainer_takes_pieces_in_order_and_refuses_rows():
    def model():
        return pb.Sequential(pb.GRU(3, stateful=True, **F8), pb.Dense(1, **F8))

    ours = model()
    trainer = pb.Trainer(ours, pb.SquaredError(), pb.SGD(0.1))
    with pytest.raises(pb.CircuitError, match=r"'gru1\.layer1' is stateful: each batch goes on"):
        trainer.fit(X, LABELS)
    trainer.fit(pieces, epochs=2)
    by_hand = model()
    by_hand(X)
    sources = list(by_hand.parameters.values())
    for _ in range(2):
        for x, labels in pieces():
            training = pb.Training()
            loss = ((by_hand(x, training=training) - labels) ** 2).mean()
            gradients = [g.value for g in pb.gradient(loss, sources)]
            training.commit()
            for unit, g in zip(sources, gradients, strict=True):
                unit.value = unit.value - 0.1 * g
    for name, unit in {**ours.parameters, **ours.state}.items():
        wanted = {**by_hand.parameters, **by_hand.state}[name]
        np.testing.assert_allclose(unit.value, wanted.value, rtol=1e-9, atol=1e-12, err_msg=name)


def test_a_step_is_as_large_for_pieces_of_any_length():
    sizes = []
    for steps in (5, 50, 500):
        model = pb.Sequential(pb.LSTM(3, stateful=True), pb.Dense(1))
        step = pb.TrainingStep(model, pb.SquaredError(), pb.SGD(0.1))
        x = np.zeros((2, steps, 2))
        program = simplify(step.program(step.columns(x, x[..., :1])))
        inside = [u.static["body"].wires for u in program.wires if u.gate is pb.GATES["loop"]]
        sizes.append((len(program.wires), *map(len, inside)))
    assert len(set(sizes)) == 1
    assert len(sizes[0]) == 3  # forward and backward

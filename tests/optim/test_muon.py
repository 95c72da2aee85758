"""What is done to matrices, and which parameters are such; the numbers: test_optimizers.py."""

import numpy as np
import pytest

import pullback as pb
import pullback.optim as po

RNG = np.random.default_rng(0)


def orthogonalized(values):
    wires = [pb.Unit(value) for value in values]
    return [y.value for y in po.orthogonalize().update(wires, [], po.Parameters(wires, []))[0]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (1, 4), (4, 1), (3, 3, 2, 8), (1, 1)])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e25])
def test_singular_values_come_near_to_one_and_the_directions_stay(dtype, shape, size):
    """Of a matrix of condition 10, as the last axis is against the others."""
    rows, columns = int(np.prod(shape[:-1])), shape[-1]
    u, _, vh = np.linalg.svd(RNG.normal(size=(rows, columns)), full_matrices=False)
    sizes = np.geomspace(1.0, 0.1, len(vh))
    (found,) = orthogonalized([(size * (u * sizes) @ vh).reshape(shape).astype(dtype)])
    assert found.shape == shape
    assert found.dtype == dtype
    inside = u.T @ found.reshape(rows, columns) @ vh.T
    np.testing.assert_allclose(inside, np.diag(np.diag(inside)), atol=1e-3 * len(sizes))
    assert (np.diag(inside) > 0.65).all()
    assert (np.diag(inside) < 1.25).all()


def test_a_matrix_of_zeros_and_one_of_no_elements_stay():
    zeros, empty = orthogonalized([np.zeros((3, 2)), np.zeros((0, 4))])
    np.testing.assert_array_equal(zeros, 0.0)
    assert empty.shape == (0, 4)


def remembered(model, x, optimizer):
    """By name, what is remembered of each parameter."""
    model(x)
    found = {name: [] for name in model.parameters}
    for unit in optimizer.init(model.parameters):
        owner, _, slot = unit.name.rpartition(".")
        found.get(owner, []).append(slot)
    return found


def test_matrices_are_told_by_shape_and_name():
    model = pb.Sequential(
        pb.Embedding(5, 4), pb.LayerNorm(), pb.GRU(3), pb.Conv1d(4, 2), pb.Flatten(), pb.Dense(2)
    )
    found = remembered(model, np.zeros((2, 6), int), po.Muon(adamw="dense1.*"))
    by_muon = [name for name, slots in found.items() if slots == ["velocity"]]
    assert by_muon == ["gru1.layer1.cell.weight", "gru1.layer1.cell.recurrent", "conv1d1.weight"]
    for name in found.keys() - set(by_muon):
        assert found[name] == ["mean", "mean_square"]


def test_machine_code_agrees():
    x, y = RNG.normal(size=(12, 5, 5, 2)).astype("f4"), RNG.integers(0, 3, 12)
    ends = []
    for engine in ("eager", "native"):
        model = pb.Sequential(pb.Conv2d(3, 2), pb.ReLU(), pb.Flatten(), pb.Dense(3), rng=0)
        optimizer = po.Muon(0.01, adamw="dense1.*")
        trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), optimizer, engine=engine)
        trainer.fit(x, y, epochs=2, batch_size=6, progress=False)
        ends.append([p.value for p in model.parameters.values()])
    for a, b in zip(*ends, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_step_is_as_long_as_one_of_adamw():
    """0.2 to an element in the mean of squares, as the scaling promises, and so for any shape."""
    for shape in ((64, 64), (20, 100), (3, 3, 8, 16)):
        p = pb.Unit(np.zeros(shape), "p")
        optimizer = po.Muon(1.0)
        moved, _ = optimizer.update([pb.Unit(RNG.normal(size=shape))], optimizer.init([p]), [p])
        assert 0.15 < np.sqrt(np.mean(moved[0].value ** 2)) < 0.25


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scaling": "mine"}, "scaling must be one of match_rms_adamw, original, got 'mine'"),
        ({"steps": 0}, "steps must be positive"),
        ({"steps": 2.5}, "steps must be a whole number"),
        ({"adamw": 3}, "those that go by AdamW are parameters' names or patterns, got 3"),
        ({"adamw": ["a", 1]}, "those that go by AdamW are parameters' names or patterns"),
        ({"adamw_factor": 0.0}, "adamw_factor must be positive"),
        ({"momentum": 0.0}, "Nesterov's step needs momentum"),
    ],
)
def test_what_it_cannot_be_told_is_refused(options, message):
    with pytest.raises(pb.CircuitError, match=message):
        po.Muon(**options)


def test_a_name_that_no_parameter_has_is_refused_before_training():
    model = pb.Sequential(pb.Dense(3), pb.Dense(2))
    trainer = pb.Trainer(model, pb.SquaredError(), po.Muon(adamw="dense3.*"), engine="eager")
    with pytest.raises(pb.CircuitError, match=r"no parameter is named 'dense3.\*'; there are: de"):
        trainer.fit(np.ones((4, 2)), np.ones((4, 2)), progress=False)

"""The convolutional networks: their sizes as published, and what they learn, beside PyTorch."""

import numpy as np
import pytest

import pullback as pb
from pullback.models import (
    alexnet,
    autoencoder,
    convnetjs_cifar10,
    convnetjs_mnist,
    lenet5,
    painted,
    painter,
    pixels,
    resnet,
    small_alexnet,
    vgg,
)

RNG = np.random.default_rng(0)


def parameters(model, *row):
    model(np.zeros((1, *row), np.float32))
    return sum(unit.size for unit in model.parameters.values())


def test_alexnet_is_as_large_as_it_was_published():
    model = alexnet()
    assert model(np.zeros((0, 227, 227, 3), np.float32)).shape == (0, 1000)
    counts = {}
    for name, unit in model.parameters.items():
        kind = name.partition(".")[0]
        counts[kind] = counts.get(kind, 0) + unit.size
    assert list(counts.values()) == [
        34_944, 307_456, 885_120, 663_936, 442_624, 37_752_832, 16_781_312, 4_097_000
    ]  # fmt: skip
    assert sum(counts.values()) == 60_965_224


@pytest.mark.parametrize(
    ("make", "row", "count"),
    [
        (lenet5, (28, 28, 1), 61_706),
        (convnetjs_mnist, (24, 24, 1), 208 + 3_216 + 2_570),
        (convnetjs_cifar10, (32, 32, 3), 1_216 + 8_020 + 10_020 + 3_210),
        (resnet, (32, 32, 3), 464 + 4_672 + 14_528 + 57_728 + 650),
        (lambda: resnet(blocks=3), (32, 32, 3), 269_722 + 2_752),  # the paper's, and two ways
    ],
)
def test_numbers_of_parameters(make, row, count):
    assert parameters(make(), *row) == count


@pytest.mark.parametrize("make", [lenet5, convnetjs_mnist, small_alexnet, vgg, resnet])
def test_a_batch_is_learned_by_heart(make):
    x = RNG.normal(size=(8, 32, 32, 1)).astype(np.float32)
    y = np.arange(8) % 4
    model = make(4)
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.Adam(2e-3))
    history = trainer.fit(x, y, epochs=60, batch_size=8, progress=False)
    assert history.rows[-1]["loss"] < 0.5 * history.rows[0]["loss"]


def test_an_autoencoder_makes_pictures_of_its_size_and_learns():
    model = autoencoder((8, 12, 3), code=6, widths=(4, 8))
    rows, columns = np.mgrid[0:8, 0:12] / 12.0
    waves = [np.sin(6.0 * (a * rows + b * columns)) for a, b in ((1, 0), (0, 1), (1, 1), (1, -1))]
    x = (0.5 + 0.5 * np.stack(waves)[..., None] * [1.0, 0.5, -1.0]).astype(np.float32)
    assert model(x).shape == x.shape
    assert model["encoder"](x).shape == (4, 6)
    trainer = pb.Trainer(model, pb.SquaredError(), pb.Adam(0.01))
    history = trainer.fit(x, x, epochs=300, batch_size=4, progress=False)
    assert history.rows[-1]["loss"] < 0.3 * history.rows[0]["loss"]
    with pytest.raises(pb.CircuitError, match="10 x 12 cannot be halved 2 times"):
        autoencoder((10, 12, 1))


def test_a_painter_paints_what_it_saw():
    picture = np.zeros((10, 14, 3))
    picture[:, :7, 0] = 1.0
    places, colours = pixels((picture * 255).astype(np.uint8))
    assert places.shape == (140, 2)
    np.testing.assert_allclose(colours, picture.reshape(-1, 3))
    model = painter(rng=1)
    trainer = pb.Trainer(model, pb.SquaredError(), pb.Adam(0.01))
    trainer.fit(places, colours, epochs=150, batch_size=35, progress=False)
    assert abs(painted(model, 10, 14) - picture).mean() < 0.1
    assert painted(model, 30, 42).shape == (30, 42, 3)
    with pytest.raises(pb.CircuitError, match=r"a picture to be painted is \(H, W, C\)"):
        pixels(np.zeros((3, 3)))


@pytest.mark.parametrize("make", [convnetjs_mnist, vgg, resnet, small_alexnet])
def test_fifty_steps_are_those_of_pytorch(make):
    """From one start, on one order of pictures: the same losses, within what rounding grows to."""
    torch = pytest.importorskip("torch", reason="it needs PyTorch: pip install -e '.[bench]'")
    from benchmarks.twins import twin

    rng = np.random.default_rng(1)
    x = rng.normal(size=(64, 16, 16, 3)).astype(np.float32)
    y = rng.integers(5, size=64)
    model = pb.Sequential(*(layer for layer in make(5).layers if type(layer) is not pb.Dropout))
    model(x[:1])
    theirs = twin(model, (16, 16, 3))
    theirs.train()
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.01, momentum=0.9)
    step = pb.TrainingStep(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.01, momentum=0.9))
    columns = step.columns(x, y)
    run = pb.prepare("native", step.program({k: v[:16] for k, v in columns.items()}))
    order = np.concatenate([rng.permutation(64) for _ in range(13)])[: 50 * 16]
    ours = run.epoch(columns, order, lambda: False).numbers["loss"]
    found = []
    pictures, labels = torch.from_numpy(x).permute(0, 3, 1, 2), torch.from_numpy(y)
    for rows in torch.from_numpy(order).split(16):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(theirs(pictures[rows]), labels[rows])
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    np.testing.assert_allclose(ours[:10], found[:10], rtol=1e-4)
    np.testing.assert_allclose(ours, found, rtol=2e-2, atol=2e-3)

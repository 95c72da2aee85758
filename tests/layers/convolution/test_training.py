"""A net of all layers of images trains alike, eagerly and as native code of one thread or two."""

import numpy as np
import pytest

import pullback as pb
from pullback.layers import LAYERS, Parallel, Residual, convolution

F8 = {"dtype": "float64"}
STEPS, ROWS = 20, 6


@pytest.fixture(autouse=True)
def native_code_is_watched(monkeypatch):
    """Native code lies between bytes that must not change, and is the same in every run."""
    monkeypatch.setenv("PULLBACK_GUARD", "1")
    monkeypatch.setenv("PULLBACK_TUNE", "0")


def images():
    """9 x 7 pixels of 3 channels."""
    block = Residual(
        pb.Conv2d(6, 3, stride=2, padding="same", groups=3, **F8),
        pb.BatchNorm(**F8),
        pb.SiLU(),
        around=pb.Conv2d(6, 1, stride=2, bias=False, **F8),
    )
    pools = Parallel(pb.MaxPool2d(3, 1, "same"), pb.AveragePool2d((2, 3), 1, "same"))
    return pb.Sequential(
        pb.Conv2d(6, (3, 2), padding=((1, 1), (0, 1)), dilation=1, **F8),
        pb.LocalResponseNorm(4, alpha=0.5, k=1.0),
        block,  # 5 x 4
        pools,  # 12 channels
        pb.Maxout(pieces=2),
        pb.SpatialDropout(0.2),
        pb.DepthwiseConv2d(3, 2, padding=1, dilation=1, **F8),
        pb.GroupNorm(4, **F8),
        pb.ELU(),
        pb.ConvTranspose2d(4, 3, stride=2, padding=1, extra=(1, 0), groups=2, **F8),  # 10 x 7
        pb.LayerNorm(axes=3, **F8),
        pb.Tanh(),
        Parallel(
            pb.Sequential(pb.Upsample2d(2, "bilinear"), pb.GlobalMaxPool()),
            pb.Sequential(pb.Upsample2d((1, 3)), pb.GlobalAveragePool()),
        ),
        pb.Dropout(0.1),
        pb.Dense(3, **F8),
        rng=5,
    )


def sequences():
    return pb.Sequential(
        pb.Conv1d(6, 3, padding="same", groups=3, **F8),
        pb.BatchNorm(**F8),
        pb.ReLU(),
        Parallel(pb.MaxPool1d(3, 2, (1, 1)), pb.AveragePool1d(2, 2, (0, 1))),
        pb.Conv1d(4, 2, stride=2, padding=(0, 1), dilation=2, **F8),
        pb.GroupNorm(2, **F8),
        pb.GlobalAveragePool(),
        pb.Dense(3, **F8),
        rng=5,
    )


NETS = {"images": (images, (9, 7, 3)), "sequences": (sequences, (9, 3))}


def trained(name, engine, threads=None):
    """The losses of each epoch, and the parameters and state in the end."""
    make, row = NETS[name]
    rng = np.random.default_rng(2)
    x, labels = rng.normal(size=(2 * ROWS, *row)), rng.integers(3, size=2 * ROWS)
    model = make()
    told = {"engine": engine, "seed": 4, "penalties": [pb.L2(1e-3)]}
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.01), **told, threads=threads)
    losses = trainer.fit(x, labels, epochs=STEPS // 2, batch_size=ROWS, progress=False)["loss"]
    return losses, {k: np.copy(u.value) for k, u in {**model.parameters, **model.state}.items()}


def test_all_layers_of_images_take_part():
    kinds = {type(layer).__name__ for make, _ in NETS.values() for _, layer in make().walk()}
    assert {name for name in LAYERS if hasattr(convolution, name)} <= kinds


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", NETS)
def test_native_training_follows_eager_training(name, threads):
    losses, numbers = trained(name, "eager")
    native_losses, native_numbers = trained(name, "native", threads)
    assert losses[-1] < losses[0]
    np.testing.assert_allclose(native_losses, losses, rtol=1e-9)
    for label, value in numbers.items():
        np.testing.assert_allclose(
            native_numbers[label], value, rtol=1e-7, atol=1e-9, err_msg=label
        )

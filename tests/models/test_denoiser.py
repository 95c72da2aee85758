"""The denoiser: it leaves less noise on pictures that it has not seen than any blur does."""

import numpy as np
from scipy.ndimage import gaussian_filter

import pullback as pb
from pullback.datasets import load_dataset
from pullback.models import denoiser


def test_it_lowers_the_error_of_pictures_not_seen_below_that_of_the_best_blur():
    train, test = load_dataset("digits").split(0.4, 0.6)
    rng = np.random.default_rng(0)
    clean, other = (np.asarray(x.inputs).reshape(-1, 8, 8, 1) for x in (train, test))
    noisy, seen = (x + 0.3 * rng.normal(size=x.shape) for x in (clean, other))
    model = denoiser()
    trainer = pb.Trainer(model, pb.SquaredError(), pb.Adam(0.01))
    trainer.fit(noisy, clean, epochs=20, batch_size=16)
    error = float(np.mean((trainer.predict(seen) - other) ** 2))
    blurs = [gaussian_filter(seen, (0, s, s, 0)) for s in (0.3, 0.5, 0.7, 0.9)]
    best = min(float(np.mean((y - other) ** 2)) for y in blurs)
    assert error < 0.9 * best < 0.08 < np.mean((seen - other) ** 2)


def test_pictures_without_filters_stay():
    model, x = denoiser(steps=3), np.random.default_rng(1).random((2, 5, 4, 1)).astype(np.float32)
    model(x)
    for unit in model.parameters.values():
        unit.value = np.zeros_like(unit.value)
    np.testing.assert_array_equal(model(x).value, x)

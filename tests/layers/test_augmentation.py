"""Pictures changed at random: how often what comes, what is left as it is, what is refused.

What each layer computes of what it has drawn is compared in `test_registry`, on all engines in
`tests/engines`.
"""

import numpy as np
import pytest
from scipy import ndimage, stats

import pullback as pb
from pullback.layers import Training

MAKES = {
    "RandomFlip": lambda: pb.RandomFlip(vertical=True),
    "RandomCrop": lambda: pb.RandomCrop(3, padding=2),
    "RandomShift": lambda: pb.RandomShift(2, 0.5),
    "RandomRotation": lambda: pb.RandomRotation(90),
    "RandomBrightness": lambda: pb.RandomBrightness(0.5),
    "RandomContrast": lambda: pb.RandomContrast(0.5),
    "Cutout": lambda: pb.Cutout(2),
    "RandomErasing": lambda: pb.RandomErasing(),
}
every = pytest.mark.parametrize("name", MAKES)
MANY = 4000


def pictures(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def numbered(count, height, width):
    """Pictures whose pixels are 1, 2, and so on."""
    picture = np.arange(1.0, height * width + 1).reshape(1, height, width, 1)
    return np.repeat(picture, count, axis=0)


def kinds(y):
    """How many different pictures there are, and how often each comes."""
    return np.unique(y.reshape(len(y), -1), axis=0, return_counts=True)


def all_as_likely(counts):
    return stats.chisquare(counts).pvalue > 1e-3


# What is drawn -----------------------------------------------------------------------------------


@every
def test_each_picture_and_each_step_draws_anew_and_a_seed_repeats_it(name):
    x = np.repeat(pictures(1, 6, 5, 2), 64, axis=0)
    layer = MAKES[name]()

    def y(seed, step):
        return layer(x, training=Training(seed, step)).value

    np.testing.assert_array_equal(y(3, 5), y(3, 5))
    several = {y(3, 5).tobytes(), y(3, 6).tobytes(), y(4, 5).tobytes()}
    assert len(several) == 3
    assert len(kinds(y(3, 5))[0]) > 3


@every
def test_two_layers_of_a_model_draw_from_streams_of_their_own(name):
    x = np.repeat(pictures(1, 6, 5, 2), 64, axis=0)
    layer, training = MAKES[name](), Training(1)
    first, second = layer(x, training=training).value, layer(x, training=training).value
    same = [np.array_equal(a, b) for a, b in zip(first, second, strict=True)]
    assert np.mean(same) < 0.6


@every
def test_prediction_changes_nothing(name):
    x = pictures(3, 6, 5, 2)
    y = MAKES[name]()(x).value
    np.testing.assert_array_equal(y, x[:, 1:4, 1:4] if name == "RandomCrop" else x)


@pytest.mark.parametrize(("flips", "count"), [((True, False), 2), ((False, True), 2), ((1, 1), 4)])
def test_all_flips_are_as_likely(flips, count):
    y = pb.RandomFlip(*map(bool, flips))(numbered(MANY, 2, 3), training=True).value
    found, counts = kinds(y)
    assert len(found) == count
    assert all_as_likely(counts)


@pytest.mark.parametrize(("size", "padding"), [((3, 2), (0, 0)), ((2, 3), (1, 0)), (4, 2), (1, 0)])
def test_all_windows_are_as_likely(size, padding):
    x = numbered(MANY, 4, 5)
    y = pb.RandomCrop(size, padding)(x, training=Training(2)).value
    (high, wide), (above, beside) = np.broadcast_to(size, 2), np.broadcast_to(padding, 2)
    framed = np.pad(x[0, :, :, 0], ((above, above), (beside, beside)))
    windows = np.lib.stride_tricks.sliding_window_view(framed, (high, wide))
    windows = windows.reshape(-1, high * wide)
    for window in windows:
        count = (y.reshape(MANY, -1) == window).all(1).sum()
        share = (windows == window).all(1).sum() / len(windows)
        assert stats.binomtest(int(count), MANY, share).pvalue > 1e-5
    assert {w.tobytes() for w in kinds(y)[0]} == {w.tobytes() for w in windows}


def test_all_shifts_are_as_likely():
    x = np.zeros((MANY, 7, 9, 1))
    x[:, 3, 4] = 1.0
    y = pb.RandomShift(2, 3)(x, training=True).value
    found, counts = kinds(y)
    assert len(found) == 5 * 7
    assert all_as_likely(counts)
    y = pb.RandomShift(0, 0.25)(x, training=True).value  # of 9 columns, 2
    assert len(kinds(y)[0]) == 5


def test_no_shift_and_no_turn_change_nothing():
    x = pictures(8, 5, 4, 3)
    for layer in (pb.RandomShift(0, 0.2), pb.RandomRotation(0), pb.RandomRotation(0, "edge")):
        np.testing.assert_array_equal(layer(x, training=True).value, x)


def test_the_centre_of_a_cutout_is_any_pixel():
    x = np.ones((MANY, 3, 4, 1))
    found, counts = kinds(pb.Cutout(1)(x, training=True).value)
    assert len(found) == 12
    assert all_as_likely(counts)
    y = pb.Cutout(3)(x, training=True).value  # over the border where it is beside it
    sizes, _ = np.unique((y == 0).sum((1, 2, 3)), return_counts=True)
    assert set(sizes) == {4, 6, 9}
    assert not pb.Cutout(99)(x, training=True).value.any()


def test_brightness_and_contrast_are_uniform_over_their_range():
    x = pictures(MANY, 2, 2, 1)
    light = pb.RandomBrightness(0.3)(x, training=True).value - x
    assert np.ptp(light, axis=(1, 2, 3)).max() < 1e-12
    drawn = light[:, 0, 0, 0]
    assert stats.kstest(drawn, stats.uniform(-0.3, 0.6).cdf).pvalue > 1e-3
    y = pb.RandomContrast(0.3)(x, training=True).value
    np.testing.assert_allclose(y.mean((1, 2)), x.mean((1, 2)), atol=1e-12)
    drawn = y.std((1, 2, 3)) / x.std((1, 2, 3))
    assert stats.kstest(drawn, stats.uniform(0.7, 0.6).cdf).pvalue > 1e-3


def test_erased_rectangles_have_the_shares_and_ratios_that_were_asked_for():
    x = np.ones((MANY, 60, 80, 1))
    y = pb.RandomErasing(0.4, area=(0.05, 0.2), ratio=(0.5, 2.0))(x, training=True).value[..., 0]
    touched = (y == 0).any((1, 2))
    assert stats.binomtest(int(touched.sum()), MANY, 0.4).pvalue > 1e-3
    high, wide = (y[touched] == 0).any(2).sum(1), (y[touched] == 0).any(1).sum(1)
    np.testing.assert_array_equal((y[touched] == 0).sum((1, 2)), high * wide)
    assert stats.kstest(high * wide / 4800, stats.uniform(0.05, 0.15).cdf).statistic < 0.05
    ratios = np.log(high / wide)
    assert stats.kstest(ratios, stats.uniform(-np.log(2), 2 * np.log(2)).cdf).statistic < 0.05
    assert (y[touched, 0] == 0).any()  # up to the border
    assert (y[touched, -1] == 0).any()
    assert (y[touched, :, 0] == 0).any()
    assert (y[touched, :, -1] == 0).any()


# Rotation ----------------------------------------------------------------------------------------


def angles_of(layer, count, seed):
    u = pb.random((count, 1, 1, 1), seed=seed).ravel()
    return layer.config["degrees"] * (2 * u - 1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1), (2, 2), (5, 7), (8, 6)])
@pytest.mark.parametrize("fill", [0.0, 0.7, "edge"])
def test_a_rotation_is_that_of_scipy_about_the_centre(shape, fill):
    layer, x = pb.RandomRotation(180, fill), pictures(9, *shape, 2)
    y = layer(x, training=Training(4)).value
    how = {"mode": "nearest"} if fill == "edge" else {"mode": "grid-constant", "cval": fill}
    for k, angle in enumerate(angles_of(layer, 9, 4)):
        wanted = ndimage.rotate(x[k], angle, reshape=False, order=1, **how)
        np.testing.assert_allclose(y[k], wanted, atol=1e-12)


def test_a_positive_angle_turns_against_the_clock():
    layer, x = pb.RandomRotation(90), numbered(MANY, 2, 2)
    angles = angles_of(layer, MANY, 0)
    y = layer(x, training=True).value
    for k, turned in (angles.argmax(), np.rot90(x[0])), (angles.argmin(), np.rot90(x[0], -1)):
        np.testing.assert_allclose(y[k], turned, atol=0.05)


# Sizes, precision and gradients ------------------------------------------------------------------


@every
@pytest.mark.parametrize("shape", [(0, 6, 5, 2), (1, 1, 1, 1), (2, 3, 7, 1), (3, 4, 4, 0)])
def test_every_size_has_a_result_on_every_engine(name, shape):
    size = {"RandomCrop": lambda: pb.RandomCrop((min(shape[1], 3), min(shape[2], 4)), 1)}
    x = pb.Unit(pictures(*shape), "x")
    y = size.get(name, MAKES[name])()(x, training=Training(3))
    assert y.shape[0] == shape[0]
    assert y.shape[3] == shape[3]
    g = pb.gradient(y, x, pictures(*y.shape, seed=1))
    program = pb.Program({"x": x}, {"y": y, "g": g}, {})
    for engine in ("native", "jax"):
        found = pb.prepare(engine, program)()
        np.testing.assert_allclose(found["y"], y.value, atol=1e-12)
        np.testing.assert_allclose(found["g"], g.value, atol=1e-12)


def test_pictures_without_pixels_have_none_to_move():
    x = np.zeros((2, 0, 3, 1))
    for name in set(MAKES) - {"RandomCrop", "RandomContrast"}:
        assert MAKES[name]()(x, training=True).shape == x.shape
    with pytest.raises(pb.CircuitError, match=r"pictures of 0 x 3, with a padding of 2 and 2"):
        pb.RandomCrop(3, 2)(x, training=True)


@every
def test_gradients_by_the_pixels_are_right(name):
    x = pb.Unit(pictures(3, 4, 5, 2), "x")
    y = MAKES[name]()(x, training=Training(6))
    pb.check_gradients((y * y * pictures(*y.shape, seed=2)).sum())


@every
@pytest.mark.parametrize("threads", [1, 2])
def test_compiled_training_keeps_to_its_buffers_and_repeats(name, threads, monkeypatch):
    monkeypatch.setenv("PULLBACK_GUARD", "1")
    x = pictures(12, 6, 7, 3).astype("f4")
    labels = np.arange(12) % 2

    def trained(engine):
        model = pb.Sequential(
            MAKES[name](), pb.Conv2d(2, 3, padding="same"), pb.Flatten(), pb.Dense(2), rng=0
        )
        trainer = pb.Trainer(
            model, pb.SoftmaxCrossEntropy(), pb.SGD(0.05), engine=engine, seed=3,
            threads=threads if engine == "native" else None,
        )  # fmt: skip
        history = trainer.fit(x, labels, epochs=3, batch_size=5)
        return history["loss"], [unit.value for unit in model.parameters.values()]

    (first, numbers), (second, again) = trained("native"), trained("native")
    assert first == second
    for a, b in zip(numbers, again, strict=True):
        np.testing.assert_array_equal(a, b)
    losses, expected = trained("eager")
    np.testing.assert_allclose(first, losses, rtol=1e-4)
    for a, b in zip(numbers, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


@every
def test_whole_numbers_are_pictures_too(name):
    x = np.arange(2 * 6 * 5).reshape(2, 6, 5, 1)
    layer = MAKES[name]()
    y, wanted = (layer(v, training=Training(1)).value for v in (x, x.astype("f8")))
    np.testing.assert_allclose(y, wanted, atol=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        lambda: pb.RandomRotation(90, fill=0.5),
        lambda: pb.RandomShift(2, 2, fill=0.5),
        lambda: pb.RandomCrop(4, padding=2, fill=0.5),
        lambda: pb.Cutout(2, fill=0.5),
        lambda: pb.RandomErasing(1.0, fill=0.5),
    ],
)
def test_a_fill_is_not_rounded_for_pictures_of_whole_numbers(make):
    x = np.arange(2 * 6 * 5, dtype=np.uint8).reshape(2, 6, 5, 1)
    y, wanted = (make()(v, training=Training(1)).value for v in (x, x.astype("f8")))
    np.testing.assert_allclose(y, wanted, atol=1e-12)


# What is refused ---------------------------------------------------------------------------------


@every
def test_what_is_no_batch_of_pictures_is_refused_by_name(name):
    for training in (False, True):
        with pytest.raises(pb.CircuitError, match=rf"layer '{name.lower()}' expects.*x\[\.\.\., N"):
            MAKES[name]()(np.ones((2, 6, 5)), training=training)


REFUSED = [
    (lambda: pb.RandomFlip(False), "RandomFlip needs horizontal or vertical to be True"),
    (lambda: pb.RandomFlip("yes"), "RandomFlip needs .* got 'yes' and False"),
    (lambda: pb.RandomCrop(0), "RandomCrop needs a size of at least 1"),
    (lambda: pb.RandomCrop(2.5), "RandomCrop needs a size of at least 1, a whole number"),
    (lambda: pb.RandomCrop(2, -1), "RandomCrop needs a padding of at least 0"),
    (lambda: pb.RandomCrop(2, 1, "zeros"), "RandomCrop needs as fill a finite number or 'edge'"),
    (lambda: pb.RandomShift(-1, 0), "RandomShift needs rows as a whole number of pixels or a sh"),
    (lambda: pb.RandomShift(1, 1.5), "RandomShift needs columns as .* got 1.5"),
    (lambda: pb.RandomShift(1, True), "RandomShift needs columns as .* got True"),
    (lambda: pb.RandomShift(1, 1, np.nan), "RandomShift needs as fill .* got nan"),
    (lambda: pb.RandomRotation(-1), "RandomRotation needs a degrees from 0 to 180, got -1"),
    (lambda: pb.RandomRotation(181), "RandomRotation needs a degrees from 0 to 180, got 181"),
    (lambda: pb.RandomBrightness(-0.1), "RandomBrightness needs an amount from 0, got -0.1"),
    (lambda: pb.RandomBrightness(0.1, (1, 0)), r"needs limits \(low, high\) with low < high"),
    (lambda: pb.RandomBrightness(0.1, 1.0), r"needs limits \(low, high\) or None, got 1.0"),
    (lambda: pb.RandomContrast(1.1), "RandomContrast needs an amount from 0 to 1, got 1.1"),
    (lambda: pb.Cutout(-2), "Cutout needs a size of at least 1, a whole number"),
    (lambda: pb.Cutout(2, "edge"), "Cutout needs as fill a finite number or 'mean', got 'edge'"),
    (lambda: pb.RandomErasing(1.5), "RandomErasing needs a probability from 0 to 1, got 1.5"),
    (lambda: pb.RandomErasing(area=(0.5, 0.2)), r"needs area \(low, high\) with 0 < low <= high"),
    (lambda: pb.RandomErasing(area=(0.5, 1.2)), "RandomErasing needs an area from 0 to 1, got 1.2"),
    (lambda: pb.RandomErasing(ratio=2.0), r"needs ratio \(low, high\) with 0 < low <= high"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_arguments_that_make_no_sense_are_refused(make, message):
    with pytest.raises(pb.CircuitError, match=message):
        make()


@pytest.mark.parametrize("training", [False, True])
def test_a_window_larger_than_the_picture_is_refused(training):
    x = np.ones((2, 5, 6, 1))
    with pytest.raises(pb.CircuitError, match="layer 'randomcrop' cuts windows of 6 x 6 pixels,"):
        pb.RandomCrop(6)(x, training=training)
    with pytest.raises(pb.CircuitError, match="5 x 6, with a padding of 1 and 0, do not have"):
        pb.RandomCrop((8, 6), (1, 0))(x, training=training)
    assert pb.RandomCrop((7, 6), (1, 0))(x, training=training).shape == (2, 7, 6, 1)


def test_layers_are_written_as_one_would_write_them():
    assert repr(pb.RandomCrop(28, padding=4)) == "RandomCrop(28, padding=4)"
    assert repr(pb.RandomShift(2, 0.1, "edge")) == "RandomShift(2, 0.1, fill='edge')"
    assert repr(pb.RandomFlip()) == "RandomFlip()"
    assert repr(pb.RandomErasing()) == "RandomErasing()"
    assert repr(pb.Cutout((2, 3))) == "Cutout([2, 3])"
    assert repr(pb.RandomBrightness(0.2, (0, 1))) == "RandomBrightness(0.2, limits=[0.0, 1.0])"

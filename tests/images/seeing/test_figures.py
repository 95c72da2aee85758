"""Figures: what stands in them, that nothing meets another, and that a notebook shows them."""

from __future__ import annotations

import importlib.util
import io
import pickle
import sys

import numpy as np
import pytest
from tests.images.seeing.models import CLASSES, classifier, picture

import pullback as pb
from pullback.images import seeing

matplotlib = pytest.importorskip("matplotlib")

LONG = [f"a very long name of a class of pictures, number {k}" for k in range(3)]


def built(shape, *layers):
    model = pb.Sequential(*layers)
    model(np.zeros((1, *shape), np.float32))
    return model


def images(figure):
    """The array of each image in a figure, by the title of its axes."""
    found = [(axes.get_title(), image) for axes in figure.axes for image in axes.images]
    return [(title, np.asarray(image.get_array())) for title, image in found]


def many(count):
    rng = np.random.default_rng(0)
    labels = np.arange(3 * count) % count
    return rng.normal(size=(3 * count, count)) + np.eye(count)[labels], labels


GREY, COLOUR = (16, 12, 1), (12, 16, 3)

FIGURES = {
    "filters": lambda: seeing.filters(classifier(GREY)),
    "filters in colour": lambda: seeing.filters(classifier(COLOUR)),
    "filters of one": lambda: seeing.filters(built((1, 1, 1), pb.Conv2d(1, 1))),
    "filters of 512": lambda: seeing.filters(built(GREY, pb.Conv2d(512, 3))),
    "filters of channels": lambda: seeing.filters(built((5, 5, 40), pb.Conv2d(8, 3)), scale="own"),
    "activations": lambda: seeing.activations(classifier(GREY), picture(GREY), classes=LONG),
    "activations of a layer": lambda: seeing.activations(
        classifier(COLOUR), picture(COLOUR), "relu1"
    ),
    "activations of units": lambda: seeing.activations(
        classifier(COLOUR), picture(COLOUR), "dense1", classes=LONG
    ),
    "gradients": lambda: seeing.gradients(classifier(GREY), picture(GREY), 1, classes=LONG),
    "gradients of a loss": lambda: seeing.gradients(
        classifier(GREY), picture(GREY), 1, "conv2d1", loss=pb.SoftmaxCrossEntropy()
    ),
    "excite one": lambda: seeing.excite(classifier(GREY), 0, steps=3, classes=LONG).figure,
    "excite several": lambda: seeing.excite(classifier(COLOUR), None, steps=3, classes=LONG).figure,
    "excite many": lambda: (
        seeing.excite(built(GREY, pb.Conv2d(64, 3)), None, steps=3, engine="eager").figure
    ),
    "saliency": lambda: seeing.saliency(
        classifier(COLOUR), picture(COLOUR), 1, "integrated", classes=LONG
    ),
    "occlusion": lambda: seeing.occlusion(classifier(GREY), picture(GREY), classes=LONG),
    "confusion": lambda: seeing.confusion(many(3)[0], np.zeros((9, *GREY)), many(3)[1], LONG),
    "confusion of 30": lambda: seeing.confusion(
        many(30)[0], np.zeros((90, *COLOUR)), many(30)[1], [f"{LONG[0]} {k}" for k in range(30)]
    ),
    "confusion of 100": lambda: seeing.confusion(many(100)[0], None, many(100)[1]),
    "confusion of one": lambda: seeing.confusion([[1.0]], None, [0], ["only"]),
}


@pytest.fixture(scope="module", params=FIGURES)
def figure(request):
    return FIGURES[request.param]()


def test_a_figure_is_drawn_and_saved_without_pyplot(figure):
    assert isinstance(figure, matplotlib.figure.Figure)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    assert len(file.getvalue()) > 3000
    assert "matplotlib.pyplot" not in sys.modules or not matplotlib.pyplot.get_fignums()


def test_a_notebook_shows_a_figure(figure):
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_a_figure_is_as_wide_as_a_notebook_and_has_a_title(figure):
    width, height = figure.get_size_inches()
    assert width == 9.0
    assert 1.0 < height < 20.0
    assert len(figure.texts[0].get_text()) > 10


def test_axes_and_words_lie_apart_and_on_the_sheet(figure):
    """Everything that is drawn, in pixels: none reaches over the edge, none over another."""
    figure.canvas.draw()
    width, height = figure.bbox.width, figure.bbox.height
    boxes = [(text.get_text(), text.get_window_extent()) for text in figure.texts]
    for k, axes in enumerate(figure.axes):
        boxes.append((f"axes {k}", axes.get_window_extent()))
        if axes.get_title():
            boxes.append((axes.get_title(), axes.title.get_window_extent()))
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for place, text in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True):
                if low <= place <= high and text.get_text() and not text.get_rotation():
                    boxes.append((text.get_text(), text.get_window_extent()))
    for name, box in boxes:
        assert box.x0 >= 0, name
        assert box.x1 <= width, name
        assert box.y0 >= 0, name
        assert box.y1 <= height, name
    for k, (name, a) in enumerate(boxes):
        for other, b in boxes[k + 1 :]:
            across = min(a.x1, b.x1) - max(a.x0, b.x0)
            down = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert across < 1.5 or down < 1.5, (name, other, across, down)


def test_a_figure_is_not_empty(figure):
    shown = [array for _, array in images(figure)]
    assert shown
    assert all(np.isfinite(array[~np.isnan(array.astype(float))]).all() for array in shown)


def test_figures_pickle():
    figure = seeing.filters(classifier())
    assert pickle.loads(pickle.dumps(figure))._repr_png_() == figure._repr_png_()


def test_grey_filters_are_on_one_scale_about_zero():
    model = classifier()
    figure = seeing.filters(model)
    weights = seeing.filter_pictures(model)
    shown = images(figure)[:-1]  # the last is the bar
    assert [title for title, _ in shown] == ["0", "1", "2", "3"]
    for (_, array), weight in zip(shown, weights, strict=True):
        np.testing.assert_array_equal(array, weight[..., 0])
    most = np.abs(weights).max()
    assert {axes.images[0].get_clim() for axes in figure.axes} == {(-most, most)}
    own = seeing.filters(model, scale="own")
    limits = [axes.images[0].get_clim()[1] for axes in own.axes[:-1]]
    np.testing.assert_allclose(limits, np.abs(weights).max(axis=(1, 2, 3)))


def test_filters_of_colours_are_in_colour_with_grey_for_zero():
    model = classifier(COLOUR)
    weights = seeing.filter_pictures(model)
    shown = images(seeing.filters(model))
    assert len(shown) == 4
    for (_, array), weight in zip(shown, weights, strict=True):
        np.testing.assert_allclose(array, 0.5 + 0.5 * weight / np.abs(weights).max())
    inner = built(COLOUR, pb.Conv2d(3, 3), pb.ReLU(), pb.Conv2d(5, 3))
    assert images(seeing.filters(inner, "conv2d2"))[0][1].ndim == 2  # its channels are no colours
    last = built(COLOUR, pb.Conv2d(5, 3), pb.ConvTranspose2d(3, 4))
    assert images(seeing.filters(last, "convtranspose2d1"))[0][1].shape == (4, 4, 3)


def test_many_filters_are_the_strongest_and_it_is_said():
    model = built(GREY, pb.Conv2d(512, 3))
    figure = seeing.filters(model)
    assert len(figure.axes) == 65
    assert "64 of 512 filters, the strongest" in figure.texts[1].get_text()
    norms = np.linalg.norm(seeing.filter_pictures(model).reshape(512, -1), axis=1)
    expected = sorted(np.argsort(-norms)[:64])
    assert [int(axes.get_title()) for axes in figure.axes[:-1]] == expected
    assert len(seeing.filters(model, most=5).axes) == 6


def test_filters_of_channels_stand_in_a_matrix():
    model = built((5, 5, 2), pb.Conv2d(3, 3))
    figure = seeing.filters(model)
    (_, mosaic), _ = images(figure)
    weights = seeing.filter_pictures(model)
    step = 3 * 5 + 2  # five points a weight, and a gap of two
    for f in range(3):
        for c in range(2):
            block = mosaic[c * step : c * step + 15 : 5, f * step : f * step + 15 : 5]
            np.testing.assert_array_equal(block, weights[f, :, :, c])
    assert "a column for each filter, a row for each channel" in figure.texts[1].get_text()
    big = seeing.filters(built((5, 5, 40), pb.Conv2d(20, 1)))
    said = big.texts[1].get_text()
    assert "a row for each filter" in said
    assert "16 of 20 filters, the strongest; 16 of 40 channels, the strongest" in said


def test_a_layer_is_the_picture_and_its_channels():
    model, x = classifier(), picture()
    shown = images(seeing.activations(model, x, "relu1"))
    assert [title for title, _ in shown] == ["picture", "0", "1", "2", "3", ""]
    np.testing.assert_array_equal(shown[0][1], x[..., 0])
    maps = seeing.activation_maps(model, x, "relu1")["relu1"]
    for k in range(4):
        np.testing.assert_array_equal(shown[k + 1][1], maps[..., k])


def test_pictures_in_colour_are_shown_in_colour_and_grey_ones_in_grey():
    x = picture(COLOUR)
    np.testing.assert_array_equal(images(seeing.activations(classifier(COLOUR), x))[0][1], x)
    axes = seeing.activations(classifier(GREY), picture(GREY)).axes[0]
    assert axes.images[0].get_cmap().name == "gray"
    assert axes.images[0].get_clim() == (0.0, 1.0)


def test_what_has_no_sign_is_drawn_from_zero_and_what_has_about_it():
    model, x = classifier(), picture()
    relu, conv = seeing.activations(model, x, "relu1"), seeing.activations(model, x, "conv2d1")
    assert relu.axes[1].images[0].get_clim()[0] == 0.0
    low, high = conv.axes[1].images[0].get_clim()
    assert low == -high < 0.0
    for axes in seeing.gradients(model, x, 0, "relu1").axes[1:]:
        low, high = axes.images[0].get_clim()
        assert low == -high


def test_units_are_bars_with_the_names_of_classes():
    model, x = classifier(), picture()
    bars = seeing.activations(model, x, "dense1", classes=CLASSES).axes[1]
    heights = [bar.get_height() for bar in bars.patches]
    np.testing.assert_allclose(heights, seeing.activation_maps(model, x, "dense1")["dense1"])
    assert [text.get_text() for text in bars.get_xticklabels()] == CLASSES


def test_very_many_units_are_lines():
    model = built(GREY, pb.Flatten(), pb.Dense(300))
    x = picture(GREY)
    axes = seeing.activations(model, x, "dense1").axes[1]
    (lines,) = axes.collections
    ends = [segment[1, 1] for segment in lines.get_segments()]
    np.testing.assert_allclose(ends, seeing.activation_maps(model, x, "dense1")["dense1"])


def test_all_layers_have_a_strip_each():
    model = classifier((16, 12, 1))
    figure = seeing.activations(model, picture((16, 12, 1)), classes=CLASSES)
    words = [text.get_text() for text in figure.texts]
    for name in ("conv2d1", "relu1", "averagepool2d1", "dense1", "16 × 12 × 4"):
        assert name in words
    assert len(figure.axes) == 1 + 3 * 4 + 1


def test_of_very_many_layers_some_are_shown():
    layers = [pb.Sigmoid() for _ in range(60)]
    model = built(GREY, pb.Conv2d(1, 3), *layers, pb.Flatten(), pb.Dense(2))
    figure = seeing.activations(model, picture(GREY))
    assert "30 of 62 layers" in figure.texts[1].get_text()
    assert "dense1" in [text.get_text() for text in figure.texts]


def test_saliency_and_occlusion_have_the_picture_the_map_and_both():
    model, x = classifier(), picture()
    shown = images(seeing.saliency(model, x, 1, "smooth", seed=3, classes=CLASSES))
    assert [title for title, _ in shown] == ["picture", "smooth", "both", ""]
    found = seeing.saliency_map(model, x, 1, "smooth", seed=3)
    np.testing.assert_array_equal(shown[1][1], found.heat)
    assert shown[2][1].shape == (8, 7, 3)
    figure = seeing.occlusion(model, x, "owl", size=3, classes=CLASSES)
    shown = images(figure)
    found = seeing.occlusion_map(model, x, 2, size=3)
    np.testing.assert_array_equal(shown[1][1], found.heat)
    i, j = np.unravel_index(found.drops.argmax(), found.drops.shape)
    covered = x[..., 0].copy()
    covered[found.tops[i] : found.tops[i] + 3, found.lefts[j] : found.lefts[j] + 3] = x.mean()
    np.testing.assert_allclose(shown[0][1], covered)
    assert "P(owl) = " in figure.texts[1].get_text()


def test_the_matrix_says_counts_and_shares_and_shows_the_worst():
    scores = np.array([[4.0, 0.0], [3.0, 0.0], [0.0, 1.0], [0.0, 2.0]])
    pictures = np.random.default_rng(0).random((4, 6, 5)).astype(np.float32)
    figure = seeing.confusion(scores, pictures, [0, 1, 1, 0], ["cat", "dog"])
    cells = [text.get_text() for text in figure.axes[0].texts]
    assert cells == ["1\n50%", "1\n50%", "1\n50%", "1\n50%"]
    titles = [axes.get_title() for axes in figure.axes[1:]]
    assert titles == ["dog\ntaken for cat\n95.3%", "cat\ntaken for dog\n88.1%"]
    shown = images(figure)
    np.testing.assert_array_equal(shown[1][1], pictures[1])
    np.testing.assert_array_equal(shown[2][1], pictures[3])
    assert len(seeing.confusion(scores, pictures, [0, 1, 1, 0], wrong=1).axes) == 2
    assert len(seeing.confusion(scores, pictures, [0, 0, 1, 1], wrong=1).axes) == 1


def test_curves_are_those_of_the_units():
    found = seeing.excite(classifier(), [0, 2], steps=4, classes=CLASSES)
    *pictures, curves = found.figure.axes
    assert [axes.get_title().split("\n")[0] for axes in pictures] == ["cat", "owl"]
    for k, line in enumerate(curves.lines):
        np.testing.assert_array_equal(line.get_ydata(), found.activations[:, k])
    assert found._repr_png_().startswith(b"\x89PNG")


def test_pictures_outside_0_to_1_are_stretched():
    x = picture(GREY) * 7.0 - 3.0
    shown = images(seeing.activations(classifier(GREY), x))[0][1]
    assert (shown.min(), shown.max()) == (0.0, 1.0)


def test_wrong_options_are_refused():
    model = classifier()
    with pytest.raises(pb.CircuitError, match="scale is 'shared' or 'own'"):
        seeing.filters(model, scale="log")
    for draw in (seeing.filters, lambda m, most: seeing.activations(m, picture(), most=most)):
        with pytest.raises(pb.CircuitError, match="most must be"):
            draw(model, most=0)
    with pytest.raises(pb.CircuitError, match="wrong must be"):
        seeing.confusion([[1.0, 0.0]], None, [0], wrong=-1)
    with pytest.raises(pb.CircuitError, match=r"pictures are \(N, H, W, C\)"):
        seeing.confusion([[1.0, 0.0]], np.zeros((1, 4)), [1])


def test_without_matplotlib_the_cure_is_said(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "pullback.figures.find_spec", lambda x: None if x == "matplotlib" else find(x)
    )
    model, x = classifier(), picture()
    found = seeing.excite(model, 0, steps=1)
    for draw in (
        lambda: seeing.filters(model),
        lambda: seeing.activations(model, x),
        lambda: seeing.gradients(model, x, 0),
        lambda: seeing.saliency(model, x),
        lambda: seeing.occlusion(model, x),
        lambda: seeing.confusion([[1.0, 0.0]], None, [0]),
        lambda: found.figure,
    ):
        with pytest.raises(pb.CircuitError, match=r'pip install "pullback\[plot\]"'):
            draw()
    assert found._repr_png_() is None

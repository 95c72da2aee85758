"""The figure of a sound: what stands in it, where, and that nothing meets another."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

import pullback as pb
from pullback.sequences.sound import Sound, spectrogram

matplotlib = pytest.importorskip("matplotlib")

TIMES = np.arange(12_000) / 8000
TONE = 0.5 * np.sin(2 * np.pi * 1000 * TIMES) * (TIMES > 0.75)
LONG = [f"a very long name of a word, number {k}" for k in range(3)]
SHARES = np.random.default_rng(0).dirichlet(np.ones(4), 150)
FIGURES = {
    "plain": lambda: spectrogram(TONE, 8000),
    "short": lambda: spectrogram(TONE[-3:], 8000),
    "long": lambda: spectrogram(np.tile(TONE, 40), 8000),
    "of a Sound": lambda: spectrogram(Sound(TONE, 16000), title="A tone " * 30),
    "heard": lambda: spectrogram(TONE, 8000, heard=[(LONG[0], 0.1, 0.4), ("b", 0.9, 2.5)]),
    "probabilities": lambda: spectrogram(TONE, 8000, probabilities=SHARES, classes=LONG, blank=0),
    "all": lambda: spectrogram(
        TONE, 8000, heard=[("b", 0.9, 1.2)], probabilities=SHARES, layer=pb.LogMel(8000, 20)
    ),
}


@pytest.fixture(scope="module", params=FIGURES)
def figure(request):
    return FIGURES[request.param]()


def test_a_figure_is_drawn_without_pyplot(figure):
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert figure.get_size_inches()[0] == 9.0
    assert "matplotlib.pyplot" not in sys.modules or not matplotlib.pyplot.get_fignums()


def test_axes_and_words_lie_apart_and_on_the_sheet(figure):
    """Everything that is drawn, in pixels: none reaches over the edge, none over another."""
    figure.canvas.draw()
    width, height = figure.bbox.width, figure.bbox.height
    boxes = [(text.get_text(), text.get_window_extent()) for text in figure.texts]
    for k, axes in enumerate(figure.axes):
        boxes.append((f"axes {k}", axes.get_window_extent()))
        texts = (axes.title, axes.yaxis.label, *axes.get_xticklabels(), *axes.get_yticklabels())
        boxes += [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]
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


def test_a_tone_is_seen_when_and_where_it_sounds():
    figure = FIGURES["plain"]()
    _, bands, _ = figure.axes
    shown = np.asarray(bands.images[0].get_array())
    assert shown.shape == (40, 151)
    assert (shown.min(), round(float(shown.max()), 6)) == (0.0, 80.0)
    layer = pb.LogMel(8000)
    assert abs(shown[:, 100].argmax() - np.abs(layer.frequencies - 1000).argmin()) <= 1
    assert shown[:, :70].max() == 0.0
    left, right, bottom, top = bands.images[0].get_extent()
    assert (left, round(right, 6)) == (-0.005, 1.505)
    assert bands.get_xlim() == (0.0, 1.5)
    assert bands.get_ylim() == (-0.5, 39.5)  # low frequencies are below
    assert (bottom, top) == (39.5, -0.5)


def test_what_was_heard_is_written_where_it_was():
    spans = FIGURES["heard"]().axes[3]
    lines = [line.get_xdata().tolist() for line in spans.lines]
    assert lines == [[0.1, 0.4], [0.9, 1.5]]
    assert [text.get_position()[0] for text in spans.texts] == [0.25, 1.2]
    shares = FIGURES["probabilities"]().axes[3]
    np.testing.assert_array_equal(shares.images[0].get_array(), SHARES.T)
    assert [t.get_text()[:5] for t in shares.get_yticklabels()] == ["blank", *["a ver"] * 3]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"rate": None}, r"the rate is needed too: spectrogram\(samples, rate\)"),
        ({"rate": 12}, "a rate is a whole number of samples a second"),
        ({"sound": np.zeros((2, 3))}, r"a sound is floats of shape \(samples,\), got float64 of"),
        ({"sound": np.zeros(3, int)}, "got int64 of"),
        ({"sound": np.zeros(0)}, "a sound is floats"),
        ({"sound": np.array([np.nan])}, "the sound holds nan or infinity"),
        ({"layer": pb.LogMel(16000)}, r"of 8,000 Hz is by a LogMel\(8000\), got LogMel\(16000\)"),
        ({"layer": pb.MFCC(8000)}, r"is by a LogMel\(8000\), got MFCC"),
        ({"heard": [("a", 0.5, 0.1)]}, "what was heard begins and ends, in seconds, got Heard"),
        ({"probabilities": np.zeros(3)}, r"of shape \(steps, classes\), got \(3,\)"),
        ({"probabilities": SHARES, "classes": ["a"]}, "4 classes need a name each"),
    ],
)
def test_what_is_refused(told, words):
    given = {"sound": TONE, "rate": 8000, **told}
    with pytest.raises(pb.CircuitError, match=words):
        spectrogram(given.pop("sound"), given.pop("rate"), **given)


def test_silence_is_drawn_too():
    assert spectrogram(np.zeros(800), 8000)._repr_png_()


def test_without_matplotlib_the_cure_is_told(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "pullback.figures.find_spec", lambda x: None if x == "matplotlib" else find(x)
    )
    with pytest.raises(
        pb.CircuitError, match=r'install matplotlib: pip install "pullback\[plot\]"'
    ):
        spectrogram(TONE, 8000)

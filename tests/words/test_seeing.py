"""Figures of nearest words and of pulls: what is drawn, and what is refused."""

import io

import numpy as np
import pytest

import pullback.words
from pullback import CircuitError
from pullback.words import Pull, Pulls
from pullback.words.moved import moved_by
from pullback.words.seeing import nearness, pulls_on


def pull(word, move, pairs):
    distance = float(np.linalg.norm(move))
    return Pull(word, distance, np.asarray(move, float) / distance, pairs)


PULLS = Pulls(
    "war",
    (pull("the", [3, 0, 1], 40), pull("world", [0, 2, 1], 9), pull("peace", [1, 1, 0], 5)),
    (pull("the", [-3, 0, -0.5], 500), pull("tea", [0, -1, 1], 30)),
)


def texts(figure):
    """All that is written on a figure."""
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [text.get_text() for text in (*axes.texts, *axes.get_yticklabels())]
    return found


def test_pulls_of_one_word_are_added_up():
    moved = moved_by(PULLS)
    assert [m.word for m in moved] == ["world", "peace", "tea", "the"]
    assert [(m.near, m.noise) for m in moved] == [(9, 0), (5, 0), (0, 30), (40, 500)]
    np.testing.assert_allclose(moved[-1].by, [0, 0, 0.5], atol=1e-12)
    np.testing.assert_allclose(sum(m.by for m in moved), PULLS.total, atol=1e-12)
    assert [m.attracted for m in moved] == [True, True, False, True]


@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_arrows_are_as_long_as_moves_at_most(count):
    figure = pulls_on(PULLS, count)
    arrows, bars = figure.axes
    moved = moved_by(PULLS)[:count]
    drawn = [text.xy for text in arrows.texts if not text.get_text()]
    assert len(drawn) == len(moved)
    for place, move in zip(drawn, moved, strict=True):
        assert np.linalg.norm(place) <= move.distance + 1e-9
    if count <= 2:  # two lie in one plane
        np.testing.assert_allclose(
            [np.linalg.norm(place) for place in drawn], [m.distance for m in moved]
        )
    np.testing.assert_allclose(
        [bar.get_width() for bar in bars.patches], [m.distance for m in moved]
    )
    assert {m.word for m in moved} <= set(texts(figure))
    figure.savefig(io.BytesIO(), format="png")


def test_many_labels_are_apart_and_inside():
    rng = np.random.default_rng(0)
    many = tuple(pull(f"w{k}", rng.normal([3, 0, 0, 0]), 1) for k in range(40))
    arrows = pulls_on(Pulls("a", many, ()), 40).axes[0]
    low, high = arrows.get_ylim()
    labels = [text for text in arrows.texts if text.get_text()]
    for side in {text.get_ha() for text in labels}:
        heights = sorted(text.get_position()[1] for text in labels if text.get_ha() == side)
        assert low < heights[0] <= heights[-1] < high
        assert np.diff(heights).min(initial=1.0) > 0.02 * (high - low)


def test_bars_are_as_long_as_cosines():
    figure = nearness([("queen", 0.8), ("tea", -0.4), ("zero", 0.0)], "near king")
    assert [bar.get_width() for bar in figure.axes[0].patches] == [0.8, -0.4, 0.0]
    assert {"near king", "queen", "tea", "0.800", "−0.400"} <= set(texts(figure))
    nearness([("only", -1.0)]).savefig(io.BytesIO(), format="png")


def test_a_word_is_no_pulls():
    with pytest.raises(CircuitError, match=r"model.pulls\(\"whale\"\), got 'whale'"):
        pulls_on("whale")


def test_figures_are_there_with_the_package():
    assert pullback.words.seeing.pulls_on is pulls_on


def test_what_cannot_be_drawn(monkeypatch):
    for found in ([], [("a", 1.5)], [("a", float("nan"))]):
        with pytest.raises(CircuitError):
            nearness(found)
    for pulls, count in ((PULLS, 0), (PULLS, -1), (Pulls("a", (), ()), 3)):
        with pytest.raises(CircuitError):
            pulls_on(pulls, count)
    monkeypatch.setattr("pullback.figures.find_spec", lambda _: None)
    with pytest.raises(CircuitError, match="install matplotlib"):
        nearness([("a", 1.0)])

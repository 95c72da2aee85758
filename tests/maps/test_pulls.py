"""What pulls at a point: the parts of the cost's gradient, and their picture."""

import importlib.util

import numpy as np
import pytest
from tests.maps.points import GROUPS, SMALL, groups, mapped

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.maps import TSNE
from pullback.models.tsne import kl_divergence

NAMES = [f"point {k} of group {g}" for k, g in enumerate(GROUPS)]


def slope():
    y = Unit(mapped().embedding_.T.astype(np.float64))
    return pb.gradient(kl_divergence(y, mapped().affinities_.toarray()), y).value.T


@pytest.mark.parametrize("point", [0, 37, 59])
def test_they_are_the_parts_of_the_gradient(point):
    found = mapped().pulls(point)
    np.testing.assert_allclose(found.total, -slope()[point], atol=1e-6)
    np.testing.assert_allclose(found.each.sum(axis=0), found.attraction, rtol=1e-12)
    assert set(found.neighbours) == set(np.flatnonzero(mapped().affinities_.toarray()[point]))


def test_each_neighbour_pulls_to_where_it_is_the_strongest_first():
    found = mapped().pulls(5)
    to = found.positions[found.neighbours] - found.positions[5]
    assert ((found.each * to).sum(axis=1) > 0.0).all()
    assert (np.diff(np.hypot(*found.each.T)) <= 0.0).all()
    assert (GROUPS[found.neighbours] == GROUPS[5]).mean() > 0.9


def test_they_can_be_read():
    lines = str(mapped().pulls(5)).splitlines()
    assert lines[0].startswith("what pulls at point 5")
    assert len(lines) == 14
    assert repr(mapped().pulls(5)) == str(mapped().pulls(5))


def test_a_map_has_them_of_all_points():
    record = mapped().map(labels=GROUPS, names=NAMES)
    assert record.names == tuple(NAMES)
    assert len(record.frames) == 4
    np.testing.assert_allclose(record.attraction + record.repulsion, -slope(), atol=1e-6)
    found = mapped().pulls(5)
    np.testing.assert_allclose(record.attraction[5], found.attraction, atol=1e-7)
    assert record.neighbours[5].tolist() == found.neighbours[:8].tolist()
    np.testing.assert_allclose(record.weights[5], np.hypot(*found.each[:8].T), rtol=1e-4)
    assert record.notes[0].startswith("t-SNE of 60 points, perplexity 5, 750 iterations, KL")


def test_their_figure_is_saved_by_its_ending(tmp_path):
    figure = mapped().pulls(5).draw()
    figure.save(tmp_path / "a.svg")
    assert "<svg" in (tmp_path / "a.svg").read_text()
    with pytest.raises(CircuitError, match=r"name it a\.svg, not"):
        figure.save(tmp_path / "a.html")


@pytest.mark.parametrize("point", [-1, 60, 1.5, True, "5"])
def test_another_point_is_refused(point):
    with pytest.raises(CircuitError, match="the map has points 0 to 59, and not"):
        mapped().pulls(point)


def test_a_figure_has_an_arrow_for_each_neighbour_and_for_what_all_come_to():
    found = mapped().pulls(5)
    sheet = found.draw(NAMES)
    left, right = sheet.axes
    assert sum(text.arrow_patch is not None for text in left.texts) == len(found.neighbours)
    assert sum(text.arrow_patch is not None for text in right.texts) == 2  # the rest is short
    assert NAMES[5] in sheet.texts[0].get_text()
    assert sheet._repr_png_()


def test_a_figure_is_refused_where_it_cannot_be(monkeypatch):
    with pytest.raises(CircuitError, match="2 names for 60 points"):
        mapped().pulls(5).draw(["a", "b"])
    line = TSNE(1, **SMALL, max_iter=2, early_exaggeration_iter=1).fit(groups())
    with pytest.raises(CircuitError, match="in the plane, and the map has 1 axes"):
        line.pulls(5).draw()
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "pullback.figures.find_spec", lambda x: None if x == "matplotlib" else find(x)
    )
    with pytest.raises(CircuitError, match="install matplotlib"):
        mapped().pulls(5).draw()

"""A map is checked where it is made: what does not fit together is refused, with the cure."""

import numpy as np
import pandas as pd
import pytest

from pullback.core.errors import CircuitError
from pullback.maps import Frame, Map

THREE = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])


def test_what_is_told_is_kept_as_arrays():
    found = Map(
        THREE.tolist(),
        frames=[Frame(0, 2.0, THREE[::-1]), Frame(9, 1.0, THREE)],
        labels=[1, 2, 1],
        names=["a", None, 3],
        pictures=np.zeros((3, 4, 5, 1), np.uint8),
        attraction=-THREE,
        repulsion=THREE,
        neighbours=[[1], [2], [0]],
        weights=[[0.5], [1.0], [0.0]],
        notes=["so"],
    )
    assert len(found) == 3
    assert found.positions.dtype == found.frames[0].positions.dtype == np.float32
    assert [frame.iteration for frame in found.frames] == [0, 9]
    assert found.names == ("a", "", "3")
    assert found.pictures.shape == (3, 4, 5)
    assert found.neighbours.dtype == np.int32
    assert found.weights.dtype == np.float32


def test_names_that_are_missing_or_bytes():
    assert Map(THREE, names=[pd.NA, np.nan, b"c"]).names == ("", "", "c")


def test_a_notebook_says_what_it_is_and_shows_its_picture(monkeypatch):
    assert repr(Map(THREE)) == "<Map: 3 points>"
    found = Map(THREE, [Frame(0, 2.0, THREE)], ["a", "b", "a"], title="so", notes=["x" * 999])
    assert repr(found) == "<Map 'so': 3 points, 1 frame, 2 labels>"
    assert repr(Map(THREE, labels=[0.5, 2, 1])) == "<Map: 3 points, labels from 0.5 to 2>"
    assert found._repr_png_().startswith(b"\x89PNG")
    monkeypatch.setattr("pullback.maps.map.find_spec", lambda name: None)
    assert found._repr_png_() is None


def test_positions_go_on_to_other_programs(tmp_path):
    found = Map(THREE, labels=["a", None, "b, c"], names=["n", "", "o"])
    found.save(tmp_path / "a.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), THREE.astype(np.float32))
    found.save(tmp_path / "a.csv")
    table = pd.read_csv(tmp_path / "a.csv", keep_default_na=False)
    assert table.columns.tolist() == ["x", "y", "label", "name"]
    np.testing.assert_array_equal(table[["x", "y"]], THREE)
    assert table["label"].tolist() == ["a", "", "b, c"]
    Map(THREE).save(tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_text().splitlines()[0] == "x,y"


@pytest.mark.parametrize(("most", "white"), [(1.0, 255), (16.0, 255), (0.2, 51)])
def test_pictures_of_fractions_are_scaled(most, white):
    found = Map(THREE, pictures=np.full((3, 2, 2), most)).pictures
    assert found.dtype == np.uint8
    assert (found == white).all()


def test_one_point_is_a_map_and_none_is_not():
    assert len(Map([[3.0, 4.0]])) == 1
    with pytest.raises(CircuitError, match="at least one point"):
        Map(np.zeros((0, 2)))


NAN = [[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]]
REFUSED = {
    "space": ({"positions": np.zeros((3, 3))}, "lie in the plane.* choose two of the three"),
    "line": ({"positions": np.zeros(3)}, r"shape \(N, 2\), got \(3,\)"),
    "words": ({"positions": ["a", "b"]}, "are numbers"),
    "not finite": ({"positions": NAN}, "of 2 points are not, first of number 1"),
    "labels": ({"labels": ["a"]}, "1 labels for 3 points"),
    "names": ({"names": ["a"] * 4}, "4 names for 3 points"),
    "a text as labels": ({"labels": "abc"}, "got the text"),
    "infinite labels": ({"labels": [1.0, np.inf, 2.0]}, "number 1 is not"),
    "no list": ({"names": 3}, "a list or an array"),
    "names in a text": ({"names": "abc"}, "a list or an array"),
    "a set": ({"labels": {1, 2, 3}}, "a list or an array"),
    "keys": ({"labels": {1: "a", 2: "b", 3: "c"}}, "a list or an array"),
    "huge": ({"positions": THREE * 1e35}, r"positions have 2e\+35 in them; divide them by that"),
    "beyond": ({"positions": THREE * 1e300}, "of 2 points are not, first of number 1"),
    "no notes": ({"notes": None}, "a list of texts"),
    "no list of frames": ({"frames": None}, "frames are Frame"),
    "a frame": ({"frames": Frame(1, None, THREE)}, "frames are Frame"),
    "unlike pictures": (
        {"pictures": [np.zeros((2, 2 + k), np.uint8) for k in range(3)]},
        "all of one size",
    ),
    "notes": ({"notes": "a note"}, "a list of texts"),
    "pictures": ({"pictures": -np.ones((3, 8, 8))}, "uint8"),
    "empty pictures": ({"pictures": np.zeros((3, 0, 8), np.uint8)}, "uint8"),
    "attraction": ({"attraction": np.zeros((2, 2))}, "2 attraction for 3"),
    "repulsion": ({"repulsion": NAN}, "repulsion must be finite"),
    "weights": ({"weights": np.ones((3, 1))}, "give these too"),
    "far neighbours": ({"neighbours": [[1], [2], [3]]}, "from 0 to 2, got 1 to 3"),
    "few weights": ({"neighbours": [[1], [2], [0]], "weights": [[1.0]]}, "one for each neighbour"),
    "no frames": ({"frames": [THREE]}, "frames are Frame"),
    "short frame": ({"frames": [Frame(4, 1.0, THREE[:2])]}, "at iteration 4 for 3"),
    "back": ({"frames": [Frame(4, 1.0, THREE)] * 2}, "iteration 4 comes after 4"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case):
    told, message = REFUSED[case]
    with pytest.raises(CircuitError, match=message):
        Map(**{"positions": THREE, **told})


def test_a_map_is_saved_by_its_ending(tmp_path):
    found = Map(THREE)
    for ending, start in ((".html", b"<!doctype html>"), (".svg", b"<?xml"), (".png", b"\x89PNG")):
        path = tmp_path / f"map{ending}"
        found.save(path)
        assert path.read_bytes().startswith(start)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.html", "map.png", "map.svg"]


def test_where_it_cannot_be_saved_nothing_is_written(tmp_path):
    found = Map(THREE)
    with pytest.raises(CircuitError, match=r"\.csv, \.npy: name it map\.html"):
        found.save(tmp_path / "map.pdf")
    (tmp_path / "a.html").mkdir()
    with pytest.raises(CircuitError, match="is a folder"):
        found.save(tmp_path / "a.html")
    with pytest.raises(CircuitError, match="cannot write"):
        found.save(tmp_path / "none" / "map.html")

"""Published tables: read from a person's folder, and refused where they are others."""

import os

import numpy as np
import pytest

import pullback as pb
from pullback.datasets import DATASETS, load_table
from pullback.datasets.tables import MAMMOGRAPHY


def test_mammography_is_what_was_published():
    own = os.environ.get("PULLBACK_DATA")
    if not own or not os.path.exists(os.path.join(own, "mammography", "mammography.csv")):
        pytest.skip("PULLBACK_DATA names no folder with mammography")
    assert DATASETS["mammography"] is MAMMOGRAPHY
    data = load_table("mammography")
    assert len(data.frame) == 11_183
    assert data.target.classes == ("calcification", "normal")
    assert np.bincount(data.values).tolist() == [260, 10_923]
    assert [column.kind for column in data.columns] == ["number"] * 6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,2,3,4,5,6,'1'\n", "holds other rows than 10,923 of normal, 260 of calcification"),
        ("", "holds other rows than|cannot read"),
        ("1,2,3\n", "holds other rows than"),
        ("a,'b\n", "holds other rows than|cannot read"),
    ],
)
def test_another_file_is_refused(tmp_path, monkeypatch, text, words):
    monkeypatch.setenv("PULLBACK_DATA", str(tmp_path))
    with pytest.raises(pb.CircuitError, match="put it there from"):
        load_table("mammography")
    (tmp_path / "mammography").mkdir()
    (tmp_path / "mammography" / "mammography.csv").write_text(text)
    with pytest.raises(pb.CircuitError, match=words):
        load_table("mammography")

"""Parts of rows: every row once, every class in its proportion."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.train.split import refuse_rare, split_rows


@pytest.mark.parametrize("shares", [(1.0,), (0.5, 0.5), (0.7, 0.1, 0.2), (0.05, 0.95)])
@pytest.mark.parametrize("count", [3, 7, 10, 97, 1000])
def test_every_row_once_and_every_class_by_its_share(shares, count):
    labels = np.random.default_rng(count).integers(0, 3, count)
    parts = split_rows(labels, shares, seed=1)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(count))
    assert len(parts) == len(shares)
    for part, share in zip(parts, shares, strict=True):
        assert len(part)
        np.testing.assert_array_equal(part, np.sort(part))
        for k in range(3):
            wanted = share * (labels == k).sum()
            assert abs((labels[part] == k).sum() - wanted) <= 1.5 + (count < 10)
    np.testing.assert_array_equal(split_rows(labels, shares, seed=1)[0], parts[0])
    if count == 1000 and len(shares) > 1:
        assert not np.array_equal(split_rows(labels, shares, seed=2)[0], parts[0])


def test_rows_without_classes():
    parts = split_rows(10, (0.3, 0.7), seed=0)
    assert [len(part) for part in parts] == [3, 7]


def test_what_cannot_be_split_is_refused():
    for shares in ((), (0.5, 0.4), (1.5, -0.5), (1.0, 0.0)):
        with pytest.raises(pb.CircuitError, match="shares must be positive and add up to 1"):
            split_rows(10, shares, seed=0)
    with pytest.raises(pb.CircuitError, match="2 rows are too few for 3 parts"):
        split_rows(2, (0.4, 0.3, 0.3), seed=0)
    refuse_rare(np.array([0, 1, 1, 0]), "ab", 2)
    with pytest.raises(pb.CircuitError, match="class 'b' has 1 example, and each of 2 parts"):
        refuse_rare(np.array([0, 1, 0]), "ab", 2)

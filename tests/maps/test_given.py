"""Data that have no map are refused before any work, and the message says where it is."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.metrics import pairwise_distances
from tests.maps.points import SMALL, groups

from pullback.core.errors import CircuitError
from pullback.maps import TSNE


def changed(row, column, value):
    x = groups().copy()
    x[row, column] = value
    return x


TABLE = pd.DataFrame(groups(), columns=list("abcde"))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (changed(3, 2, np.nan), "X contains NaN in row 3, column 2"),
        (changed(5, 0, np.inf), "X contains infinity in row 5, column 0"),
        (csr_matrix(changed(3, 2, np.nan)), "X contains NaN in row 3, column 2"),
        (changed(0, 0, 1e200), r"X has 1e\+200 in it, whose square is too large for float64"),
        (changed(0, 0, 1e25).astype(np.float32), "is too large for float32"),
        (np.ones((60, 3)), "all 60 rows of X are equal"),
        (csr_matrix(np.ones((60, 3))), "all 60 rows of X are equal"),
        (csr_matrix((60, 3)), "all 60 rows of X are equal"),
        (np.zeros((0, 3)), "0 sample"),
        (np.zeros((1, 3)), "1 sample"),
        (np.eye(2), "a perplexity of 5 needs 16 points.* got n_samples = 2; add points"),
        (np.zeros((5, 0)), "0 feature"),
        (np.zeros(5), "Expected 2D array"),
        ([["a", "b"], ["c", "d"]], "could not convert"),
        (TABLE.assign(town="Ulm"), "columns of X are no numbers: town; leave them out"),
        (
            TABLE.assign(kind=pd.Categorical(["a"] * 60), day=pd.Timestamp("2020-01-01")),
            "columns of X are no numbers: kind, day; .*pandas.get_dummies",
        ),
        (TABLE.assign(more=pd.array([1, None] * 30, dtype="Int64")), "NaN in row 1, column 5"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_points(x, message):
    with pytest.raises(ValueError, match=message):
        TSNE(**SMALL).fit(x)


def distances(row=0, column=0, value=0.0, both=False):
    far = pairwise_distances(groups())
    far[row, column] = value
    if both:
        far[column, row] = value
    return far


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (groups(), r"square distance matrix, \(N, N\), got \(60, 5\)"),
        (distances(1, 2, -1.0), "distances are not negative: X has -1 in row 1, column 2"),
        (distances(1, 2, 99.0), "the same both ways: X has 99 from 1 to 2 and"),
        (distances(4, 4, 1.0), "distance of point 4 to itself is 1 and must be 0"),
        (distances(1, 2, np.nan, both=True), "X contains NaN in row 1, column 2"),
        (np.zeros((60, 60)), "all distances between the 60 points of X are 0"),
        (csr_matrix(distances()), "dense array, not a sparse one"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_distances(x, message):
    with pytest.raises(CircuitError, match=message):
        TSNE(**SMALL, metric="precomputed").fit(x)

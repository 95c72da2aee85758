"""An epoch that is left and gone on with measures and learns what a whole one does."""

import numpy as np
import pytest

import pullback as pb
from pullback.train.data import Batches, Rows
from pullback.train.passes import BatchPass, Place, RowPass, Runs
from pullback.train.step import TrainingStep

X = np.random.default_rng(0).normal(size=(23, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)


def runs(engine="eager"):
    model = pb.Sequential(pb.Dense(4), pb.BatchNorm(), pb.Dropout(0.3), pb.Dense(2), rng=1)
    step = TrainingStep(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.1), seed=5)
    return Runs(step, engine, None)


def rows_of(runs, x=X, y=Y):
    return Rows(runs.step.columns(x, y))


def never():
    return False


def quiet(rows, of, measured):
    pass


def outcome(runs, means):
    return means, [np.copy(unit.value) for unit in runs.step.sources.values()]


def assert_equal(one, other):
    assert one[0] == other[0]
    for a, b in zip(one[1], other[1], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("engine", ["eager", "native"])
@pytest.mark.parametrize("size", [2, 4, 22, 23, 50])
def test_rows_in_pieces_are_an_epoch(engine, size):
    whole, pieces = runs(engine), runs(engine)
    at_once = RowPass(whole, rows_of(whole), size, 1, Place())
    assert at_once.go_on(never, quiet)
    data, place, left = rows_of(pieces), Place(), 0
    while True:
        part = RowPass(pieces, data, size, 1, place)  # made anew, as another process would
        over = part.go_on(never, quiet, most=2)
        place = part.place
        if over:
            break
        left += 1
    assert (left > 0) == (23 // size > 2)
    assert_equal(outcome(whole, at_once.means()), outcome(pieces, part.means()))


def test_an_epoch_that_is_over_stays_so():
    some = runs()
    passing = RowPass(some, rows_of(some), 5, 1, Place())
    assert passing.go_on(never, quiet)
    before = outcome(some, passing.means())
    assert passing.go_on(never, quiet)
    assert_equal(outcome(some, passing.means()), before)


def test_batches_in_pieces_are_an_epoch():
    given = [(X[k : k + 5], Y[k : k + 5]) for k in range(0, 23, 5)]
    given.insert(2, (X[:1], Y[:1]))  # is left out, as layers learn from batches
    whole, pieces = runs(), runs()
    ready = [lambda batch, of=of: rows_of(of, *batch) for of in (whole, pieces)]
    at_once = BatchPass(whole, Batches(given, 1), ready[0], Place())
    assert at_once.go_on(never, quiet)
    place = Place()
    for most in (2, 1, 1, 10):
        part = BatchPass(pieces, Batches(given, 1), ready[1], place, hashed=True)
        over = part.go_on(never, quiet, most)
        place = part.place
    assert over
    assert (place.batches, place.rows) == (6, 23)
    assert_equal(outcome(whole, at_once.means()), outcome(pieces, part.means()))
    shorter, other = given[:1], [*given[:2], (X[:5] + 1.0, Y[:5])]
    with pytest.raises(pb.CircuitError, match="left after 6 batches, and now there are 1"):
        BatchPass(pieces, Batches(shorter, 1), ready[1], place, hashed=True)
    part = BatchPass(runs(), Batches(given, 1), ready[1], Place(), hashed=True)
    part.go_on(never, quiet, 3)
    with pytest.raises(pb.CircuitError, match="first 3 batches of the epoch are others"):
        BatchPass(pieces, Batches(other, 1), ready[1], part.place, hashed=True)


def test_what_is_told_on_the_way_counts_all_that_is_done():
    some, told = runs(), []
    passing = RowPass(some, rows_of(some), 5, 1, Place())
    while not passing.go_on(never, lambda *now: told.append(now), most=1):
        pass
    assert [(rows, of) for rows, of, _ in told] == [(5, 23), (10, 23), (15, 23), (20, 23)]
    losses = passing.place.numbers["loss"]
    np.testing.assert_allclose([m["loss"] for *_, m in told], np.cumsum(losses)[:4] / [1, 2, 3, 4])


def test_the_order_of_an_epoch_hangs_on_no_other():
    assert sorted(Rows({"inputs": np.zeros(7)}).order(0, 3)) == list(range(7))
    rows = Rows({"inputs": np.zeros(100)})
    np.testing.assert_array_equal(rows.order(1, 2), rows.order(1, 2))
    assert (rows.order(1, 2) != rows.order(1, 3)).any()
    assert (rows.order(1, 2) != rows.order(2, 2)).any()

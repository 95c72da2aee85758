"""The estimator: what it makes of points, how it goes on, and what it tells on its way."""

import os
import pickle
import signal

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn import manifold
from sklearn.base import clone
from sklearn.datasets import load_iris, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.metrics import pairwise_distances
from sklearn.preprocessing import StandardScaler
from tests.maps.points import GROUPS, SMALL, groups, mapped, purity

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.maps import TSNE
from pullback.maps.steps import LONGEST
from pullback.models.tsne import kl_divergence


def quick(**others):
    return TSNE(**{**SMALL, "max_iter": 60, "early_exaggeration_iter": 30, **others})


def cost_of(tsne, positions=None):
    y = tsne.embedding_ if positions is None else positions
    return float(kl_divergence(Unit(y.T.astype(np.float64)), tsne.affinities_.toarray()).value)


def test_groups_lie_apart():
    assert purity(mapped().embedding_) == 1.0
    assert mapped().embedding_.shape == (60, 2)
    assert mapped().embedding_.dtype == np.float32


def test_the_cost_is_that_of_the_circuit_and_no_worse_than_scikit_learns():
    from sklearn.manifold import TSNE as Other

    assert mapped().kl_divergence_ == pytest.approx(cost_of(mapped()), rel=1e-4)
    other = Other(perplexity=5.0, random_state=0, max_iter=750, method="exact")
    theirs = cost_of(mapped(), other.fit_transform(groups()))
    assert mapped().kl_divergence_ < theirs + 0.02


@pytest.mark.parametrize("load", [load_iris, load_wine])
def test_small_sets_have_maps_about_as_good_as_scikit_learns(load):
    x = StandardScaler().fit_transform(load().data)
    theirs = manifold.TSNE(init="pca", method="exact", random_state=0).fit(x).kl_divergence_
    assert TSNE(random_state=0, verbose=False).fit(x).kl_divergence_ < 1.03 * theirs


def test_a_map_that_has_formed_is_at_rest():
    y = Unit(mapped().embedding_.T.astype(np.float64))
    slope = pb.gradient(kl_divergence(y, mapped().affinities_.toarray()), y).value
    begun = Unit(y.value * 0.1)
    steep = pb.gradient(kl_divergence(begun, mapped().affinities_.toarray()), begun).value
    assert np.abs(slope).max() < 0.1 * np.abs(steep).max()


def test_the_native_engine_makes_the_same_bits_with_any_number_of_threads():
    maps = [
        quick(engine="native", n_jobs=n, max_iter=40).fit_transform(groups()) for n in (1, 2, 3)
    ]
    assert (maps[0] == maps[1]).all()
    assert (maps[0] == maps[2]).all()


def test_engines_agree():
    few = {"max_iter": 3, "early_exaggeration_iter": 2}
    eager = quick(**few).fit_transform(groups())
    native = quick(engine="native", **few).fit_transform(groups())
    np.testing.assert_allclose(native, eager, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("init", ["pca", "random", "spectral"])
def test_the_same_seed_makes_the_same_map(init):
    one, two = (quick(init=init).fit_transform(groups()) for _ in range(2))
    assert (one == two).all()
    other = quick(init=init, random_state=1).fit_transform(groups())
    assert (one == other).all() == (init == "pca")


@pytest.mark.parametrize("d", [1, 3])
def test_other_dimensions(d):
    tsne = TSNE(d, **SMALL, learning_rate=10.0, max_iter=400).fit(groups())
    assert tsne.embedding_.shape == (60, d)
    assert purity(tsne.embedding_) > 0.9
    assert tsne.kl_divergence_ == pytest.approx(cost_of(tsne), rel=1e-4)


def test_the_exact_method_lets_all_pairs_pull():
    tsne = quick(method="exact").fit(groups())
    assert np.count_nonzero(tsne.affinities_.toarray()) == 60 * 59
    assert tsne.kl_divergence_ == pytest.approx(cost_of(tsne), rel=1e-4)
    assert np.count_nonzero(quick().fit(groups()).affinities_.toarray()) < 60 * 30


def test_several_perplexities():
    tsne = quick(perplexity=[3.0, 15.0]).fit(groups())
    assert np.diff(tsne.affinities_.indptr).min() >= 45
    assert "perplexity 3, 15," in tsne.map().notes[0]


# Data --------------------------------------------------------------------------------------------


def test_a_distance_matrix_makes_the_map_of_its_points():
    far = pairwise_distances(groups())
    given = quick(metric="precomputed", max_iter=20).fit_transform(far)
    points = quick(max_iter=20).fit_transform(groups())
    signs = np.sign((given * points).sum(axis=0))
    np.testing.assert_allclose(given * signs, points, rtol=0.02, atol=1e-6)


@pytest.mark.parametrize("metric", ["cosine", "manhattan", lambda a, b: np.abs(a - b).max()])
def test_metrics(metric):
    assert purity(TSNE(**SMALL, metric=metric, max_iter=500).fit_transform(groups())) > 0.9


def test_a_table_of_pandas_goes_in_and_comes_out():
    table = pd.DataFrame(groups(), columns=list("abcde"))
    tsne = quick().set_output(transform="pandas").fit(table)
    assert tsne.feature_names_in_.tolist() == list("abcde")
    assert tsne.n_features_in_ == 5
    out = quick().set_output(transform="pandas").fit_transform(table)
    assert out.columns.tolist() == ["tsne0", "tsne1"]
    assert (out.to_numpy() == tsne.embedding_).all()


def test_a_sparse_matrix_is_taken_as_its_numbers():
    x = np.where(np.abs(groups()) > 1.0, groups(), 0.0)
    sparse, dense = quick().fit(csr_matrix(x)), quick().fit(x)
    assert sparse.kl_divergence_ == pytest.approx(dense.kl_divergence_, rel=0.1)


def test_whole_numbers_one_precision_and_far_from_zero():
    whole = (groups() * 100.0).astype(int)
    as_given = quick(max_iter=1).fit(groups()).affinities_.toarray()
    for x in (whole, whole + 1_000_000, groups().astype(np.float32)):
        p = quick(max_iter=1).fit(x).affinities_.toarray()
        np.testing.assert_allclose(p, as_given, atol=2e-3)


@pytest.mark.parametrize("moved", [lambda x: x + 1e8, lambda x: x * 1e-200, lambda x: x * 1e140])
def test_far_from_zero_tiny_and_huge_points_have_the_same_map(moved):
    wide = np.tile(np.round(groups() * 64.0) / 64.0, 4)  # of more features than a tree takes
    one, other = (quick(max_iter=20).fit(x) for x in (wide, moved(wide)))
    np.testing.assert_allclose(other.affinities_.toarray(), one.affinities_.toarray(), atol=1e-6)
    np.testing.assert_allclose(other.embedding_, one.embedding_, rtol=1e-3, atol=1e-6)


def test_a_large_constant_column_changes_nothing():
    wide = np.tile(groups(), 4)
    p, same = (
        quick(max_iter=1).fit(np.column_stack([wide, np.full(60, number)])).affinities_.toarray()
        for number in (0.0, 7e8)
    )
    np.testing.assert_allclose(same, p, atol=1e-6)


def test_an_axis_that_data_do_not_have_begins_by_chance():
    along = np.linspace(0.0, 1.0, 40)[:, None]
    for x in (np.hstack([along, 0.0 * along]), along @ np.ones((1, 5)) / 3.0):
        first, second = quick(max_iter=0).fit_transform(x).std(axis=0)
        assert second > 0.5 * first


def test_one_feature_constant_ones_and_copies():
    line = np.linspace(0.0, 1.0, 40)[:, None] ** 2
    assert np.isfinite(quick().fit_transform(line)).all()
    beside = np.concatenate([groups(), np.ones((60, 2))], axis=1)
    np.testing.assert_allclose(
        quick().fit(beside).kl_divergence_, quick().fit(groups()).kl_divergence_, rtol=0.2
    )
    copies = np.repeat(groups()[::6], 10, axis=0)  # more than a perplexity
    tsne = TSNE(**SMALL).fit(copies)
    assert np.isfinite(tsne.embedding_).all()


# Going on ----------------------------------------------------------------------------------------


def test_a_map_that_goes_on_is_bit_for_bit_that_of_a_longer_run():
    whole = quick(max_iter=70).fit(groups())
    parts = quick(max_iter=40).fit(groups()).optimize(10).optimize(20)
    assert (whole.embedding_ == parts.embedding_).all()
    assert parts.n_iter_ == 70
    assert parts.kl_divergence_ == whole.kl_divergence_


def test_it_goes_on_after_a_pickle():
    tsne = quick().fit(groups())
    again = pickle.loads(pickle.dumps(tsne))
    assert (again.optimize(20).embedding_ == tsne.optimize(20).embedding_).all()
    new = groups()[:5] + 0.1
    assert (again.transform(new) == tsne.transform(new)).all()


def test_late_exaggeration_draws_groups_together():
    def spread(tsne):
        return np.mean([tsne.embedding_[kind == GROUPS].std(axis=0) for kind in range(3)])

    tight = TSNE(**SMALL, exaggeration=4.0).fit(groups())
    later = pickle.loads(pickle.dumps(mapped())).optimize(100, exaggeration=4.0)
    assert purity(tight.embedding_) == purity(later.embedding_) == 1.0
    assert spread(tight) < 0.7 * spread(mapped())
    assert spread(later) < 0.7 * spread(mapped())


def test_exaggeration_that_draws_all_points_together_is_left():
    """openTSNE goes on, and what is left of the map is rounding: its issue 233."""
    cloud = np.random.default_rng(0).normal(size=(200, 8))
    tsne = TSNE(perplexity=30.0, engine="eager", learning_rate=5.0, max_iter=400).fit(cloud)
    (note,) = tsne.notes_
    assert note.startswith("An exaggeration of 12 drew all points together and was left after")
    assert tsne.n_iter_ == 400
    start = TSNE(perplexity=30.0, engine="eager", max_iter=0).fit(cloud).embedding_
    along = np.corrcoef(start[:, 0], tsne.embedding_[:, 0])[0, 1]
    assert abs(along) > 0.3  # it still is the map that began as principal components


def test_the_learning_rate_follows_size_and_exaggeration():
    many = np.random.default_rng(0).normal(size=(1000, 2))
    few = {"max_iter": 2, "early_exaggeration_iter": 1}
    assert quick(**few).fit(many).learning_rate_ == 250.0
    assert quick(**few, exaggeration=2.0).fit(many).learning_rate_ == 125.0
    assert quick(**few, learning_rate=7.0).fit(many).learning_rate_ == 7.0


def test_no_iterations_leave_the_start():
    y = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    assert (quick(init=y, max_iter=0).fit_transform(groups()) == y).all()


def test_no_point_takes_a_longer_step_than_allowed():
    far = np.zeros((60, 2))
    far[0] = 1e-3
    tsne = quick(init=far, learning_rate=1e9, max_iter=1, keep_every=1).fit(groups())
    step = np.hypot(*(tsne.frames_[1].positions - tsne.frames_[0].positions).T)
    assert step.max() <= 2 * LONGEST  # with the centre put back


# On the way --------------------------------------------------------------------------------------


def test_a_callback_is_told_of_every_so_many_iterations_and_can_stop():
    told = []

    def callback(iteration, cost, positions):
        told.append((iteration, cost, positions))
        return iteration >= 40

    tsne = quick(callback=callback, callback_every=20).fit(groups())
    assert [iteration for iteration, _, _ in told] == [20, 40]
    assert tsne.n_iter_ == 40
    assert tsne.notes_ == ["the callback ended it after 40 iterations of 60"]
    assert (told[1][2] == tsne.embedding_).all()
    assert told[1][1] == tsne.kl_divergence_
    assert (told[0][2] != told[1][2]).any()  # it got a copy


def test_frames_are_kept():
    frames = mapped().frames_
    assert [frame.iteration for frame in frames] == [0, 250, 500, 750]
    assert (frames[-1].positions == mapped().embedding_).all()
    assert frames[-1].cost == mapped().kl_divergence_ < frames[0].cost
    assert quick().fit(groups()).frames_ == ()
    ends = quick(keep_every=40).fit(groups()).frames_
    assert [frame.iteration for frame in ends] == [0, 40, 60]


def test_ctrl_c_keeps_the_map_so_far():
    def callback(iteration, cost, positions):
        if iteration == 20:
            os.kill(os.getpid(), signal.SIGINT)

    tsne = quick(callback=callback, callback_every=10).fit(groups())
    assert tsne.n_iter_ == 20
    assert tsne.notes_ == ["Ctrl-C ended it after 20 iterations of 60"]
    assert len(tsne.embedding_) == 60
    assert tsne.optimize(40).n_iter_ == 60
    assert tsne.notes_ == []


def test_a_line_of_progress_tells_the_cost(capsys):
    quick(verbose=True).fit(groups())
    told = capsys.readouterr().err
    assert "60/60" in told
    assert "KL" in told
    quick().fit(groups())
    assert capsys.readouterr().err == ""


def test_what_the_callback_returns_may_be_of_numpy():
    assert quick(callback=lambda *told: np.bool_(True), callback_every=7).fit(groups()).n_iter_ == 7


def test_an_error_of_the_callback_leaves_the_map_where_it_came():
    def fails(iteration, cost, positions):
        raise RuntimeError("mine")

    tsne = quick().fit(groups()).set_params(callback=fails, callback_every=50)
    with pytest.raises(RuntimeError, match="mine"):
        tsne.optimize(100)
    assert tsne.n_iter_ == 100
    assert tsne.kl_divergence_ == pytest.approx(cost_of(tsne), rel=1e-4)
    with pytest.raises(RuntimeError, match="mine"):
        tsne.fit(groups()[:40])
    assert len(tsne.embedding_) == len(tsne.map()) == 40
    assert tsne.transform(groups()[:3], max_iter=1).shape == (3, 2)


def test_a_map_that_diverged_is_none(monkeypatch):
    tsne = quick().fit(groups())
    y = tsne._descent._y
    monkeypatch.setattr(y, "value", np.full_like(y.value, np.nan))
    with pytest.raises(CircuitError, match="diverged in iteration 61"):
        tsne.optimize(1)
    with pytest.raises(NotFittedError):
        tsne.transform(groups())


def test_a_map_that_is_not_at_rest_says_so():
    (note,) = quick(learning_rate=1e5).fit(groups()).notes_
    assert "the map is not at rest, its points still moved by" in note
    equal = np.ones((40, 40)) - np.eye(40)
    alike = quick(metric="precomputed", init="random", learning_rate=50, max_iter=300).fit(equal)
    (note,) = alike.notes_
    assert "the cost is no smaller than that of all points at one place" in note
    assert mapped().notes_ == []


def test_the_map_is_its_own_array():
    for d in (1, 2):
        tsne = TSNE(d, **SMALL, max_iter=3).fit(groups())
        kept = tsne.embedding_.copy()
        tsne.embedding_[:] = 7.0
        assert (tsne.optimize(0).embedding_ == kept).all()


# New points --------------------------------------------------------------------------------------


def test_new_points_lie_among_their_kind():
    new = groups() + np.random.default_rng(1).normal(size=(60, 5)) * 0.3
    y = mapped().transform(new)
    assert y.shape == (60, 2)
    assert purity(y, GROUPS, mapped().embedding_, GROUPS) == 1.0


def test_points_of_the_map_are_placed_where_they_lie():
    y = mapped().transform(groups())
    away = np.hypot(*(y - mapped().embedding_).T)
    assert np.median(away) < 0.05 * mapped().embedding_.std()


def test_where_a_point_is_placed_does_not_depend_on_the_others():
    new = groups()[::15] + 0.1
    together = mapped().transform(new, max_iter=50)
    alone = np.concatenate([mapped().transform(x[None], max_iter=50) for x in new])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-4)


def test_placing_changes_nothing():
    before = mapped().embedding_.copy()
    mapped().transform(groups()[:3])
    assert (mapped().embedding_ == before).all()


def test_new_points_by_distances():
    far = pairwise_distances(groups())
    tsne = TSNE(**SMALL, metric="precomputed").fit(far)
    new = groups()[:6] + 0.05
    y = tsne.transform(pairwise_distances(new, groups()))
    assert purity(y, GROUPS[:6], tsne.embedding_, GROUPS) == 1.0


def test_other_features_are_refused():
    with pytest.raises(ValueError, match="4 features"):
        mapped().transform(groups()[:, :4])
    with pytest.raises(CircuitError, match="X contains NaN in row 1, column 2"):
        mapped().transform(np.where(np.arange(10).reshape(2, 5) == 7, np.nan, 0.0))


# Parameters --------------------------------------------------------------------------------------


def test_it_is_cloned_and_told_as_scikit_learns():
    tsne = quick(exaggeration=2.0)
    assert clone(tsne).get_params() == tsne.get_params()
    assert not hasattr(clone(mapped()), "embedding_")
    assert repr(TSNE(perplexity=5)) == "TSNE(perplexity=5)"
    assert pb.TSNE is TSNE


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("n_components", 4, "n_components is 1, 2 or 3, got 4"),
        ("perplexity", 0, "perplexity is a number of at least 1, or several, got 0"),
        ("perplexity", [], "perplexity is"),
        ("perplexity", "30", "perplexity is"),
        ("perplexity", 30.0, r"a perplexity of 30 needs 91 points.*n_samples = 60; choose 19\.6"),
        ("early_exaggeration", 0.0, "early_exaggeration is a number above 0"),
        ("learning_rate", "fast", "learning_rate is a number above 0 and.*, or 'auto', got 'fast'"),
        ("learning_rate", 1e30, r"a number above 0 and up to 1e\+09"),
        ("perplexity", np.array(5.0), "perplexity is"),
        ("metric_params", 3, "metric_params is None, or what a metric asks for"),
        ("metric", "haversine", "the metric 'haversine' does not fit such points"),
        ("init", np.zeros((60, 2)), "init puts all points at one place"),
        ("init", np.full((60, 2), 1e30), r"init has 1e\+30 in it; make its numbers 10,000 at most"),
        ("init", [[1.0], [2.0, 3.0]], "init is one of"),
        ("max_iter", -1, "max_iter is a whole number of at least 0"),
        ("init", "PCA", "init is one of pca, random, spectral, or an array"),
        ("init", np.zeros((60, 3)), r"init must be of shape \(60, 2\).*got \(60, 3\)"),
        ("init", np.full((60, 2), np.nan), "init has nan in it"),
        ("metric", "euklid", "there is no metric 'euklid'"),
        ("neighbors", "annoy", "neighbors is one of auto, exact, approximate"),
        ("method", "fft", "method is one of auto, exact, barnes-hut, interpolation, got 'fft'"),
        ("angle", 2.0, "angle is a number from 0 to 1"),
        ("callback", 3, "callback is None, or a function"),
        ("keep_every", 0, "keep_every is None, or a whole number"),
        ("random_state", "x", "random_state is no seed"),
        ("engine", "gpu", "there is no engine 'gpu'"),
        ("n_jobs", 0, "n_jobs is None, -1, or a whole number"),
    ],
)
def test_parameters_are_refused_by_name(name, value, message):
    with pytest.raises(CircuitError, match=message):
        quick(**{name: value}).fit(groups())


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"n_iter": -1}, "n_iter is"),
        ({"n_iter": 5, "momentum": None}, "momentum is a number"),
        ({"n_iter": 5, "momentum": 1.0}, "momentum is a number from 0 to below 1"),
        ({"n_iter": 5, "exaggeration": 0}, "exaggeration is a number above 0"),
        ({"n_iter": 5, "learning_rate": -1.0}, "learning_rate is a number above 0"),
    ],
)
def test_going_on_refuses_numbers_too(numbers, message):
    with pytest.raises(CircuitError, match=message):
        mapped().optimize(**numbers)

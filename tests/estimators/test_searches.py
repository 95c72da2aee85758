"""The estimators in scikit-learn's searches: in processes side by side, and on clusters."""

import warnings

import joblib
import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.estimators.small import IRIS, small

from pullback.engines.native.workers import OPERATIONS, default_threads
from pullback.estimators import NetworkClassifier

GRID = {"hidden": [(4,), (8, 4)], "optimizer": ["adam", "sgd"]}


def test_a_random_search_over_all_that_matters():
    tried = {
        "networkclassifier__hidden": [(), (4,), (8, 4)],
        "networkclassifier__learning_rate": loguniform(1e-3, 1e-1),
        "networkclassifier__l2": loguniform(1e-6, 1e-2),
        "networkclassifier__optimizer": ["adam", "sgd", "rmsprop"],
    }
    network = make_pipeline(StandardScaler(), small(NetworkClassifier))
    searches = [
        RandomizedSearchCV(network, tried, n_iter=4, cv=2, random_state=0, n_jobs=n).fit(*IRIS)
        for n in (1, 2)
    ]
    alone, side_by_side = (search.cv_results_["mean_test_score"] for search in searches)
    np.testing.assert_array_equal(alone, side_by_side)  # processes change no bit
    assert searches[0].best_params_ == searches[1].best_params_
    assert searches[0].best_score_ > 0.8


def test_halving_gives_more_epochs_to_what_does_well():
    network = small(NetworkClassifier, patience=100)
    search = HalvingGridSearchCV(
        network, GRID, resource="epochs", min_resources=2, max_resources=8, factor=2, cv=2
    ).fit(*IRIS)
    assert search.n_resources_ == [2, 4, 8][: len(search.n_resources_)]
    assert search.n_candidates_[0] == 4 > search.n_candidates_[-1]
    assert search.best_estimator_.n_iter_ == search.n_resources_[-1]


def test_cross_validation_by_several_measures():
    found = cross_validate(
        small(NetworkClassifier), *IRIS, cv=3, scoring=["accuracy", "neg_log_loss"], n_jobs=2
    )
    assert found["test_accuracy"].min() > 0.8
    assert (found["test_neg_log_loss"] < 0.0).all()


def test_processes_side_by_side_share_the_cores():
    shares = joblib.Parallel(n_jobs=2)(
        joblib.delayed(default_threads)(1000 * OPERATIONS) for _ in range(2)
    )
    assert shares == [max(1, joblib.cpu_count() // 2)] * 2


# Clusters ----------------------------------------------------------------------------------------


def scores(n_jobs=None):
    search = GridSearchCV(small(NetworkClassifier, epochs=5), GRID, cv=2, n_jobs=n_jobs)
    return search.fit(*IRIS).cv_results_["mean_test_score"]


def test_a_grid_on_a_dask_cluster():
    distributed = pytest.importorskip("distributed", reason="extra `clusters` is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own, as of ports in use
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
            joblib.parallel_config("dask"),
        ):
            found = scores(n_jobs=-1)
            shares = client.run(default_threads, 1000 * OPERATIONS)
    np.testing.assert_array_equal(found, scores())
    assert set(shares.values()) == {1}


def test_a_grid_on_a_ray_cluster():
    ray = pytest.importorskip("ray", reason="extra `clusters` is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ray.util.joblib import register_ray

        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
        try:
            register_ray()
            with joblib.parallel_config("ray", ray_remote_args={"num_cpus": 1}):
                found = scores(n_jobs=2)
        finally:
            ray.shutdown()
    np.testing.assert_array_equal(found, scores())

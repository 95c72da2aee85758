"""A search from its first trial to the model: what it promises of its folds, its file, its end."""

import json
import os
import signal
import threading
import time

import numpy as np
import pytest
from sklearn.metrics import accuracy_score
from tests.search.small import flowers, prices, run, search

import pullback as pb
from pullback.search import Search, Space, trying, workers
from pullback.search.folds import Folds
from pullback.search.found import Tried
from pullback.search.search import Found, opened
from pullback.search.space import Among, Between, recipe_of
from pullback.search.trying import judged
from pullback.tables.recipe import Recipe
from pullback.tables.study import Study
from pullback.tables.trained import Trained

pytest.importorskip("optuna")


@pytest.fixture(scope="module")
def found():
    of = search()
    return of, run(of, trials=4)


def never() -> int:
    return 0


# Rows --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [flowers(61), prices(47)])
@pytest.mark.parametrize("count", [2, 5])
def test_folds_divide_the_rows_and_leave_the_test_part_of_train_alone(data, count):
    folds = Folds.of(data, count, seed=3)
    study = Study.of(data, Recipe(seed=3, engine="eager").checked())
    np.testing.assert_array_equal(folds.test, study.parts["test"].places)
    assert sorted(np.concatenate([*folds.parts, folds.test])) == list(range(len(data)))
    for k in range(count):
        fold = folds.fold(k)
        places = [part.places for part in (fold.train, fold.validation, fold.held_out)]
        np.testing.assert_array_equal(places[2], folds.parts[k])
        assert sorted(np.concatenate(places)) == folds.searched.tolist()
        assert not set(np.concatenate(places)) & set(folds.test)


def test_a_fold_is_prepared_by_its_training_rows_alone():
    data = prices()
    fold = Folds.of(data, 3, seed=0).fold(1)
    values = data.values[fold.train.places]
    assert fold.target.centre == pytest.approx(values.mean())
    np.testing.assert_allclose(fold.train.labels.mean(), 0.0, atol=1e-6)
    assert abs(fold.held_out.labels.mean()) > 1e-3


def test_each_class_is_in_each_fold():
    data = flowers(60)
    for part in Folds.of(data, 4, seed=0).parts:
        counts = np.bincount(data.values[part])
        assert counts.max() - counts.min() <= 1


# Trials ------------------------------------------------------------------------------------------


def test_the_first_settings_are_those_of_train(found):
    of, done = found
    own = done.found.own
    fold = of.task.fold(0)
    mine = recipe_of(own.settings, of.task.recipe, fold.train)
    plain = Recipe(hidden=(4,), epochs=3, engine="eager").checked()
    named = ("hidden", "optimizer", "batch_size", "epochs", "seed")
    assert {n: getattr(mine, n) for n in named} == {n: getattr(plain, n) for n in named}
    assert mine.learning_rate == Study.of(flowers(), plain).plan.optimizer.learning_rate
    assert (mine.dropout, mine.activation) == (0.0, "ReLU")
    assert len(own.scores) == 2  # it is never given up, whatever others do


def test_a_score_is_that_of_scikit_learn_on_rows_that_were_not_seen(found):
    of, done = found
    for tried in done.found.tried:
        for k, score in enumerate(tried.scores):
            once_more = judged(of.task, tried.settings, k, never)
            assert once_more.score == score  # to the last bit
            truth = of.task.folds.truth(of.task.fold(k).held_out)
            assert score == accuracy_score(truth, once_more.answers.numbers)


def test_the_best_is_never_worse_than_the_recipe(found):
    ranked = found[1].found.ranked
    assert [t.mean for t in ranked] == sorted((t.mean for t in ranked), reverse=True)
    assert found[1].found.best.mean >= found[1].found.own.mean


def test_the_same_seed_is_the_same_search(found):
    done = found[1]
    again = run(search(), trials=4)
    assert [t.settings for t in again.found.tried] == [t.settings for t in done.found.tried]
    assert [t.scores for t in again.found.tried] == [t.scores for t in done.found.tried]
    for name, unit in again.together.trained.model.parameters.items():
        same = done.together.trained.model.parameters[name]
        np.testing.assert_array_equal(unit.value, same.value)
    other = run(search(recipe={"seed": 1}))
    assert other.found.tried[1].settings != done.found.tried[1].settings


def test_what_is_told_of_rates_is_what_was_used(found):
    of, done = found
    train = of.task.fold(0).train
    assert any(t.settings["learning_rate_factor"] != 1.0 for t in done.found.tried)
    for tried in done.found.tried:
        recipe = recipe_of(tried.settings, of.task.recipe, train)
        for x in (*tried.settings.values(), recipe.learning_rate, recipe.l2):
            assert not isinstance(x, float) or x == float(f"{x:.3g}")


def test_rare_classes_come_as_often_where_sampling_is_asked_for(monkeypatch):
    asked, fitted = [], trying.fitted

    def spy(*arguments, **told):
        asked.append(told["sampling"])
        return fitted(*arguments, **told)

    monkeypatch.setattr(trying, "fitted", spy)
    of = search(recipe={"sampling": "balanced"})
    assert of.task.about["recipe"]["sampling"] == "balanced"  # a storage holds no other
    run(of, trials=1)
    assert set(asked) == {"balanced"}
    with pytest.raises(pb.CircuitError, match="--sampling is for classes"):
        search(prices(), recipe={"sampling": "balanced"})


def test_a_network_that_diverges_is_told_and_passed_over():
    of = search(prices(), space=Space({"learning_rate_factor": Between(1e30, 1e31)}))
    assert judged(of.task, {"learning_rate_factor": 1e30}, 0, never) is None
    with pytest.raises(pb.CircuitError, match="by all folds: training diverged; --fix"):
        run(of, trials=1)


# The model ---------------------------------------------------------------------------------------


def test_the_model_is_the_mean_of_networks_each_validated_by_one_fold(found, tmp_path):
    of, done = found
    trained = done.together.trained
    assert done.together.networks == 2 * done.together.settings == len(trained.model.layers)
    data = of.task.folds.whole()[1]
    of_each = [pb.softmax(m(data.inputs), axis=1).value for m in trained.model]
    answers = trained.answer(data.inputs)
    np.testing.assert_allclose(answers.probabilities, np.mean(of_each, axis=0), atol=1e-6)
    trained.save(tmp_path / "m")
    kept = Trained.load(tmp_path / "m").answer(data.inputs)
    np.testing.assert_array_equal(kept.probabilities, answers.probabilities)


def test_what_is_said_of_the_model_is_so(found):
    of, done = found
    verdict, task = done.together.verdict, of.task
    _, test = task.folds.whole()
    truth = task.folds.truth(test)
    right = accuracy_score(truth, done.together.trained.answer(test.inputs).numbers)
    assert verdict.metrics["model"]["test"]["accuracy"] == right
    low, high = verdict.interval
    assert low <= right <= high
    chosen = done.found.as_good(5)
    hits = 0
    for k in range(2):
        fold = task.fold(k)
        shares = [judged(task, t.settings, k, never).answers.probabilities for t in chosen]
        hits += (np.mean(shares, axis=0).argmax(1) == task.folds.truth(fold.held_out)).sum()
    validated = verdict.metrics["model"]["validation"]["accuracy"]
    assert validated == pytest.approx(hits / len(task.folds.searched))


def test_quantities_are_averaged_in_their_own_unit():
    of = search(prices())
    done = run(of, trials=2)
    trained, (_, test) = done.together.trained, of.task.folds.whole()
    each = [trained.target.decode(m(test.inputs).value) for m in trained.model]
    np.testing.assert_allclose(trained.answer(test.inputs).numbers, np.mean(each, 0), rtol=1e-5)
    low, high = done.together.verdict.interval
    assert 0.0 < low <= done.together.verdict.metrics["model"]["test"]["rmse"] <= high
    assert done.found.ranked[0].mean == min(t.mean for t in done.found.ranked)


@pytest.mark.parametrize("loss", ["BinaryCrossEntropy", "Hinge", "SoftmaxCrossEntropy"])
def test_two_classes_by_any_loss(loss, tmp_path):
    data = flowers()
    two = type(data).from_frame(data.frame[data.frame.species != "rose"], "species")
    done = run(search(two, recipe={"loss": loss}), trials=1)
    done.together.trained.save(tmp_path / "m")
    assert Trained.load(tmp_path / "m").target.classes == ("iris", "tulip")


def test_what_is_tried_fits_the_loss():
    assert "label_smoothing" in search().task.space.names
    assert "label_smoothing" not in search(prices()).task.space.names
    assert "label_smoothing" not in search(recipe={"loss": "MulticlassHinge"}).task.space.names
    assert "mixup" in search(prices()).task.space.names


def test_a_figure_says_what_its_marks_mean():
    pytest.importorskip("matplotlib")
    from pullback.search.drawing import drawn

    trials = (
        Tried(0, {"width": 4, "l2_factor": 1.0}, (3.0, 5.0), True, "judged by all folds", 2, 0.1),
        Tried(1, {"width": 8, "l2_factor": 0.5}, (9.0,), False, "others were better", 1, 0.1),
    )
    found = Found((), larger=False)
    vars(found).update(tried=trials, importance={"width": 0.75, "l2_factor": 0.25})
    sheet = drawn(search(prices()).task, found)
    texts = " ".join(text.get_text() for text in sheet.texts)
    for words in ("lower is better", "red: what pullback train takes", "points beside a tick"):
        assert words in texts
    above, _, of_springs = sheet.axes
    assert of_springs.get_title() == "l2, × usual, 25%"
    (best,) = above.get_lines()
    assert list(best.get_xdata()) == [0, 1]  # as far as the last trial
    assert list(best.get_ydata()) == [4.0, 4.0]


# How it ends, and goes on ------------------------------------------------------------------------


def test_a_search_goes_on_from_its_storage(tmp_path):
    place = str(tmp_path / "trials.journal")
    first = run(search(), trials=2, storage=place)
    with pytest.raises(pb.CircuitError, match="holds a search already; --resume goes on with it"):
        run(search(), storage=place)
    then = run(search(), trials=2, storage=place, resume=True)
    assert len(then.found.trials) == 4
    before = [t.settings for t in first.found.tried]
    assert [t.settings for t in then.found.tried][: len(before)] == before
    with pytest.raises(pb.CircuitError, match="search: its loss is not given, and now it is Multi"):
        run(search(recipe={"loss": "MulticlassHinge"}), storage=place, resume=True)
    with pytest.raises(pb.CircuitError, match="another search: its seed is 0, and now it is 1"):
        run(search(recipe={"seed": 1}), storage=place, resume=True)


def test_a_database_keeps_a_search_as_well(tmp_path):
    done = run(search(), trials=1, storage=str(tmp_path / "trials.db"))
    assert len(opened(str(tmp_path / "trials.db"), 0).trials) == len(done.found.trials) == 1


def test_a_trial_that_was_killed_does_not_stand_in_the_way(tmp_path):
    place = str(tmp_path / "trials.journal")
    run(search(), trials=1, storage=place)
    opened(place, 0).ask()  # who asked is gone, and never tells
    then = run(search(), trials=1, storage=place, resume=True)
    assert [t.number for t in then.found.tried] == [0, 2]


def test_two_processes_share_a_search(tmp_path):
    place = str(tmp_path / "trials.journal")
    done = run(search(), trials=3, jobs=2, storage=place)
    assert done.jobs == 2
    assert sorted(t.number for t in done.found.tried) == [0, 1, 2]
    one = run(search(), trials=1)
    same = [t for t in done.found.tried if t.number == 0]
    assert same[0].scores == one.found.own.scores  # whoever trains it


def test_an_error_in_a_process_is_raised_here():
    of = search()
    with workers.Workers(of.task, 2) as several, pytest.raises(TypeError, match="abs"):
        several.run(abs, [(), ()], never)


def test_time_ends_a_search_and_the_recipe_is_still_judged():
    done = run(search(), trials=None, minutes=1e-4)
    assert done.ended == "time is over"
    assert len(done.found.own.scores) == 2
    assert done.together is not None


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="a signal on time")
def test_ctrl_c_ends_a_search_and_keeps_what_was_found(tmp_path):
    place = str(tmp_path / "trials.journal")

    def interrupt():
        while len([t for t in opened(place, 0).trials if "ended" in t.user_attrs]) < 2:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    run(search(), trials=1, storage=place)
    thread = threading.Thread(target=interrupt)
    thread.start()
    done = run(search(), trials=None, minutes=2.0, storage=place, resume=True)
    thread.join()
    assert done.interrupted
    assert done.together.networks >= 2
    assert done.seconds < 60.0


def test_what_was_interrupted_has_not_diverged(monkeypatch):
    """A Ctrl-C that reaches a training before its search has heard of it."""

    def interrupted(*_):
        raise trying.Stopped

    monkeypatch.setattr(trying, "judged", interrupted)
    with pytest.raises(pb.CircuitError, match="the time was over before; give it more --minutes"):
        run(search(), trials=1)


# What is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"minutes": 0.0}, "--minutes are a number above 0, got 0"),
        ({"trials": 0}, "--trials is a whole number of at least 1, got 0"),
        ({"jobs": 0}, "--jobs is a whole number of at least 1"),
        ({"networks": 0}, "--networks is a whole number of at least 1"),
        ({"resume": True}, "--resume goes on with what is in a --storage FILE"),
        ({"storage": "/no/such/folder/x.journal"}, "cannot keep a search at /no/such/folder"),
    ],
)
def test_how_long_and_where_is_refused_before_work(told, message):
    with pytest.raises(pb.CircuitError, match=message):
        run(search(), **told)


def test_what_cannot_be_searched_is_refused():
    with pytest.raises(pb.CircuitError, match="cross-validation needs 2 folds at least, got 1"):
        Search(flowers(), folds=1)
    with pytest.raises(pb.CircuitError, match="no metric 'rmse'; there are: accuracy"):
        Search(flowers(), metric="rmse")
    with pytest.raises(pb.CircuitError, match="no setting 'momentum' to try; there are: depth"):
        Space({"momentum": Among((0.9,))})
    with pytest.raises(pb.CircuitError, match="rows are too few for"):
        Search(flowers(12), folds=20)


def test_what_is_told_is_plain_data(found):
    of, done = found
    plain = json.loads(json.dumps(done.to_json_dict(of.task)))
    assert plain["model"]["networks"] == done.together.networks
    assert [t["trial"] for t in plain["trials"]] == [t.number for t in done.found.tried]
    assert list(done.found.table["trial"]) == [t.number for t in done.found.tried]
    assert isinstance(done.found, Found)

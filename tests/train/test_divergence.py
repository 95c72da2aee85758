"""Training that leaves the finite numbers ends, says so, and its model does not answer."""

import numpy as np
import pytest

import pullback as pb
from pullback.train.divergence import lost, refuse_to_go_on

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = X @ [1.0, -2.0, 0.5]


def line(rate, engine="eager", **told):
    model = pb.Sequential(pb.Dense(4), pb.Dense(1), rng=0)
    return pb.Trainer(model, pb.SquaredError(), pb.SGD(rate, **told), engine=engine)


def values(model):
    return [np.copy(unit.value) for unit in (*model.parameters.values(), *model.state.values())]


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_a_model_that_diverged_does_not_answer(engine, tmp_path):
    trainer = line(1e20, engine)
    with pytest.warns(UserWarning, match=r"smaller learning rate than 1e\+20, or scale"):
        history = trainer.fit(X, Y, epochs=5)
    assert history.diverged
    assert "in epoch" in history.ended
    for ask in (
        lambda: trainer.predict(X),
        lambda: trainer.model.predict(X),
        lambda: trainer.evaluate(X, Y),
        lambda: trainer.fit(X, Y),
        lambda: trainer.model.save(tmp_path / "m"),
    ):
        with pytest.raises(pb.CircuitError, match=r"the model is not finite: 'dense\d.\w+' holds"):
            ask()
    assert not list(tmp_path.iterdir())


def test_the_parameters_are_looked_at_and_not_the_loss_alone():
    trainer = line(1e38)
    with pytest.warns(UserWarning, match="'dense1.weight' became infinite or nan in epoch 1"):
        history = trainer.fit(X, Y, epochs=1, batch_size=40)  # one update, after the loss
    assert np.isfinite(history["loss"][0])
    with pytest.raises(pb.CircuitError, match=r"'dense1\.weight' holds"):
        trainer.predict(X)


def test_the_state_of_a_model_is_looked_at():
    class Growing(pb.Layer):
        """It remembers a number that soon is none, and makes nothing of it."""

        def build(self, shape, *, rng):
            self.seen = self.variable("seen", (), np.ones)

        def apply(self, x, *, training):
            if training is not None:
                training.update(self.seen, 1e30 * training.present(self.seen))
            return x

    model = pb.Sequential(Growing(), pb.Dense(1), rng=0)
    trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(1e-3), engine="eager")
    with pytest.warns(UserWarning, match=r"'growing1\.seen' became infinite or nan"):
        trainer.fit(X, Y, epochs=1, batch_size=2)
    with pytest.raises(pb.CircuitError, match=r"'growing1\.seen' holds"):
        trainer.predict(X)


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_an_infinite_memory_would_hold_the_model_still(engine):
    trainer = pb.Trainer(pb.Dense(1), pb.SquaredError(), pb.Adam(1e-3), engine=engine)
    with pytest.warns(UserWarning, match="the optimizer's 'dense.weight.mean_square' became"):
        assert trainer.fit(X * 1e12, Y * 1e10, epochs=9).diverged
    assert np.isfinite(trainer.predict(X)).all()
    with pytest.raises(pb.CircuitError, match=r"mean_square' is .*; make a new Trainer"):
        trainer.fit(X, Y)


def test_a_validation_loss_that_is_lost_ends_training():
    trainer = line(1e-3)
    with pytest.warns(UserWarning, match="the validation loss became inf in epoch 1"):
        history = trainer.fit(X, Y, epochs=3, validation=(X * 1e30, Y))
    assert history.diverged
    assert len(history) == 1
    assert np.isfinite(trainer.predict(X)).all()


def test_early_stopping_goes_back_to_the_best_model_before():
    trainer, best = line(0.01), []

    def explode(event):
        if event.epoch == 3 and not best:
            best.extend(values(trainer.model))
            trainer.learning_rate = 1e38

    with pytest.warns(UserWarning, match="training ended"):
        history = trainer.fit(
            X, Y, epochs=9, callbacks=[pb.early_stopping(), explode], validation=(X, Y)
        )
    assert history.diverged
    assert len(history) == 4
    assert all(map(np.array_equal, values(trainer.model), best))
    assert trainer.evaluate(X, Y)["loss"] == history["validation_loss"][2]


def test_what_ctrl_c_cuts_short_is_looked_at():
    trainer = line(1e38)

    def batches():
        yield X, Y
        trainer.model.parameters["dense1.weight"].value = np.full((3, 4), np.nan)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.fit(batches, epochs=1)
    with pytest.raises(pb.CircuitError, match="the model is not finite"):
        trainer.predict(X)


def test_a_row_that_leads_beyond_float32_is_named():
    trainer = line(1e-3)
    trainer.fit(X, Y, epochs=1)
    trainer.model.parameters["dense2.weight"].value = np.full((4, 1), 50.0)
    wild = X.copy()
    wild[7] *= 1e38
    with pytest.raises(pb.CircuitError, match=r"answers row 7 by -?(inf|nan): its inputs"):
        trainer.predict(wild)
    with pytest.raises(pb.CircuitError, match="answers row 7"):
        trainer.evaluate(wild, Y)
    wild = X.copy()
    wild[7] *= 1e25
    with pytest.raises(pb.CircuitError, match="the loss of these data is inf"):
        trainer.evaluate(wild, Y)


def test_numbers_that_a_user_sets_are_looked_at(tmp_path):
    model = pb.Sequential(pb.Dense(2), pb.BatchNorm(), rng=0)
    model(X)
    path = tmp_path / "m"
    model.save(path)
    kept = path.read_bytes()
    for name, unit in {**model.parameters, **model.state}.items():
        before = unit.value
        unit.value = np.full(unit.shape, np.inf)
        for refused in (lambda: model.save(path), lambda: model.predict(X)):
            with pytest.raises(pb.CircuitError, match=f"'{name}' holds inf"):
                refused()
        unit.value = before
    assert path.read_bytes() == kept
    assert list(tmp_path.iterdir()) == [path]


def test_an_input_that_is_nan_is_not_the_models_fault():
    model = pb.Sequential(pb.Dense(2), rng=0)
    model(X)
    rows = X.copy()
    rows[3, 1] = np.nan
    with pytest.raises(pb.CircuitError, match="the inputs of row 3 are not finite"):
        model.predict(rows, batch_size=2)


def test_what_is_lost_is_told_in_the_order_of_what_a_person_sees_first():
    nan, fine = pb.Unit(np.nan, "memory"), pb.Unit(1.0)
    assert lost({"loss": 1.0, "validation_loss": 2.0}, {"w": fine}, [fine]) is None
    assert lost({"loss": np.inf}, {"w": nan}, [nan]) == "the loss became inf"
    assert lost({"loss": 1.0}, {"w": nan}, [nan]) == "'w' became infinite or nan"
    assert lost({}, {"w": fine}, [nan]) == "the optimizer's 'memory' became infinite or nan"
    refuse_to_go_on({"w": fine}, [fine])

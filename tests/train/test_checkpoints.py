"""A run that is resumed is the run that was never interrupted; what cannot be is refused."""

import errno
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from tests.train.resuming import SIZE, X, Y, alone, assert_same_run, every, fit, make, numbers

import pullback as pb
import pullback.optim as po
from pullback.core import aside
from pullback.train.checkpoints import INDEX, read_state

SCHEDULE = po.LinearWarmup(po.CosineDecay(0.1, steps=12), steps=3)


def resumed_everywhere(folder, made, fitted=fit, places=None):
    """The run is whole; and so it is from each of its checkpoints on, by another Trainer."""
    trainer = made()
    whole = trainer, fitted(trainer)
    kept = made(checkpoint=every(folder / "all"))
    assert_same_run(whole, (kept, fitted(kept)))
    files = every(folder / "all").files
    for k in range(len(files)) if places is None else places:
        again = made(checkpoint=alone(files[k], folder / str(k)))
        assert_same_run(whole, (again, fitted(again, resume=True)))
    return files


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_a_resumed_run_is_the_run_that_was_never_interrupted(engine, tmp_path):
    def made(**told):
        return make(engine=engine, **told)

    def fitted(trainer, **told):
        return fit(trainer, callbacks=pb.early_stopping(patience=2), **told)

    places = None if engine == "eager" else [0, 2, 7]
    files = resumed_everywhere(tmp_path, made, fitted, places)
    entries = list(every(tmp_path / "all").entries().values())
    places = [(x.epoch, x.batches) for x in entries]
    assert places == [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2), (3, 0)]
    assert len(files) == 9


def test_a_run_of_jax_goes_on(tmp_path):
    pytest.importorskip("jax")
    resumed_everywhere(tmp_path, lambda **told: make(engine="jax", **told), places=[4])


@pytest.mark.parametrize("name", sorted(po.OPTIMIZERS))
def test_any_optimizer_goes_on(name, tmp_path):
    resumed_everywhere(tmp_path, lambda **told: make(po.OPTIMIZERS[name](0.01), **told), places=[4])


def test_schedules_and_mixup_and_a_rate_that_was_set_go_on(tmp_path):
    def halved(event):
        if event.kind == "epoch":
            event.trainer.learning_rate *= 0.5

    def fitted(trainer, **told):
        return fit(trainer, callbacks=halved, **told)

    optimizer = pb.SGD(0.1, momentum=0.9)
    (tmp_path / "a").mkdir()
    resumed_everywhere(
        tmp_path / "a", lambda **told: make(optimizer, mixup=0.2, **told), fitted, places=[1, 6]
    )
    scheduled = pb.SGD(SCHEDULE, momentum=0.9, clip_norm=1.0)
    (tmp_path / "b").mkdir()
    resumed_everywhere(tmp_path / "b", lambda **told: make(scheduled, **told), places=[2])


@pytest.mark.parametrize("average", [pb.EMA(0.9), pb.SWA(3)])
def test_averages_go_on(average, tmp_path):
    resumed_everywhere(tmp_path, lambda **told: make(average=average, **told))


def test_a_rate_that_falls_on_a_plateau_goes_on(tmp_path):
    def fitted(trainer, **told):
        falls = pb.reduce_on_plateau("loss", factor=0.5, patience=0, threshold=0.5)
        return fit(trainer, epochs=5, callbacks=falls, **told)

    resumed_everywhere(tmp_path, make, fitted, places=[1, 6, 10])


def test_another_plateau_is_refused_by_its_rule(tmp_path):
    fit(make(checkpoint=tmp_path), callbacks=pb.reduce_on_plateau("loss", patience=1))
    again, other = make(checkpoint=tmp_path), pb.reduce_on_plateau("loss", patience=2)
    with pytest.raises(pb.CircuitError, match="reduce_on_plateau of the run was of"):
        fit(again, epochs=9, resume=True, callbacks=other)


def test_a_rate_that_is_still_to_be_found_is_refused_with_checkpoints(tmp_path):
    with pytest.raises(pb.CircuitError, match="with checkpoints give the optimizer a number"):
        make(pb.SGD("find"), checkpoint=tmp_path)


def test_what_is_frozen_stays_so(tmp_path):
    def begun(**told):
        trainer = make(**told)
        fit(trainer, 1)
        trainer.model["dense1"].freeze()
        return trainer

    whole = begun()
    history = fit(whole, 2)
    kept = begun(checkpoint=every(tmp_path / "all"))
    fit(kept, 2)
    file = every(tmp_path / "all").files[-2]
    again = make(checkpoint=alone(file, tmp_path / "one"))
    assert_same_run((whole, history), (again, fit(again, 2, resume=True)))
    assert not again.model["dense1"].trainable
    assert list(again.model.parameters) == list(whole.model.parameters)


def test_a_model_of_several_inputs_and_outputs_goes_on(tmp_path):
    def forward(layers, a, b, training):
        return layers.left(a, training=training), layers.right(b, training=training)

    def made(**told):
        model = pb.Model(forward, left=pb.Dense(2), right=pb.Dense(1))
        losses = pb.SoftmaxCrossEntropy(), pb.SquaredError()
        return pb.Trainer(model, losses, pb.Adam(0.1), engine="eager", **told)

    def fitted(trainer, **told):
        return fit(trainer, inputs=(X, X), labels=(Y, X[:, 0]), validation=None, **told)

    resumed_everywhere(tmp_path, made, fitted, places=[3])


class Line:
    """A model that is no Layer."""

    def __init__(self):
        self.w = pb.Unit(np.ones((3, 2)), "w")
        self.parameters = self.weights = {"w": self.w}

    def __call__(self, x, *, training=None):
        return x @ self.w


def test_a_model_that_is_no_layer_goes_on(tmp_path):
    def made(**told):
        told["checkpoint"] = told.get("checkpoint")
        return make(model=Line(), penalties=[], **told)

    resumed_everywhere(tmp_path, made, places=[1, 2])
    with pytest.raises(pb.CircuitError, match="does not describe its model, which is in Python"):
        every(tmp_path / "all").model()


class Bent(pb.Layer):
    """A layer of one's own, of a function that no file holds, and with state."""

    def __init__(self, bend, **told):
        super().__init__(bend=bend, **told)
        self.bend = bend

    def build(self, shape, *, rng):
        self.count = self.variable("count", (), np.zeros)

    def apply(self, x, *, training):
        if training is not None:
            training.update(self.count, self.count + 1.0)
        return self.bend(x) * 2.0


def test_layers_of_ones_own_and_measurements_in_words_go_on(tmp_path):
    def word(event):
        if event.kind == "epoch":
            event.measured["word"] = "so" * event.epoch

    def made(**told):
        model = pb.Sequential(pb.Dense(4), Bent(pb.tanh), pb.Dense(2), rng=1)
        return make(model=model, **told)

    def fitted(trainer, **told):
        return fit(trainer, callbacks=word, **told)

    resumed_everywhere(tmp_path, made, fitted, places=[4, 6])


# Batches from elsewhere --------------------------------------------------------------------------


def batches_of(x=X, y=Y):
    return [(x[k : k + SIZE], y[k : k + SIZE]) for k in range(0, len(x), SIZE)]


def fit_batches(trainer, given, epochs=2, **told):
    return trainer.fit(given, epochs=epochs, validation=(X, Y), progress=False, **told)


def test_batches_that_come_again_are_gone_on_with(tmp_path):
    resumed_everywhere(tmp_path, make, lambda t, **told: fit_batches(t, batches_of(), **told))


class Drawn:
    """Batches in an order of each epoch's own, which count the epochs."""

    def __init__(self):
        self.epoch = 0

    def __call__(self):
        order = np.random.default_rng(self.epoch).permutation(len(X))
        self.epoch += 1
        yield from batches_of(X[order], Y[order])


def test_batches_that_count_their_epochs_are_set_to_the_right_one(tmp_path):
    resumed_everywhere(tmp_path, make, lambda t, **told: fit_batches(t, Drawn(), **told))
    trainer = make(checkpoint=alone(every(tmp_path / "all").files[1], tmp_path / "one"))
    with pytest.raises(pb.CircuitError, match="the training data of the run"):
        fit_batches(trainer, lambda: Drawn()(), resume=True)


def test_other_batches_are_refused(tmp_path):
    fit_batches(make(checkpoint=every(tmp_path / "all")), batches_of())
    file = every(tmp_path / "all").files[1]
    trainer = make(checkpoint=alone(file, tmp_path / "one"))
    with pytest.raises(pb.CircuitError, match=r"the training data .* hash .* and is now"):
        fit_batches(trainer, batches_of(X + 1.0), resume=True)
    later = batches_of()
    later[1] = (X[:SIZE], Y[:SIZE])
    with pytest.raises(pb.CircuitError, match="first 2 batches of the epoch are others"):
        fit_batches(trainer, later, resume=True)


def test_an_iterator_is_not_gone_on_with(tmp_path):
    told = {"epochs": 1, "progress": False}
    make(checkpoint=every(tmp_path / "all")).fit(iter(batches_of()), **told)
    file = every(tmp_path / "all").files[1]
    trainer = make(checkpoint=alone(file, tmp_path / "one"))
    with pytest.raises(pb.CircuitError, match="an iterator can be gone through once"):
        trainer.fit(iter(batches_of()), resume=True, **told)


def test_ctrl_c_writes_a_checkpoint(tmp_path):
    class Pressed(list):
        def __iter__(self):
            for k, batch in enumerate(super().__iter__()):
                if k == 2 and len(keeper.files) == 1:
                    os.kill(os.getpid(), signal.SIGINT)
                yield batch

    keeper = pb.Checkpoints(tmp_path / "run")
    trainer = make()
    whole = trainer, fit_batches(trainer, batches_of(), 3)
    pressed = make(checkpoint=keeper)
    history = fit_batches(pressed, Pressed(batches_of()), 3)
    assert history.ended == "interrupted in epoch 2"
    assert len(history) == 1
    again, said = make(checkpoint=keeper), []
    story = fit_batches(
        again, batches_of(), 3, resume=True, callbacks=lambda event: said.append(event.resumed)
    )
    assert said[0].startswith("training goes on in epoch 2, after 3 batches, from ")
    assert_same_run(whole, (again, story))


# The folder --------------------------------------------------------------------------------------


def test_the_newest_and_the_best_stay(tmp_path):
    values = iter([3.0, 1.0, 2.0, 2.5, 1.5, 1.75])

    def measured(event):
        if event.kind == "epoch":
            event.measured["watched"] = next(values)

    kept = pb.Checkpoints(tmp_path / "a" / "b", keep=2, best="watched")
    trainer = make(checkpoint=kept)
    fit(trainer, 6, callbacks=measured)
    assert [int(path.stem[-8:]) for path in kept.files] == [2, 5, 6]
    assert kept.best_file() == kept.files[0]
    index = json.loads((kept.path / INDEX).read_text())
    assert (index["newest"], index["best"]) == (kept.files[2].name, kept.files[0].name)
    assert [x["epoch"] for x in index["checkpoints"].values()] == [2, 5, 6]
    assert index["checkpoints"][index["best"]]["value"] == 1.0
    assert sorted(os.listdir(kept.path)) == [
        ".lock",
        *(path.name for path in kept.files),
        INDEX,
    ]
    newest = kept.model("newest")
    np.testing.assert_array_equal(newest(X).value, trainer.model(X).value)
    assert not np.array_equal(kept.model()(X).value, newest(X).value)
    (kept.path / INDEX).write_text("[[[")  # is made anew of the files
    again = make(checkpoint=kept)
    fit(again, 6, resume=True, callbacks=lambda event: None)
    assert json.loads((kept.path / INDEX).read_text()) == index


def test_epochs_may_be_left_out_but_not_the_last(tmp_path):
    fit(make(checkpoint=pb.Checkpoints(tmp_path, epochs=2, keep=9)), 5)
    assert [x.epoch for x in pb.Checkpoints(tmp_path).entries().values()] == [2, 4, 5]


def test_the_best_must_be_measured(tmp_path):
    with pytest.raises(pb.CircuitError, match="chosen by 'speed', which is not measured; there"):
        fit(make(checkpoint=pb.Checkpoints(tmp_path, best="speed")))
    with pytest.raises(pb.CircuitError, match="no checkpoint of an epoch"):
        pb.Checkpoints(tmp_path).best_file()
    with pytest.raises(pb.CircuitError, match="there is no checkpoint in"):
        pb.Checkpoints(tmp_path).model("newest")


def test_without_resume_no_run_is_written_over(tmp_path):
    trainer = make(checkpoint=tmp_path)
    fit(trainer, 1)
    fit(trainer, 1)  # its own run goes on
    with pytest.raises(pb.CircuitError, match="holds checkpoints of another run"):
        fit(make(checkpoint=tmp_path))
    with pytest.raises(pb.CircuitError, match="nothing to resume: name the folder"):
        fit(make(), resume=True)


def test_a_finished_run_is_gone_back_to_and_may_be_prolonged(tmp_path):
    longer = make()
    whole = longer, fit(longer, 4)
    short = make()
    ended = short, fit(short, 2)
    fit(make(checkpoint=tmp_path), 2)
    again, said = make(checkpoint=tmp_path), []
    story = fit(again, 2, resume=True, callbacks=lambda event: said.append(event.resumed))
    assert_same_run(ended, (again, story))
    assert said[0] == f"the run in {tmp_path} is finished: completed, after 2 epochs"
    prolonged = make(checkpoint=tmp_path)
    assert_same_run(whole, (prolonged, fit(prolonged, 4, resume=True)))


def test_a_run_that_stopped_early_stays_ended(tmp_path):
    def fitted(trainer, epochs, **told):
        stop = pb.early_stopping("loss", patience=1, minimum_change=9.0)
        return fit(trainer, epochs, callbacks=stop, **told)

    first = make(checkpoint=tmp_path)
    whole = first, fitted(first, 5)
    assert whole[1].ended.startswith("stopped early")
    again = make(checkpoint=tmp_path)
    assert_same_run(whole, (again, fitted(again, 9, resume=True)))


def test_with_nothing_to_resume_training_begins(tmp_path):
    said, trainer, other = [], make(), make(checkpoint=tmp_path / "new")
    whole = trainer, fit(trainer)
    story = fit(other, resume=True, callbacks=lambda event: said.append(event.resumed))
    assert said[0] == f"there is no checkpoint in {tmp_path / 'new'}: training begins anew"
    assert_same_run(whole, (other, story))


def test_another_function_as_schedule_is_refused(tmp_path):
    def decay(rate):
        return pb.SGD(lambda step: rate / (1.0 + step))

    fit(make(optimizer=decay(0.1), checkpoint=tmp_path))
    fit(make(optimizer=decay(0.1), checkpoint=tmp_path), resume=True)
    with pytest.raises(pb.CircuitError, match=r"the schedule of the run .* hash \w+, and is now"):
        fit(make(optimizer=decay(0.2), checkpoint=tmp_path), resume=True)


@pytest.mark.parametrize(
    ("made", "told", "message"),
    [
        ({"seed": 4}, {}, "the seed of the run in .* was 3, and is now 4; go on"),
        ({"optimizer": pb.Adam(0.02)}, {}, r"the optimizer .* was Adam\(0.01.*now Adam\(0.02"),
        (
            {"optimizer": pb.SGD(lambda step: 0.2 - 0.0 * step)},
            {},
            r"the (optimizer|schedule) .* was",
        ),
        ({"penalties": []}, {}, r"the penalties .* was L2\(.*and is now none"),
        ({"mixup": 0.1}, {}, "mixup of the run in .* was 0.0, and is now 0.1"),
        ({"engine": "native"}, {}, "the engine of the run in .* was eager, and is now native"),
        ({"model": pb.Sequential(pb.Dense(2))}, {}, "the model of the run in"),
        ({}, {"batch_size": 9}, "the batch size of the run in .* was 8, and is now 9"),
        ({}, {"inputs": X + 1e-3}, r"the training data .* inputs \(25, 3\) float32.* hash"),
        ({}, {"labels": 1 - Y}, "the training data of the run in"),
        ({}, {"validation": (X, Y)}, "the training data of the run in"),
        ({}, {"validation": 0.1}, "the training data of the run in"),
        ({}, {"callbacks": pb.early_stopping()}, "had 0 callbacks .* now there are 1"),
    ],
)
def test_another_run_is_refused_by_name(made, told, message, tmp_path):
    fit(make(checkpoint=tmp_path), 1)
    with pytest.raises(pb.CircuitError, match=message):
        fit(make(checkpoint=tmp_path, **made), **{"resume": True, **told})


def test_another_early_stopping_is_refused_by_name(tmp_path):
    fit(make(checkpoint=tmp_path), 1, callbacks=pb.early_stopping(patience=3))
    with pytest.raises(pb.CircuitError, match="patience of early stopping was 3, and is now 4"):
        fit(make(checkpoint=tmp_path), callbacks=pb.early_stopping(patience=4), resume=True)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"steps": 0}, "steps of checkpoints is a whole number of at least 1, got 0"),
        ({"epochs": None}, "epochs of checkpoints"),
        ({"keep": 0}, "keep of checkpoints"),
        ({"keep": 2.5}, "keep of checkpoints"),
        ({"seconds": 0.0}, "above 0, or None"),
        ({"seconds": float("nan")}, "above 0, or None"),
        ({"folder": ""}, "the name of a folder"),
    ],
)
def test_checkpoints_of_nothing_are_refused(told, message):
    with pytest.raises(pb.CircuitError, match=message):
        pb.Checkpoints(**{"folder": "x", **told})
    with pytest.raises(pb.CircuitError, match="checkpoint is a folder or Checkpoints of one"):
        make(checkpoint=3)


def test_seconds_pass_also_where_there_is_no_step_to_write_of(tmp_path):
    trainer = make()
    whole = trainer, fit(trainer)
    kept = make(checkpoint=pb.Checkpoints(tmp_path, seconds=1e-9))
    assert_same_run(whole, (kept, fit(kept)))


# What goes wrong ---------------------------------------------------------------------------------


def test_a_damaged_checkpoint_is_passed_over_with_a_warning(tmp_path):
    trainer = make()
    whole = trainer, fit(trainer)
    fit(make(checkpoint=tmp_path))
    *_, before, newest = pb.Checkpoints(tmp_path).files
    data = bytearray(newest.read_bytes())
    data[-3] ^= 1  # a number that could as well be right
    newest.write_bytes(data)
    again = make(checkpoint=tmp_path)
    with pytest.warns(UserWarning, match=rf"is damaged.*goes on from {before.name} instead"):
        story = fit(again, resume=True)
    assert_same_run(whole, (again, story))
    for file in pb.Checkpoints(tmp_path).files:
        file.write_bytes(b"")
    with pytest.raises(pb.CircuitError, match=r"no checkpoint in .* is whole"):
        fit(make(checkpoint=tmp_path), resume=True)


def test_files_of_other_kinds_are_no_checkpoints(tmp_path):
    fit(make(checkpoint=tmp_path), 1)
    whole = pb.Checkpoints(tmp_path).files[0]
    name = "checkpoint-0000000{}.safetensors".format
    (tmp_path / name(2)).symlink_to(tmp_path / name(2))
    (tmp_path / name(3)).mkdir()
    os.mkfifo(tmp_path / name(4))
    (tmp_path / name(5)).symlink_to("/dev/zero")
    other = make()
    fit(other, 1)
    other.model.save(tmp_path / name(6))
    with pytest.warns(UserWarning, match=f"goes on from {whole.name} instead"):
        fit(make(checkpoint=tmp_path), 1, resume=True)
    with pytest.raises(pb.CircuitError, match="is not a checkpoint of this version"):
        read_state(tmp_path / name(6))


def failing(monkeypatch, number):
    """Whatever is written from now on ends with this error of the system."""

    def fails(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(aside.os, "fsync", fails)


def test_a_disk_that_is_full_for_a_while_is_warned_of_once(tmp_path, monkeypatch):
    def watch(event):
        if event.kind == "epoch" and event.epoch == 2:
            failing(monkeypatch, errno.ENOSPC)
        if event.kind == "epoch" and event.epoch == 4:
            monkeypatch.undo()
            there.extend(path.name for path in pb.Checkpoints(tmp_path).files)

    there: list[str] = []
    trainer = make()
    whole = trainer, fit(trainer, 5)
    kept = make(checkpoint=tmp_path)
    with pytest.warns(UserWarning, match="no checkpoint was written") as said:
        history = fit(kept, 5, callbacks=watch)
    assert_same_run(whole, (kept, history))
    assert len(said) == 1
    message = str(said[0].message)
    assert "No space left on device; checkpoint-00000001.safetensors stays, and training" in message
    assert there == ["checkpoint-00000001.safetensors"]
    assert [x.epoch for x in pb.Checkpoints(tmp_path).entries().values()] == [1, 4, 5]
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".checkpoint")]


def test_a_folder_that_somebody_removed_is_not_said_to_hold_any(tmp_path):
    def watch(event):
        if event.kind == "epoch" and event.epoch == 2:
            shutil.rmtree(tmp_path / "run")

    with pytest.warns(UserWarning, match="No such file or directory; there is none, and training"):
        history = fit(make(checkpoint=tmp_path / "run"), callbacks=watch)
    assert history.ended == "completed"


def test_a_file_that_the_system_cuts_short_leaves_the_one_before(tmp_path):
    """The system itself refuses to write more than some bytes, as a quota does."""

    def watch(event):
        if event.kind == "epoch" and event.epoch == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.warns(UserWarning, match="File too large; checkpoint-00000001"):
            fit(make(checkpoint=tmp_path), callbacks=watch)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    (file,) = pb.Checkpoints(tmp_path).files
    assert read_state(file).done == 1


def test_a_disk_that_is_full_leaves_the_one_before(tmp_path):
    """A file system of some kilobytes, where the system lets us make one."""
    if shutil.which("mount") is None:
        pytest.skip("no mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=36k", "none", disk], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("this user may not make a file system")
    try:
        trainer = make()
        whole = trainer, fit(trainer)
        kept = make(checkpoint=pb.Checkpoints(disk, steps=1, keep=9))
        with pytest.warns(UserWarning, match=r"No space left on device; checkpoint-\d+.* stays"):
            history = fit(kept)
        assert_same_run(whole, (kept, history))
        files = pb.Checkpoints(disk).files
        assert files
        again = make(checkpoint=alone(files[-1], tmp_path / "one"))
        assert_same_run(whole, (again, fit(again, resume=True)))
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_folder_that_cannot_be_written_is_refused_before_work():
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, stat.S_IRUSR | stat.S_IXUSR | stat.S_IROTH | stat.S_IXOTH)
        before = make()
        untouched = numbers(before)
        trainer = make(checkpoint=folder)
        if root:
            os.seteuid(65534)  # the system heeds no permissions of its owner
        try:
            with pytest.raises(pb.CircuitError, match=f"cannot write to {folder}: Permission"):
                fit(trainer)
        finally:
            if root:
                os.seteuid(0)
            os.chmod(folder, 0o700)
        assert untouched == {}


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "x").write_text("here")
    for name in ("x", "x/y"):
        with pytest.raises(pb.CircuitError, match="cannot make the folder"):
            fit(make(checkpoint=tmp_path / name))


def test_one_process_at_a_time_trains_with_a_folder(tmp_path):
    def second(event):
        if event.kind == "epoch":
            with pytest.raises(pb.CircuitError, match=f"in use by process {os.getpid()}; wait"):
                fit(make(checkpoint=tmp_path), resume=True)
            met.append(event.epoch)

    met: list[int] = []
    thread = threading.Thread(
        target=lambda: fit(make(checkpoint=tmp_path), callbacks=second), daemon=True
    )
    thread.start()
    thread.join(60)
    assert met == [1, 2, 3]


def test_what_diverges_is_not_written(tmp_path):
    def made(**told):
        return make(pb.SGD(1e30), penalties=[], **told)

    with pytest.warns(UserWarning, match="training ended"):
        history = fit(made(checkpoint=every(tmp_path)))
    assert history.diverged
    for file in every(tmp_path).files:
        assert all(np.isfinite(x).all() for x in read_state(file).sources.values())


def test_a_trainer_that_keeps_checkpoints_is_copied(tmp_path):
    import copy
    import pickle

    trainer = make(checkpoint=tmp_path)
    history = fit(trainer, 1)
    for twin in (copy.deepcopy(trainer), pickle.loads(pickle.dumps(trainer))):
        assert twin.checkpoint == trainer.checkpoint
        assert_same_run((trainer, history), (twin, history))
        with pytest.raises(pb.CircuitError, match="checkpoints of another run"):
            fit(twin, 1)
    assert Path(trainer.checkpoint.folder) == tmp_path

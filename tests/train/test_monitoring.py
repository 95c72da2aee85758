"""What a Trainer's monitor leaves in the history, in files and in figures."""

from __future__ import annotations

import copy
import json
import math
import struct

import numpy as np
import pytest
from tests.train.resuming import EPOCHS, SIZE, X, Y, alone, assert_same_run, every, fit, make

import pullback as pb
from pullback.core.errors import CircuitError
from pullback.engines.prepare import prepare
from pullback.train import History, Monitor, json_lines, tensorboard
from pullback.train.monitors import BINS, MEASURES, LayerRow

LAYERS = ["dense1", "batchnorm1", "relu1", "dropout1", "dense2"]


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_the_history_has_a_row_for_each_epoch_and_layer(engine):
    history = fit(make(engine=engine, monitor=True))
    table = history.layers
    assert list(table) == ["epoch", "layer", *MEASURES]
    assert list(table.layer) == LAYERS * EPOCHS
    assert list(table.epoch) == [k for k in range(1, EPOCHS + 1) for _ in LAYERS]
    assert table[table.layer == "relu1"].gradient.isna().all()
    assert (table[table.layer == "dense2"].ratio > 0.0).all()
    assert (table[table.layer == "relu1"].zeros > 0.0).all()
    assert all(row["l2"] > 0.0 for row in history.rows)


def test_without_a_monitor_there_is_nothing_of_layers():
    history = fit(make())
    with pytest.raises(CircuitError, match=r"no layers were watched; .* monitor=True"):
        _ = history.layers
    assert "l2" not in history.rows[0]
    assert list(History().layers) == ["epoch", "layer", *MEASURES]  # nothing was trained yet


def test_a_history_tells_why_it_ended():
    rows = [{"epoch": 1, "loss": 0.5}]
    assert str(History(rows)).splitlines()[-1].split() == ["1", "0.5"]
    assert str(History(rows, "interrupted in epoch 2")).endswith("\nended: interrupted in epoch 2")
    assert str(History([], "diverged")) == "no epoch was finished: diverged"


@pytest.mark.parametrize("each", [1, 2, 10])
def test_an_epoch_is_the_mean_of_the_steps_that_were_looked_at(each):
    """Against the steps of the same epoch one by one."""
    trainer = make(monitor=Monitor(every=each))
    alike = copy.deepcopy(trainer)
    history = fit(trainer, epochs=1, inputs=X[:24], labels=Y[:24], validation=None)
    step = alike._step
    columns = step.columns(X[:24], Y[:24])
    step.weigh(columns)
    program = step.program({name: x[:SIZE] for name, x in columns.items()})
    order = np.random.default_rng([3, 1]).permutation(24)
    steps = prepare("eager", program).epoch(columns, order, lambda: False).seldom
    found = {f"{r.layer}/{name}": x for r in history.of_layers for name, x in r.measures.items()}
    found["/l2"] = history.rows[0]["l2"]
    expected = {name: x[::each].mean() for name, x in steps.items()}
    assert found == pytest.approx(expected, rel=1e-9)


def test_a_run_that_is_resumed_anywhere_has_seen_the_same(tmp_path):
    told = {"monitor": Monitor(every=2, histograms=True)}
    kept = make(checkpoint=every(tmp_path / "all"), **told)
    whole = kept, fit(kept)
    for k, file in enumerate(every(tmp_path / "all").files):
        again = make(checkpoint=alone(file, tmp_path / str(k)), **told)
        assert_same_run(whole, (again, fit(again, resume=True)))


def test_weights_that_begin_at_zero_are_kept_in_checkpoints(tmp_path):
    """Beside them a step is of no length, so that the first look has no ratio."""

    def made(path):
        model = pb.Sequential(pb.Dense(2, initializer="zeros"), rng=0)
        return make(model=model, monitor=Monitor(every=1), checkpoint=path)

    whole = fit(made(every(tmp_path / "all")))
    assert np.isfinite(whole.layers.ratio).all()
    first = sorted(every(tmp_path / "all").files)[0]
    again = fit(made(alone(first, tmp_path / "first")), resume=True)
    assert list(again.layers.ratio) == list(whole.layers.ratio)


def test_another_monitor_is_another_run(tmp_path):
    fit(make(checkpoint=tmp_path, monitor=True))
    with pytest.raises(CircuitError, match=r"the monitor of the run in .* was Monitor"):
        fit(make(checkpoint=tmp_path), resume=True)


def test_batches_from_elsewhere_are_watched_too():
    batches = [(X[k : k + 8], Y[k : k + 8]) for k in range(0, 24, 8)]
    history = make(monitor=Monitor(every=2)).fit(batches, epochs=2, progress=False)
    assert [row.layer for row in history.of_layers] == LAYERS * 2


def test_of_fewer_rows_than_a_batch_the_only_step_is_watched():
    history = fit(make(monitor=True), validation=None, batch_size=64)
    assert [row.layer for row in history.of_layers] == LAYERS * EPOCHS


@pytest.mark.parametrize("monitor", ["yes", 3, Monitor])
def test_what_is_no_monitor_is_refused(monitor):
    with pytest.raises(CircuitError, match="monitor is True, False or a Monitor"):
        make(monitor=monitor)


# Files -------------------------------------------------------------------------------------------


def test_lines_of_json(tmp_path):
    path = tmp_path / "run.jsonl"
    trainer = make(monitor=Monitor(histograms=True))
    history = fit(trainer, callbacks=json_lines(path))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["begin", *["epoch"] * EPOCHS, "end"]
    assert lines[-1] == {"event": "end", "epoch": EPOCHS, "ended": "completed"}
    for line, row in zip(lines[1:-1], history.rows, strict=True):
        assert {k: line[k] for k in row} == row
        assert list(line["layers"]) == LAYERS
        assert len(line["layers"]["dense1"]["activations"]) == BINS
    fit(trainer, epochs=1, callbacks=json_lines(path))
    more = path.read_text().splitlines()
    assert len(more) == EPOCHS + 2 + 3  # what was there stays


def test_what_is_no_finite_number_is_null(tmp_path):
    path = tmp_path / "run.jsonl"
    event = pb.Event("epoch", None, 1, {"epoch": 1, "loss": math.nan}, History())
    json_lines(path)(event)
    assert json.loads(path.read_text())["loss"] is None


def test_lines_that_cannot_be_written_are_refused(tmp_path):
    with pytest.raises(CircuitError, match="cannot write"):
        fit(make(), callbacks=json_lines(tmp_path / "none" / "run.jsonl"))


def events_in(folder):
    """The records of event files, read as TensorBoard's format has them."""
    from tensorboardX.proto.event_pb2 import Event as Record

    for file in sorted(folder.iterdir()):
        data = file.read_bytes()
        while data:
            (size,) = struct.unpack("<Q", data[:8])
            yield Record.FromString(data[12 : 12 + size])
            data = data[16 + size :]


def test_event_files_for_tensorboard(tmp_path):
    pytest.importorskip("tensorboardX")
    history = fit(make(monitor=Monitor(histograms=True)), callbacks=tensorboard(tmp_path / "run"))
    values = [
        (value.tag, record.step, value)
        for record in events_in(tmp_path / "run")
        for value in record.summary.value
    ]
    losses = {step: v.simple_value for tag, step, v in values if tag == "loss/validation"}
    assert losses == {
        row["epoch"]: pytest.approx(row["validation_loss"], rel=1e-6) for row in history.rows
    }
    stds = {step: v.simple_value for tag, step, v in values if tag == "layers/dense1/std"}
    rows = [row for row in history.of_layers if row.layer == "dense1"]
    assert stds == {row.epoch: pytest.approx(row.measures["std"], rel=1e-6) for row in rows}
    (first,) = (v for tag, step, v in values if (tag, step) == ("activations/dense1", 1))
    assert sum(first.histo.bucket) == rows[0].histograms["activations"].sum()


def test_tensorboard_says_what_it_needs(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    with pytest.raises(CircuitError, match=r'pip install "pullback\[tensorboard\]"'):
        tensorboard(tmp_path)


# Figures -----------------------------------------------------------------------------------------


def panels(sheet):
    return [axes.get_title() for axes in sheet.axes]


def test_a_history_draws_all_of_it():
    pytest.importorskip("matplotlib")
    history = fit(make(monitor=Monitor(histograms=True)))
    found = panels(history.plot())
    assert found[:3] == ["loss", "accuracy", "l2"]
    assert {"update to weight", "share of zeros in it"} <= set(found)
    assert "activations of relu1" in found
    assert "gradients of dense2" in found
    assert "gradients of relu1" not in found
    assert panels(fit(make()).plot()) == ["loss", "accuracy"]


def test_what_a_figure_draws_can_be_told_apart():
    pytest.importorskip("matplotlib")
    from matplotlib.colors import to_rgb

    sheet = fit(make(monitor=True), validation=0.25).plot()
    axes = {one.get_title(): one for one in sheet.axes}
    assert axes["loss"].get_legend() is not None
    assert axes["l2"].get_legend() is None  # of one line
    *lines, usual = axes["update to weight"].get_lines()
    assert list(usual.get_ydata()) == [1e-3, 1e-3]
    assert [text.get_text() for text in axes["update to weight"].texts] == ["1e-3: usual"]
    shades = [to_rgb(line.get_color()) @ np.array([0.2126, 0.7152, 0.0722]) for line in lines]
    assert max(shades) < 0.7  # dark enough for white


def test_columns_are_drawn_on_axes():
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    history = fit(make(monitor=True))
    axes = Figure().subplots()
    assert history.plot("loss", "l2", ax=axes) is axes
    assert [line.get_label() for line in axes.get_lines()] == ["loss", "validation loss", "l2"]
    with pytest.raises(CircuitError, match="no 'lost' was measured"):
        history.plot("lost")


def test_a_figure_of_many_layers_of_one_epoch_and_of_none():
    pytest.importorskip("matplotlib")
    rows = [
        LayerRow(k, f"block{n}.dense1", {"std": 0.5**n, "zeros": 0.0, "ratio": 1e-3 * k})
        for k in range(1, 4)
        for n in range(50)
    ]
    many = History([{"epoch": k, "loss": 1.0 / k} for k in range(1, 4)], of_layers=rows)
    texts = [text.get_text() for text in many.plot().texts]
    assert sum("block" in text for text in texts) < 15
    assert any("more" in text for text in texts)
    assert panels(History([{"epoch": 1, "loss": 1.0}], of_layers=rows[:3]).plot())
    assert panels(History().plot()) == []

"""Damaged and hostile files: 500 of those that `scripts/fuzz_files.py` makes without end."""

import contextlib
import os
import shutil
import time
import tracemalloc

import numpy as np
import pytest
from tests.train.damage import LONG, case, hostile_checkpoint, hostile_model, load, refused
from tests.train.resuming import every, fit, make

import pullback as pb
from pullback.core import aside
from pullback.core.tensorfile import Format, read_tensors, read_texts, write_tensors
from pullback.train.checkpoints import read_state

FILES, RUNS = 500, 100
ROOM = 10_000_000  # bytes


@pytest.fixture
def unsynced(monkeypatch):
    """Nobody pulls the plug here."""
    monkeypatch.setattr(aside.os, "fsync", lambda _: None)


@pytest.fixture
def checkpoint(tmp_path, unsynced):
    """One in the middle of an epoch."""
    trainer = make(checkpoint=every(tmp_path / "whole"))
    fit(trainer, 2, callbacks=pb.early_stopping(patience=3))
    return every(tmp_path / "whole").files[3]


def resumed(file):
    """Whether a run goes on from it, or else is refused."""
    trainer = make(checkpoint=pb.Checkpoints(file.parent))
    try:
        fit(trainer, 2, callbacks=pb.early_stopping(patience=3), resume=True)
    except pb.CircuitError as error:
        return refused(error)
    return True


@pytest.mark.filterwarnings("ignore:training ended")
def test_a_checkpoint_is_gone_on_with_or_refused(checkpoint, tmp_path):
    found = []
    for number in range(RUNS):
        run = tmp_path / "run"
        run.mkdir()
        case(checkpoint, hostile_checkpoint, run / checkpoint.name, number)
        start = time.process_time()
        found.append(resumed(run / checkpoint.name))
        assert time.process_time() - start < 5.0, f"file {number}"
        shutil.rmtree(run)
    assert 0 < sum(found) < RUNS // 2  # some changes are of what could be as well


def test_a_model_loads_or_is_refused(tmp_path, unsynced):
    trainer = make()
    fit(trainer, 1)
    trainer.model.save(tmp_path / "model")
    for number in range(FILES - RUNS):
        case(tmp_path / "model", hostile_model, tmp_path / "damaged", number)
        start = time.process_time()
        load(tmp_path / "damaged")
        assert time.process_time() - start < 5.0, f"file {number}"


def test_no_file_takes_more_memory_than_it_holds(checkpoint, tmp_path):
    tracemalloc.start()
    for number in range(FILES, FILES + 20):
        case(checkpoint, hostile_checkpoint, tmp_path / "damaged", number)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        with contextlib.suppress(pb.CircuitError):
            read_state(tmp_path / "damaged")
        assert tracemalloc.get_traced_memory()[1] - before < ROOM, f"file {number}"
    tracemalloc.stop()


def test_no_bit_of_a_checkpoint_is_wrong_unseen(checkpoint, tmp_path):
    whole = checkpoint.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(len(whole), size=200):
        data = bytearray(whole)
        data[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "flipped").write_bytes(data)
        with pytest.raises(pb.CircuitError):
            read_state(tmp_path / "flipped")


def test_a_hash_is_asked_for_where_there_must_be_one(tmp_path):
    form, file = Format("thing", 3), tmp_path / "thing"
    arrays = {"x": np.zeros((2, 0)), "y": np.array(1.5)}
    write_tensors(file, form, {"a": "b"}, arrays, hashed=True)
    texts, arrays = read_tensors(file, form, hashed=True)
    assert texts["a"] == "b"
    assert read_texts(file, form)["a"] == "b"
    assert arrays["y"] == 1.5
    assert arrays["x"].shape == (2, 0)
    write_tensors(file, form, {"a": "b"}, arrays)
    assert read_tensors(file, form)[1]["y"] == 1.5
    with pytest.raises(pb.CircuitError, match="is damaged, or was changed"):
        read_tensors(file, form, hashed=True)
    with pytest.raises(pb.CircuitError, match="is not a other of this version"):
        read_tensors(file, Format("other", 3))
    with pytest.raises(pb.CircuitError, match=r"in format 3; this is .* reads format 2"):
        read_tensors(file, Format("thing", 2))


def test_a_message_does_not_fill_the_terminal():
    assert not refused(pb.CircuitError("x" * LONG))
    with pytest.raises(RuntimeError, match=f"{LONG + 1} characters"):
        refused(pb.CircuitError("x" * (LONG + 1)))


def test_what_failed_leaves_nothing_beside_the_file(tmp_path, monkeypatch):
    file = tmp_path / "x"
    write_tensors(file, Format("thing", 1), {"a": "1"}, {})

    def fails(*_):
        raise OSError(28, "No space left on device")

    for call in ("fsync", "replace"):
        monkeypatch.setattr(aside.os, call, fails)
        with pytest.raises(pb.CircuitError, match=f"cannot write {file}: No space left"):
            write_tensors(file, Format("thing", 1), {"a": "2"}, {})
        monkeypatch.undo()
        assert os.listdir(tmp_path) == ["x"]
        assert read_texts(file, Format("thing", 1))["a"] == "1"

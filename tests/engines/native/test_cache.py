"""The files of object code: what is in them, and what becomes of damaged and foreign ones."""

import errno
import json
import os
import time

import numpy as np
import pytest

from pullback.engines.native import cache

STEP, LOOP = (f"pullback_{kind}_{n:024x}" for n, kind in enumerate(("step", "loop")))
CODE = bytes(range(256)) * 8 + b"\n\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path))
    return tmp_path


def test_what_is_written_is_read(folder):
    cache.write(LOOP, ["pullback_barrier", STEP], CODE, "here")
    assert cache.read(LOOP, "here") == (["pullback_barrier", STEP], CODE)
    (path,) = folder.iterdir()
    assert path == cache.path_of(LOOP, "here")
    assert path.name.startswith("pullback_loop_")
    cache.write(LOOP, [], b"", "here")
    assert cache.read(LOOP, "here") == ([], b"")


def test_another_function_and_another_processor_have_files_of_their_own(folder):
    cache.write(LOOP, [], CODE, "here")
    assert cache.read(LOOP, "there") is None
    assert cache.read(STEP, "here") is None
    cache.write(LOOP, [], b"there", "there")
    assert cache.read(LOOP, "here") == ([], CODE)


def test_a_missing_folder_holds_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path / "nowhere"))
    assert cache.contents() == (0, 0, 0, None)
    assert cache.clear() == 0
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_vanishes_is_made_again(folder):
    cache.write(LOOP, [], CODE, "here")
    cache.path_of(LOOP, "here").unlink()
    folder.rmdir()
    assert cache.read(LOOP, "here") is None
    cache.write(LOOP, [], CODE, "here")
    assert cache.read(LOOP, "here") == ([], CODE)


def test_it_counts_and_clears_what_is_there(folder):
    before = time.time()
    for n, kind in enumerate(["loop", "loop", "step", "registers", "tile", "epoch"]):
        cache.write(f"pullback_{kind}_{n:024x}", [], CODE, "here")
    cache.write("pullback_barrier", [], CODE, "here")
    held = cache.contents()
    assert (held.programs, held.loops) == (2, 5)
    assert held.bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert held.used is not None
    assert before - 1 <= held.used <= time.time() + 1
    assert cache.clear() == held.bytes
    assert cache.contents() == (0, 0, 0, None)
    assert [*folder.iterdir()] == []


def test_reading_is_using(folder):
    """Also where a file system by itself would leave the time of use as it is."""
    cache.write(LOOP, [], CODE, "here")
    path, hour = cache.path_of(LOOP, "here"), 3600 * 10**9
    made = time.time_ns() - 2 * hour
    os.utime(path, ns=(made + hour, made))
    assert cache.contents().used == pytest.approx(time.time() - 3600, abs=60)
    cache.read(LOOP, "here")
    assert cache.contents().used == pytest.approx(time.time(), abs=60)
    assert path.stat().st_mtime_ns == made


def with_head(whole, **changes):
    head, _, code = whole.partition(b"\n")
    return json.dumps({**json.loads(head), **changes}).encode() + b"\n" + code


DAMAGES = {
    "empty": lambda whole: b"",
    "cut": lambda whole: whole[: len(whole) // 2],
    "cut in its head": lambda whole: whole[:20],
    "longer": lambda whole: whole + b"\0",
    "rubbish": lambda whole: np.random.default_rng(0).bytes(len(whole)),
    "zeros": lambda whole: bytes(len(whole)),
    "another bit": lambda whole: whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:],
    "without needs": lambda whole: whole.replace(b'"needs"', b'"reeds"'),
    "other needs": lambda whole: with_head(whole, needs=["pullback_nothing"]),
    "no needs": lambda whole: with_head(whole, needs=[]),
    "a list": lambda whole: b"[1]\n" + whole,
    "another function's": lambda whole: cache.path_of(LOOP, "here").read_bytes(),
    "of another name": lambda whole: with_head(whole, name=LOOP),
}


@pytest.mark.parametrize("how", DAMAGES)
def test_what_is_damaged_is_not_there_and_yet_counted_and_cleared(folder, how):
    cache.write(LOOP, [], b"other", "here")
    cache.write(STEP, ["pullback_barrier"], CODE, "here")
    path = cache.path_of(STEP, "here")
    whole = path.read_bytes()
    path.write_bytes(DAMAGES[how](whole))
    assert path.read_bytes() != whole
    assert cache.read(STEP, "here") is None
    assert cache.read(LOOP, "here") == ([], b"other")
    assert cache.contents()[:2] == (1, 1)
    cache.write(STEP, ["pullback_barrier"], CODE, "here")
    assert path.read_bytes() == whole
    path.write_bytes(DAMAGES[how](whole))
    cache.clear()
    assert not path.exists()


def test_a_folder_that_becomes_full_is_told_of_and_nothing_half_is_left(folder, monkeypatch):
    cache.write(LOOP, [], CODE, "here")
    before = sorted(folder.iterdir())

    def full(source, to):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(RuntimeWarning, match="cannot be written to .No space left"):
        cache.write(STEP, [], CODE, "here")
    cache.write(STEP, [], CODE, "here")  # it is said once
    assert sorted(folder.iterdir()) == before
    assert cache.read(STEP, "here") is None


def test_a_file_in_the_making_stays_and_an_abandoned_one_goes(folder):
    fresh, old = (folder / f"{LOOP}.o.{k:08x}.tmp" for k in (1, 2))
    for path in (fresh, old):
        path.write_bytes(bytes(10))
    os.utime(old, (0, 0))
    assert cache.contents() == (0, 0, 20, None)
    assert cache.clear() == 10
    assert list(folder.iterdir()) == [fresh]


def test_what_is_anothers_stays(folder):
    names = "notes.o", "pullback_loop.o", f"pullback_loop_{1:024x}.py", "a.txt"
    theirs = [folder / name for name in names]
    for path in theirs:
        path.write_text("keep")
    cache.write(LOOP, [], CODE, "here")
    assert cache.contents().bytes == cache.path_of(LOOP, "here").stat().st_size
    cache.clear()
    assert sorted(folder.iterdir()) == sorted(theirs)

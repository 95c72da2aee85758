"""The cache of compiled code: what is in it, and what happens when it vanishes."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

import pullback as pb
from pullback.engines import cache


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path))
    return tmp_path


def loop(number):
    """A module that numba compiles when it is loaded, unlike any other."""
    return (
        "from numba import njit\n\n\n"
        '@njit("i8(i8)", cache=True)\n'
        f"def run(n):\n    return n + {number}\n"
    )


def files(folder, suffix):
    return [path for path in folder.rglob("*") if path.suffix == suffix]


def test_a_missing_folder_holds_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path / "nowhere"))
    assert cache.contents() == (0, 0, 0, None)
    assert cache.clear() == 0


def test_loops_and_programs_are_told_apart(folder):
    x = pb.Unit(np.arange(7.0), "x")
    before = time.time()
    pb.Circuit(pb.sum(pb.exp(x * 1.25)) * 0.77).compile()()
    held = cache.contents()
    assert (held.programs, held.loops) == (1, len(files(folder, ".py")) - 1)
    assert held.loops >= 1
    assert held.bytes == sum(path.stat().st_size for path in folder.rglob("m*"))
    assert held.used is not None
    assert before - 1 <= held.used <= time.time()
    assert cache.clear() == held.bytes
    assert cache.contents() == (0, 0, 0, None)


def test_loading_is_using_and_does_not_make_code_anew(folder):
    name = cache.keep(loop(20_001))
    assert cache.load(name).run(1) == 20_002
    path = folder / f"{name}.py"
    made = path.stat().st_mtime_ns
    os.utime(path, ns=(0, made))
    assert cache.contents().used == 0.0
    cache.load.cache_clear()
    module = cache.load(cache.keep(loop(20_001)))
    assert module.run.stats.cache_hits
    assert not module.run.stats.cache_misses
    assert path.stat().st_mtime_ns == made
    assert cache.contents().used == pytest.approx(time.time(), abs=60)


def test_what_was_cleared_between_writing_and_loading_is_written_again(folder):
    name = cache.keep(loop(20_002))
    cache.clear()
    assert cache.load(name).run(1) == 20_003
    assert (folder / f"{name}.py").exists()


@pytest.mark.parametrize("suffix", [".py", ".nbi", ".nbc"])
def test_half_of_it_is_compiled_again(folder, suffix):
    text = loop(20_010 + len(suffix) * 3 + ord(suffix[-1]))
    name = cache.keep(text)
    expected = cache.load(name).run(1)
    (gone,) = files(folder, suffix)
    gone.unlink()
    for again in (False, True):
        cache.load.cache_clear()
        module = cache.load(cache.keep(text))
        assert module.run(1) == expected
        assert gone.exists()
        if again:
            assert module.run.stats.cache_hits


def test_a_source_that_vanishes_while_it_is_read_is_written_again(folder, monkeypatch):
    name = cache.keep(loop(20_004))
    plain, tries = cache._executed, []

    def vanishing(name, path):
        tries.append(path)
        if len(tries) < 3:
            path.unlink()
        return plain(name, path)

    monkeypatch.setattr(cache, "_executed", vanishing)
    assert cache.load(name).run(1) == 20_005
    assert len(tries) == 3


def test_an_error_in_a_source_that_is_there_is_raised(folder):
    with pytest.raises(RuntimeError, match="as it is"):
        cache.load(cache.keep('raise RuntimeError("as it is")\n'))


def test_a_file_in_the_making_stays_and_an_abandoned_one_goes(folder):
    fresh, old = (folder / f"m{k:024x}.run.nbi.tmp.{k:016x}" for k in (1, 2))
    for path in (fresh, old):
        path.write_bytes(bytes(10))
    os.utime(old, (0, 0))
    assert cache.clear() == 10
    assert list(folder.iterdir()) == [fresh]


COMPILE = """
import sys, time
from pullback.engines import cache
text = {text!r}
end = time.monotonic() + 1.0
rounds = 0
while rounds < 10 or time.monotonic() < end:
    cache.load.cache_clear()
    number = rounds % 5
    assert cache.load(cache.keep(text.replace("20003", str(number)))).run(1) == number + 1
    rounds += 1
print(rounds)
"""


def test_clearing_while_another_process_compiles_does_it_no_harm(folder):
    other = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", COMPILE.format(text=loop(20_003))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    freed = 0
    while other.poll() is None:
        freed += cache.clear()
    told, errors = other.communicate()
    assert (other.returncode, errors) == (0, "")
    assert int(told) >= 10
    assert freed > 0

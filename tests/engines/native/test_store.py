"""The cache of compiled code: what is in it, and what happens when it vanishes."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.engines.native import cache
from pullback.engines.native.engine import Native


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


def damage(path, how):
    whole = path.read_bytes()
    rubbish = np.random.default_rng(0).bytes(len(whole))
    damaged = {"empty": b"", "cut": whole[: len(whole) // 2], "rubbish": rubbish}[how]
    path.write_bytes(damaged)
    return damaged


def trained():
    """What a step and an epoch give, from what is on disk."""
    cache.load.cache_clear()
    w, x = pb.Unit(np.ones((2, 2)), "w"), pb.Unit(np.ones((3, 2)), "x")
    y = pb.sum(pb.tanh(x @ w))
    native = Native(pb.Program({"x": x}, {"y": y}, {w: w - 0.1 * pb.gradient(y, w)}))
    first = native()["y"]
    rows = {"x": np.arange(12.0).reshape(6, 2)}
    return [first, *native.epoch(rows, np.arange(6), lambda: False).numbers["y"]]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """A folder with a Program in it, and what this gives."""
    made = tmp_path_factory.mktemp("compiled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULLBACK_CACHE", str(made))
        patch.setattr(sys, "dont_write_bytecode", False)
        return made, trained()


@pytest.mark.parametrize(
    ("suffix", "how"),
    [
        (".py", "empty"),
        (".pyc", "cut"),
        (".nbi", "empty"),
        (".nbc", "cut"),
        (".nbc", "rubbish"),
    ],
)
def test_what_is_damaged_is_made_again(folder, compiled, suffix, how, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    made, expected = compiled
    shutil.copytree(made, folder, dirs_exist_ok=True)
    damaged = {path: damage(path, how) for path in files(folder, suffix)}
    assert damaged
    assert trained() == expected
    assert all(path.read_bytes() != what for path, what in damaged.items())
    if suffix in (".nbi", ".nbc"):
        assert {path.name.split(".")[1].split("-")[0] for path in damaged} == {
            "run",
            "step",
            "epoch",
        }


def test_only_what_is_damaged_is_removed(folder):
    name = cache.keep(loop(20_005))
    cache.load(name).run(1)
    (index,), (code,) = files(folder, ".nbi"), files(folder, ".nbc")
    other = code.with_name(code.name.replace(".py3", ".py2"))  # of a Python that is not this one
    for path in (index, other):
        path.write_bytes(b"")
    whole = code.read_bytes()
    assert cache._remove_damaged(folder / f"{name}.py")
    assert not index.exists()
    assert code.read_bytes() == whole
    assert other.exists()
    assert not cache._remove_damaged(folder / f"{name}.py")


def test_a_damaged_source_is_counted(folder):
    (folder / f"m{0:024x}.py").write_bytes(b"\xff\xfe")
    assert cache.contents()[:3] == (1, 0, 2)


ELSEWHERE = """
import warnings
import numpy as np
import pullback as pb
from pullback.engines.native import cache
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    for n in (3, 5):
        assert pb.compile(lambda x: pb.sum(x * 2.0))(np.arange(float(n))) == n * (n - 1.0)
(only,) = told
print(only.category.__name__, only.message)
print(cache._writable(cache.folder()))
"""


@pytest.mark.parametrize("where", ["a file", "read-only", "no room"])
def test_a_folder_that_cannot_be_written_to_is_replaced_for_this_process(folder, where):
    wanted, limit = folder / "taken", ""
    if where == "read-only":
        wanted.mkdir(mode=0o500)
        if os.access(wanted, os.W_OK):
            pytest.skip("this user may write everywhere")
    elif where == "no room":
        limit = "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, -1))\n"
    else:
        wanted.write_text("")
    done = subprocess.run(
        [sys.executable, "-c", limit + ELSEWHERE],
        env={**os.environ, "PULLBACK_CACHE": str(wanted)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told, place = done.stdout.splitlines()
    assert told.startswith(f"RuntimeWarning {wanted} cannot be written to (")
    assert "temporary folder" in told
    assert "PULLBACK_CACHE" in told
    assert not Path(place).exists()


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
from pullback.engines.native import cache
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

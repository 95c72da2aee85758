"""Records of code become functions, compiled once for all processes, whatever befalls the cache."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import llvmlite
import numpy as np
import pytest
from tests.engines.native.calling import elementwise, run_loop

import pullback as pb
from pullback.engines.native import cache, store, target
from pullback.engines.native.engine import Native
from pullback.engines.native.ir import Literal, Operand
from pullback.engines.native.kernels import Kernel
from pullback.engines.native.kernels.product import Product
from pullback.engines.native.target import Target, host, symbol
from pullback.engines.notice import Notice


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path))
    return tmp_path


def loop(number):
    """A loop that adds a number, unlike any other."""
    plain = elementwise("add", "f8")
    (made, kept) = plain.body
    given = (Operand("x0", "f8"), Literal(float(number), "f8"))
    return replace(plain, body=(replace(made, inputs=given), kept))


def added(number):
    """What 1 is with a number added."""
    y = np.zeros(1)
    run_loop(loop(number), (1,), (), np.ones(1), y)
    return y.item()


def product(n):
    """A kernel that calls others: it has tiles and packs panels."""
    return Kernel("product", Product("f4", 40, n, 20, (20, 1), (1, 20)), 3)


@dataclass
class Start:
    """A process that has loaded nothing yet: what it compiles, and what it would load."""

    compiled: list[str] = field(default_factory=list)
    loaded: list[bytes] = field(default_factory=list)

    def load(self, *codes):
        """Load records of code. Beside this process's own, they would clash with it."""
        plain = Target.object_code

        def counted(self_, text):
            self.compiled.append(text.split("@", 1)[1].split("(", 1)[0])
            return plain(self_, text)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "_loaded", {})
            patch.setattr(target, "load", self.loaded.extend)
            patch.setattr(target, "address", lambda name: 1)
            patch.setattr(Target, "object_code", counted)
            store.load(*codes)
        return self


def files(folder):
    return sorted(path for path in folder.iterdir() if path.suffix == ".o")


def file_of(code):
    return cache.path_of(symbol(code), store._made_for(symbol(code)))


# What is there -----------------------------------------------------------------------------------


def test_loops_and_programs_are_told_apart(folder):
    x = pb.Unit(np.arange(7.0), "x")
    before = time.time()
    pb.Circuit(pb.sum(pb.exp(x * 1.25)) * 0.77).compile()()
    w = pb.Unit(2.0, "w")
    step = Native(pb.Program({}, {}, {w: w * 0.123}))
    held = cache.contents()
    assert (held.programs, held.loops) == (2, len(files(folder)) - 2)
    assert held.bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert held.used is not None
    assert before - 1 <= held.used <= time.time()
    point = pb.Unit(np.zeros((1, 1)), "point")
    step = Native(pb.Program({"point": point}, {}, {w: w * point[0, 0] * 0.321}))
    step.epoch({"point": np.ones((2, 1))}, np.arange(2), lambda: False)
    assert [path.name.split("_")[1] for path in files(folder)].count("registers") == 1
    held = cache.contents()
    assert held.programs == 4
    assert cache.clear() == held.bytes
    assert cache.contents() == (0, 0, 0, None)


def test_what_two_programs_share_is_kept_once(folder):
    compiled = Start().load(product(50), loop(1)).compiled
    assert symbol(loop(1)) in compiled
    tiles = [name for name in compiled if name.startswith("pullback_tile")]
    assert tiles
    more = Start().load(product(50), product(51), loop(1)).compiled
    assert more[0] == symbol(product(51))
    assert not set(tiles) & set(more)
    assert len(files(folder)) == len(compiled) + len(more)


def test_code_is_of_a_processor_a_library_and_a_version(monkeypatch):
    def made_for():
        return store._made_for("pullback_step_1")

    plain = host()
    others = {made_for()}
    assert made_for() in others
    monkeypatch.setattr(target, "host", lambda: replace(plain, cpu="generic", features=""))
    others.add(made_for())
    monkeypatch.setattr(target, "host", lambda: plain)
    monkeypatch.setattr(store, "_version", store._version.__wrapped__)  # nothing is remembered
    monkeypatch.setattr(llvmlite, "__version__", "0")
    others.add(made_for())
    monkeypatch.setattr(store, "_version", lambda: "another")
    others.add(made_for())
    assert len(others) == 4


def test_what_is_loaded_is_called(folder):
    assert added(5) == 6.0
    (first,), (second,) = store.load(loop(5)), store.load(loop(5))
    assert first == second
    cache.clear()
    assert added(5) == 6.0  # it is in memory


def test_who_waits_is_told_of_what_is_compiled_and_not_of_what_is_read(folder, monkeypatch):
    notice, told, plain = Notice(patience=0.0), [], Target.object_code

    def slow(self, text):
        time.sleep(0.05)
        return plain(self, text)

    monkeypatch.setattr(store, "notice", notice)
    monkeypatch.setattr(Target, "object_code", slow)
    with notice.shown_by(told.append):
        count = len(Start().load(product(54)).compiled)
        assert told[-2:] == [
            f"compiling {count} of {count} functions, once: later runs read them from the cache", ""
        ]  # fmt: skip
        told.clear()
        Start().load(product(54))
    assert told == []


def test_an_error_in_a_record_is_raised(folder):
    for _ in range(2):
        with pytest.raises(TypeError, match="no way to record SimpleNamespace"):
            store.load(loop(13), SimpleNamespace(arguments=[]))
    assert added(13) == 14.0


# What vanishes, and what is damaged --------------------------------------------------------------


@pytest.mark.parametrize("which", ["kernel", "tile", "pack", "barrier"])
def test_half_of_it_is_compiled_again(folder, which):
    first = Start().load(product(52))
    gone = next(path for path in files(folder) if path.name.startswith(f"pullback_{which}"))
    code = gone.read_bytes()
    gone.unlink()
    second = Start().load(product(52))
    assert any(name.startswith(f"pullback_{which}") for name in second.compiled)
    assert len(second.compiled) < len(first.compiled)
    assert sorted(second.loaded) == sorted(first.loaded)
    assert gone.read_bytes() == code
    assert Start().load(product(52)).compiled == []


def test_what_is_cleared_while_it_is_compiled_is_loaded_and_written(folder, monkeypatch):
    plain = Target.object_code

    def clearing(self, text):
        shutil.rmtree(folder)
        return plain(self, text)

    monkeypatch.setattr(Target, "object_code", clearing)
    assert added(6) == 7.0
    assert file_of(loop(6)).exists()


def test_what_is_damaged_is_made_again(folder):
    first = Start().load(product(53))
    path = file_of(product(53))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    second = Start().load(product(53))
    assert second.compiled == [symbol(product(53))]
    assert sorted(second.loaded) == sorted(first.loaded)
    assert path.read_bytes() == whole
    assert Start().load(product(53)).compiled == []


TRAINED = """
import json, numpy as np, pullback as pb
from pullback.engines.native.engine import Native
from pullback.engines.native.target import Target
made, plain = [], Target.object_code
def counted(self, text):
    made.append(text.split("@", 1)[1].split("(", 1)[0])
    return plain(self, text)
Target.object_code = counted
w, x = pb.Unit(np.ones((2, 2)), "w"), pb.Unit(np.ones((3, 2)), "x")
y = pb.sum(pb.tanh(x @ w))
native = Native(pb.Program({"x": x}, {"y": y}, {w: w - 0.1 * pb.gradient(y, w)}))
first = native()["y"]
rows = {"x": np.arange(12.0).reshape(6, 2)}
numbers = native.epoch(rows, np.arange(6), lambda: False).numbers["y"]
print(json.dumps([made, [first, *numbers]]))
"""


def process(code, folder, **options):
    """Another process, whose warnings are errors."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PULLBACK_CACHE": str(folder), "PULLBACK_GUARD": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def answer(running):
    told, errors = running.communicate(timeout=120)
    assert (running.returncode, errors) == (0, "")
    return told


def test_another_process_reads_what_is_there_and_mends_what_is_not(folder):
    """A step, its epoch and their kernels."""
    made, expected = json.loads(answer(process(TRAINED, folder)))
    kinds = {name.split("_")[1] for name in made}
    assert kinds == {"step", "epoch", "kernel", "tile", "barrier"}
    assert json.loads(answer(process(TRAINED, folder))) == [[], expected]
    for path in files(folder):
        path.write_bytes(b"")
    assert json.loads(answer(process(TRAINED, folder))) == [made, expected]


def test_two_processes_may_compile_the_same_at_once(folder):
    """Both are right, and what they leave is whole."""
    both = [process(TRAINED, folder) for _ in range(2)]
    first, second = (json.loads(answer(running))[1] for running in both)
    assert first == second
    assert [path.suffix for path in folder.iterdir()] == [".o"] * len(files(folder))
    assert json.loads(answer(process(TRAINED, folder))) == [[], first]


def test_threads_that_ask_at_once_compile_once(folder, monkeypatch):
    plain, made, found = Target.object_code, [], []

    def slow(self, text):
        made.append(text)
        time.sleep(0.05)
        return plain(self, text)

    monkeypatch.setattr(Target, "object_code", slow)
    threads = [threading.Thread(target=lambda: found.append(added(8))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [9.0] * 4
    assert len(made) == 1


# Folders that cannot be used ---------------------------------------------------------------------

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
print(len(list(cache._writable(cache.folder()).iterdir())))
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
    told, place, count = answer(process(limit + ELSEWHERE, wanted)).splitlines()
    assert told.startswith(f"RuntimeWarning {wanted} cannot be written to (")
    assert "temporary folder" in told
    assert "PULLBACK_CACHE" in told
    assert int(count) >= 3
    assert not Path(place).exists()


COMPILE = """
import time
from pullback.engines.native import cache
from tests.engines.native.test_store import added, file_of, loop
end = time.monotonic() + 1.0
rounds = 0
while rounds < 10 or time.monotonic() < end:
    assert added(1000 + rounds) == 1001.0 + rounds
    rounds += 1
print(rounds)
"""


def test_clearing_while_another_process_compiles_does_it_no_harm(folder):
    other = process(COMPILE, folder)
    freed = 0
    while other.poll() is None:
        freed += cache.clear()
    assert int(answer(other)) >= 10
    assert freed > 0

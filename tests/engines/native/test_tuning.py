"""A machine is measured once; the choice that follows from it is kept, and changes no bit."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from tests.engines.native.test_store import answer, files, process

from pullback.cli import main
from pullback.engines.native import cache, target, trial, tuning
from pullback.engines.native.kernels.product import PAGE, pays
from pullback.engines.native.kernels.tile import shapes
from pullback.engines.native.target import Tuning


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path))
    monkeypatch.setenv("PULLBACK_TUNE", "1")
    tuning.kept.cache_clear()
    yield tmp_path
    tuning.kept.cache_clear()


def test_it_is_measured_once_and_kept(folder, monkeypatch):
    assert tuning.host() == target.host()
    monkeypatch.setattr(trial, "measured", lambda plain: Tuning(packed=7, half=False))
    trial.tune()
    assert tuning.host() == replace(target.host(), tuning=Tuning(7, False))
    monkeypatch.setattr(trial, "measured", lambda plain: Tuning(packed=8))
    trial.tune()
    assert tuning.host().tuning == Tuning(7, False)
    assert [path.name.split("_")[1] for path in files(folder)] == ["tuning"]
    assert cache.contents()[:2] == (0, 0)


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"name": 3}\n[]'])
def test_what_is_damaged_is_measured_again(folder, monkeypatch, damage):
    tuning.keep(target.host(), Tuning(packed=7))
    (path,) = files(folder)
    path.write_bytes(damage)
    tuning.kept.cache_clear()
    assert tuning.host().tuning == Tuning()
    monkeypatch.setattr(trial, "measured", lambda plain: Tuning(packed=9))
    trial.tune()
    assert tuning.host().tuning == Tuning(packed=9)


def test_what_another_version_kept_is_not_taken(folder):
    plain = target.host()
    cache.write(tuning._name(plain), [], b'{"tiles": 3}', repr(plain))
    assert tuning.kept(plain) is None


def test_a_fixed_choice_is_asked_for(folder, monkeypatch):
    tuning.keep(target.host(), Tuning(packed=7))
    monkeypatch.setenv("PULLBACK_TUNE", "0")
    monkeypatch.setattr(trial, "measured", lambda plain: pytest.fail("it is not wanted"))
    trial.tune()
    assert tuning.host() == target.host()


def test_trials_tell_what_pays(monkeypatch):
    """With a copy 10 + 2 rows, without one 3 rows: it pays from 10 on."""
    rows = trial.ROWS
    answers = iter([[10 + 2 * rows, 3 * rows, 10], [1.0, 0.7]])
    monkeypatch.setattr(trial, "_shortest", lambda *runs: next(answers))
    assert trial.measured(target.host()) == Tuning(packed=10, half=True)
    answers = iter([[10 + 3 * rows, 3 * rows, 10], [1.0, 0.9]])
    assert trial.measured(target.host()) == Tuning(packed=trial.NEVER, half=False)
    answers = iter([[10 + 2 * rows, 1e9 * rows, 1e-9], [1.0, 0.9]])
    assert trial.measured(target.host()).packed == 1


def test_the_choice_follows():
    plain = replace(target.host(), vector=64, registers=32)
    halves, wholes = (shapes(replace(plain, tuning=Tuning(half=half))) for half in (True, False))
    assert [tile.bytes for _, tile in halves.covering(24, "f4")] == [64, 32]
    assert [tile.columns for _, tile in wholes.covering(24, "f4")] == [32]
    tuned = replace(plain, tuning=Tuning(packed=100))
    far, near = (PAGE // 4, 1), (PAGE // 4 - 1, 1)
    assert [pays(tuned, "f4", m, far) for m in (99, 100)] == [False, True]
    assert not pays(tuned, "f4", 100, near)


MEASURED = """
import json, sys, time
from dataclasses import asdict
import pullback as pb
from pullback.engines.native import tuning
from pullback.engines.native.engine import Native
from tests.engines.native.test_tuning import trained
start = time.perf_counter()
from pullback.engines.native import trial
trial.tune()
spent = time.perf_counter() - start
print(json.dumps([spent, asdict(tuning.host().tuning), trained()]))
"""


def trained():
    """The bits of a small convolutional network after a few steps, as text."""
    import pullback as pb
    from pullback.engines.native.engine import Native

    rng = np.random.default_rng(0)
    x = pb.Unit(rng.normal(size=(6, 6, 6, 3)).astype("f4"), "x")
    w = pb.Unit(rng.normal(size=(3, 3, 3, 24)).astype("f4"), "w")
    v = pb.Unit(rng.normal(size=(24 * 36, 1030)).astype("f4") * 0.01, "v")
    hidden = pb.tanh(pb.convolve(x, w, padding=1)).reshape(6, -1)
    loss = pb.mean(pb.tanh(hidden @ v) ** 2)
    by_w, by_v = pb.gradient(loss, [w, v])
    step = Native(pb.Program({}, {"loss": loss}, {w: w - 0.1 * by_w, v: v - 0.1 * by_v}))
    return [float(step()["loss"]).hex() for _ in range(3)] + [w.value.tobytes().hex()]


def test_another_process_finds_it_and_its_bits_are_the_same(folder):
    spent, first, bits = json.loads(answer(process(MEASURED, folder)))
    assert spent < 5.0  # a quarter of a second, where nothing else runs
    again, found, same = json.loads(answer(process(MEASURED, folder)))
    assert again < spent
    assert (found, same) == (first, bits)
    for other in (Tuning(1, half=not first["half"]), Tuning(trial.NEVER, half=first["half"])):
        tuning.keep(target.host(), other)
        _, found, same = json.loads(answer(process(MEASURED, folder)))
        assert (found, same) == (asdict(other), bits)


def test_the_command_shows_it(folder, monkeypatch, capsys):
    def told(*arguments):
        monkeypatch.setattr("sys.argv", ["pullback", "cache", *arguments])
        with pytest.raises(SystemExit):
            main()
        return capsys.readouterr().out

    assert "measured" not in told()
    assert json.loads(told("--json"))["measured"] == []
    tuning.keep(target.host(), Tuning(packed=1234, half=False))
    assert "copies of panels pay from 1,234 rows on, half vectors do not pay" in told()
    assert json.loads(told("--json"))["measured"] == [{"packed": 1234, "half": False}]
    (path,) = files(folder)
    head = path.read_bytes().partition(b"\n")[0]
    for content in (b"", head, head + b'\n{"tiles": 3}', head + b"\n[]", head + b"\nnull"):
        path.write_bytes(content)
        assert json.loads(told("--json"))["measured"] == []
        assert "measured" not in told()


AGAIN = """
import json
from pullback.engines.native import compile
from pullback.engines.native.target import Target
from tests.engines.native.test_tuning import trained
plain, compiled, passes, made = Target.object_code, compile.compile, [], []
Target.object_code = lambda self, text: (made.append(1), plain(self, text))[1]
compile.compile = lambda *given: (passes.append(1), compiled(*given))[1]
print(json.dumps([len(passes), trained(), len(made), len(passes)]))
"""


def test_what_the_first_process_kept_after_it_measured_is_all_that_the_second_needs(folder):
    """Some functions are loaded by the trial, before it is known what comes of it."""
    _, bits, made, passes = json.loads(answer(process(AGAIN, folder)))
    assert made > 5
    assert passes == 1
    assert json.loads(answer(process(AGAIN, folder))) == [0, bits, 0, 0]

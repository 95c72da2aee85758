"""`pullback train --checkpoint FOLDER --resume`: of any data, the run as if never interrupted."""

import json

import numpy as np
import pytest
from PIL import Image
from tests.cli.command import fast, run

import pullback as pb


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A little of each kind of data, and the options that make short work of it."""
    root, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    rows = [f"{x:.3f},{y:.3f},{'ab'[int(x > y)]}" for x, y in rng.normal(size=(60, 2))]
    (root / "table.csv").write_text("\n".join(["a,b,kind", *rows]))
    (root / "rhyme.txt").write_text("the cat sat on the mat, and the rat sat on the cat.\n" * 20)
    for name, top in (("light", 150), ("dark", 0)):
        (root / name).mkdir()
        for k in range(10):
            pixels = rng.integers(top, top + 100, (6, 6), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{k}.png")
    return {
        "table": (root / "table.csv", "--hidden", 4),
        "pictures": (root, "--model", "linear", "--size", 6),
        "text": (root / "rhyme.txt", "--hidden", 4, "--steps", 8),
    }


def outcome(done):
    """What was printed as JSON, but for what is measured by a clock."""
    assert done.returncode == 0, done.stderr
    clocked = ("seconds", "rate", "per_second", "saved")

    def timeless(thing):
        if isinstance(thing, dict):
            return {k: timeless(v) for k, v in thing.items() if not any(c in k for c in clocked)}
        return [timeless(x) for x in thing] if isinstance(thing, list) else thing

    return timeless(json.loads(done.stdout))


@pytest.mark.parametrize("kind", ["table", "pictures", "text"])
def test_a_run_of_any_data_goes_on(kind, given, tmp_path):
    told = (*given[kind], "--batch-size", 8, "--json")
    whole = outcome(fast(*told))
    kept = (*told, "--checkpoint", tmp_path / "run")
    first = fast(*kept)
    assert outcome(first) == whole
    assert first.stderr == ""
    folder = pb.Checkpoints(tmp_path / "run")
    assert [(x.epoch, x.batches) for x in folder.entries().values()] == [(1, 0), (2, 0)]
    done = fast(*kept, "--resume")
    assert outcome(done) == whole
    assert "is finished: completed, after 2 epochs" in done.message
    folder.files[1].unlink()  # as if it had been killed before
    done = fast(*kept, "--resume")
    assert outcome(done) == whole
    assert "training goes on after 1 epoch, from" in done.message


def test_a_run_that_never_began_begins(given, tmp_path):
    told = (*given["table"], "--json", "--checkpoint", tmp_path / "run")
    done = fast(*told, "--resume")
    assert f"there is no checkpoint in {tmp_path / 'run'}: training begins anew" in done.message
    assert outcome(done) == outcome(fast(*given["table"], "--json"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seed", 1], "--seed of the run in {} was 0, and is now 1; go on with it as it was"),
        (["--hidden", 5], "--hidden of the run in {} was (4,), and is now (5,)"),
        (["--optimizer", "Adam"], "--optimizer of the run in {} was 'SGD', and is now 'Adam'"),
        (["--class-weights", "balanced"], "--class-weights of the run in {} was"),
        (
            ["--target", "a"],
            "the loss of the run in {} was "
            "BinaryCrossEntropy(label_smoothing=0.0, class_weights=None), and",
        ),
    ],
)
def test_other_options_are_refused_by_name(options, message, given, tmp_path):
    told = (*given["table"], "--checkpoint", tmp_path / "r")
    assert fast(*told).returncode == 0
    done = fast(*told, *options, "--resume")
    assert done.returncode == 2
    assert message.format(tmp_path / "r") in done.message


def test_what_cannot_be_kept_is_refused(given, tmp_path):
    table = given["table"]
    done = fast(*table, "--resume")
    assert done.returncode == 2
    assert "--resume goes on with a run in a folder: name it, as --checkpoint" in done.message
    done = fast(*table, "--checkpoint", table[0])
    assert done.returncode == 2
    assert "cannot make the folder" in done.message
    kept = (*table, "--checkpoint", tmp_path)
    assert fast(*kept).returncode == 0
    done = fast(*kept)
    assert done.returncode == 2
    assert "holds checkpoints of another run; go on with that one, by" in done.message
    assert "--resume" in run("train", "--help").stdout

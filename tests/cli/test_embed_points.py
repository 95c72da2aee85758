"""The command line on points: data of every kind become a map, and mistakes end before work."""

import json
import os
import signal

import numpy as np
import pytest
from PIL import Image
from tests.cli.command import run
from tests.maps.test_page import Held

from pullback.cli.embed_points import _trust
from pullback.maps.steps import Descent

RNG = np.random.default_rng(0)


def embed(*arguments, **how):
    return run("embed", "points", "--iterations", 6, *arguments, **how)


def held(path):
    return Held(path.read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_set_of_the_library(tmp_path):
    done = embed("digits", "--max-points", 50, "--save", "a.html", "--save", "a.svg")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1,797 handwritten digits")
    assert "50 points of 64 numbers" in done.stdout
    assert "note: drawn by chance, 50 of 1,797 points are mapped" in done.stdout
    assert "t-SNE     perplexity 16, euclidean distances, 6 iterations, seed 0" in done.stdout
    assert "KL divergence" in done.stdout
    assert "trust     0." in done.stdout
    assert "saved     a.html, " in done.stdout
    page = held(tmp_path / "a.html")
    assert page.facts["title"] == "digits"
    assert page.facts["count"] == 50
    assert set(page.facts["classes"]) <= set("0123456789")
    assert page.facts["pictures"]["height"] == 8
    assert len(page.facts["frames"]) == 6
    assert any("says little" in note for note in page.facts["notes"])
    assert (tmp_path / "a.svg").stat().st_size > 1000


def test_a_table(tmp_path):
    rows = ["Name;weight;colour;kind"]
    rows += [
        f"n{k};{k % 7},5;{('red', 'blue')[k % 2]};{('cat', 'dog', '')[k % 3]}" for k in range(30)
    ]
    (tmp_path / "pets.csv").write_text("\n".join(rows))
    done = embed("pets.csv", "--label", "kind", "--seed", 3)
    assert done.returncode == 0, done.stderr
    assert "note: cells are separated by semicolons" in done.message + done.stdout
    assert "note: mapped by 2 columns: weight, colour" in done.stdout
    assert "note: columns of numbers are scaled to spread 1" in done.stdout
    assert "note: column 'Name' is taken as --name, by its name" in done.stdout
    facts = held(tmp_path / "map.html").facts
    assert facts["names"][:2] == ["n0", "n1"]
    assert facts["classes"] == ["cat", "dog"]
    assert facts["unlabelled"] == 10
    assert facts["labels"] == "kind"


def test_columns_in_their_own_units(tmp_path):
    """A wide column leads where it is not scaled: the groups of a narrow one come together."""
    wide, narrow = np.repeat([0.0, 1000.0], 20), np.tile([0.0, 1.0], 20)
    noise = RNG.normal(size=(2, 40)) * [[100.0], [0.01]]
    rows = np.column_stack([wide + noise[0], narrow + noise[1]])
    lines = [f"{a:.4f},{b:.4f},{'ab'[int(k >= 20)]}" for k, (a, b) in enumerate(rows)]
    (tmp_path / "a.csv").write_text("wide,narrow,side\n" + "\n".join(lines))
    apart = []
    for options, said in (((), "scaled"), (("--no-scale",), "not scaled")):
        done = embed("a.csv", "--iterations", 300, "--save", "a.npy", *options)
        assert done.returncode == 0, done.stderr
        assert f"note: columns of numbers are {said} to spread 1" in done.stdout
        y = np.load(tmp_path / "a.npy")
        nearest = np.argsort(np.square(y[:, None] - y).sum(axis=2), axis=1)[:, 1:6]
        apart.append((narrow[nearest] == narrow[:, None]).mean())
    assert apart[0] > 0.9 > 0.75 > apart[1]


def test_words_of_training_are_not_said_and_positions_go_on(tmp_path):
    rows = "".join(f"{k % 7},{'' if k == 3 else k},1\n" for k in range(30))
    (tmp_path / "a.csv").write_text("p,q,same\n" + rows)
    done = embed("a.csv", "--save", "b.csv", "--exaggeration", 4, "--learning-rate", 20)
    assert done.returncode == 0, done.stderr
    assert "training" not in done.stdout
    assert done.stdout.count("left out") == 1
    assert (tmp_path / "b.csv").read_text().startswith("x,y\n")


def test_a_column_of_few_texts_is_the_label_and_coordinates_are_none(tmp_path):
    rows = "".join(f"{k % 7},{k},{('cat', 'dog')[k % 2]}\n" for k in range(30))
    (tmp_path / "a.csv").write_text("x,y,species\n" + rows)
    done = embed("a.csv")
    assert done.returncode == 0, done.stderr
    assert "mapped by 2 columns: x, y" in done.stdout
    assert "column 'species' is taken as --label, the only one of few texts" in done.stdout
    assert held(tmp_path / "map.html").facts["classes"] == ["cat", "dog"]


def test_ctrl_c_before_the_first_iteration_saves_nothing(tmp_path, monkeypatch):
    def interrupted(self, x):
        raise KeyboardInterrupt

    monkeypatch.setattr("pullback.maps.TSNE.fit_transform", interrupted)
    done = embed("iris")
    assert done.returncode == 130
    assert "interrupted before the first iteration: nothing is saved" in done.message
    assert not (tmp_path / "map.html").exists()


def test_arrays(tmp_path):
    x = RNG.integers(0, 256, (20, 5, 4), np.uint8)
    np.savez("a.npz", images=x, y=RNG.normal(size=20), names=np.array([f"p{k}" for k in range(20)]))
    assert embed("a.npz", "--json").returncode == 0
    page = held(tmp_path / "map.html")
    assert page.facts["pictures"]["width"] == 4
    assert page.facts["names"][19] == "p19"
    assert "quantities" in page.facts["arrays"]
    np.save("b.npy", x.reshape(20, 20).astype(float))
    done = embed("b.npy", "--json", "--save", "b.html")
    told = json.loads(done.stdout)
    assert (told["points"], told["iterations"], told["saved"]) == (20, 6, ["b.html"])
    assert held(tmp_path / "b.html").facts["names"] is None


def test_distances():
    places = RNG.normal(size=(40, 2))
    np.save("d.npy", np.linalg.norm(places[:, None] - places, axis=2))
    done = embed("d.npy", "--metric", "precomputed", "--init", "random")
    assert done.returncode == 0, done.stderr
    assert "trust     " in done.stdout


def test_trust_is_the_same_far_from_zero():
    x = np.round(RNG.normal(size=(60, 20)) * 64.0) / 64.0
    y = x[:, :2].copy()
    near, far = (_trust(points, y, "euclidean", 0)[0] for points in (x, x + 1e9))
    assert far == pytest.approx(near, abs=1e-9)


def test_word_vectors(tmp_path):
    lines = [f"w{k} {' '.join(f'{x:.3f}' for x in RNG.normal(size=4))}" for k in range(40)]
    (tmp_path / "words.txt").write_text("\n".join(["40 4", *lines]))
    done = embed("words.txt", "--max-points", 30)
    assert done.returncode == 0, done.stderr
    assert "the first 30 of 40 points are mapped" in done.stdout
    assert "cosine distances" in done.stdout
    assert held(tmp_path / "map.html").facts["names"] == [f"w{k}" for k in range(30)]


@pytest.mark.parametrize("classes", [("",), ("cat", "dog")])
def test_folders_of_pictures(tmp_path, classes):
    for name in classes:
        (tmp_path / "shots" / name).mkdir(parents=True)
        for k in range(12):
            pixels = RNG.integers(0, 256, (6, 6, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "shots" / name / f"{k}.png")
    done = embed("shots", "--size", 5)
    assert done.returncode == 0, done.stderr
    facts = held(tmp_path / "map.html").facts
    assert facts["names"][0] == "0.png"
    assert facts.get("classes") == (["cat", "dog"] if classes[0] else None)
    assert facts["pictures"]["height"] == 5


def test_ctrl_c_keeps_the_map_so_far(tmp_path, monkeypatch):
    step, calls = Descent.__call__, []

    def interrupted(self, *arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return step(self, *arguments, **options)

    monkeypatch.setattr(Descent, "__call__", interrupted)
    done = embed("iris")
    assert done.returncode == 130
    assert "ended     after 3 iterations" in done.stdout
    assert held(tmp_path / "map.html").facts["last"]["iteration"] == 3


REFUSED = {
    "ending": (
        ["digits", "--save", "map.pdf"],
        "writes .html or .svg or .png or .csv",
    ),
    "folder": (["digits", "--save", "none/map.html"], "there is no folder"),
    "unknown": (["nowhere.csv"], "nowhere.csv"),
    "no data": (["digitz"], "no file or built-in set 'digitz'; built in are"),
    "text": (["shakespeare"], "holds sequences, which are no points"),
    "label": (
        ["a.npy", "--label", "x"],
        "--label is for columns of tables, and a.npy",
    ),
    "size": (["iris", "--size", "8"], "--size is for pictures in files"),
    "read": (["a.npy", "--decimal", "comma"], "how to read a file can be told of tables"),
    "column": (["a.csv", "--label", "z"], "'z'"),
    "few": (["digits", "--max-points", "2"], "--max-points is a whole number from 4 on, got 2"),
    "one": (["one.csv"], "one.csv has 1 point, and a map needs 4 at least"),
    "seed": (["iris", "--seed", "-1"], "--seed is a whole number from 0 to 4,294,967,295, got -1"),
    "threads": (["iris", "--threads", "0"], "--threads is a whole number from 1 on, got 0"),
    "iterations": (["iris", "--iterations", "-5"], "--iterations is a whole number from 0 on, got"),
    "metric": (["iris", "--metric", "cosin"], "no metric 'cosin'; did you mean 'cosine'?"),
    "bridge": (["iris", "--method", "barnes_hut"], "did you mean 'barnes-hut'?"),
    "distances": (["a.npy", "--metric", "precomputed", "--max-points", "4"], "says distances"),
    "flat": (["flat.npy"], "points are numbers of shape (N, features), got float64 of (3,)"),
    "objects": (["objects.npy"], "save arrays of numbers with numpy.save"),
    "which": (["two.npz"], "holds the arrays a, b; call the one to map x"),
    "one row": (["one.npy"], "one.npy has 1 point, and a map needs 4 at least"),
    "few labels": (["few.npz"], "2 labels for 5 points; give one for each"),
    "perplexity": (["digits", "--max-points", "9", "--perplexity", "50"], "perplexity"),
    "method": (["iris", "--method", "quick"], "'quick'"),
    "other": (["notes.md"], "what can be mapped are files named"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_mapped_is_refused(tmp_path, case):
    np.save("a.npy", np.zeros((5, 2)))
    np.save("flat.npy", np.zeros(3))
    np.save("objects.npy", np.array([{}], object))
    np.save("one.npy", np.zeros((1, 2)))
    np.savez("few.npz", x=RNG.normal(size=(5, 2)), y=np.zeros(2))
    np.savez("two.npz", a=np.zeros((5, 2)), b=np.zeros((5, 2)))
    (tmp_path / "a.csv").write_text("x,y\n" + "1,2\n3,4\n" * 6)
    (tmp_path / "one.csv").write_text("x,y\n1,2\n")
    (tmp_path / "notes.md").write_text("# notes")
    arguments, message = REFUSED[case]
    done = embed(*arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.message
    assert not (tmp_path / "map.html").exists()

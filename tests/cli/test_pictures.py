"""The command line on pictures: a folder of them, a list of them, a model of them."""

import csv
import io
import json
import os

import numpy as np
import pytest
from PIL import Image
from tests.cli.command import as_a_module, run

RNG = np.random.default_rng(0)


def drawn(top):
    picture = RNG.integers(0, 120, (12, 12), dtype=np.uint8)
    picture[:6] += np.uint8(120 * top)
    picture[6:] += np.uint8(120 * (not top))
    return Image.fromarray(picture)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    rows = ["file,label"]
    for name in ("bottom", "top"):
        (root / name).mkdir()
        for k in range(20):
            drawn(name == "top").save(root / name / f"{k}.png")
            rows.append(f"{name}/{k}.png,{name}")
    (root / "list.csv").write_text("\n".join(rows))
    return root


@pytest.fixture(scope="module")
def model(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "halves.safetensors"
    done = run(
        "train", folder, "--model", "lenet", "--size", 28, "--epochs", 4, "--augment", "flip",
        "--save", path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return path, done.stdout


def test_a_folder_is_trained_on_and_reported(model):
    _, said = model
    assert "40 pictures of 28 x 28, grey: 28 to train on, 4 to validate, 8 to test" in said
    assert "2 classes: bottom, top" in said
    assert "RandomFlip()" in said
    assert "softmax regression of the pixels" in said
    assert "pictures a second" in said


def test_a_list_is_trained_on(folder):
    told = ("--model", "linear", "--epochs", 2, "--learning-rate", "find", "--json")
    done = run("train", folder / "list.csv", *told)
    assert done.returncode == 0, done.stderr
    plain = json.loads(done.stdout)
    assert "find" not in plain["model"]["optimizer"]  # but the rate that was found
    assert plain["classes"] == ["bottom", "top"]
    assert plain["pictures"] == {"train": 28, "validation": 4, "test": 8}
    assert any("files are in column 'file'" in note for note in plain["notes"])


def test_pictures_and_folders_are_predicted(model, folder, tmp_path):
    path, _ = model
    done = run("predict", path, folder / "top" / "3.png", folder / "bottom")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["file"] for row in rows[:2]] == [
        str(folder / "top" / "3.png"), str(folder / "bottom" / "0.png")
    ]  # fmt: skip
    assert len(rows) == 21
    for row in rows:
        shares = float(row["probability bottom"]), float(row["probability top"])
        assert sum(shares) == pytest.approx(1.0, abs=1e-5)
        assert row["prediction"] == ("bottom", "top")[int(np.argmax(shares))]
    done = run("predict", path, folder, "--json")
    assert len(json.loads(done.stdout)["rows"]) == 40
    out = tmp_path / "answers.csv"
    done = run("predict", path, folder, "--output", out)
    assert "40 predictions written" in done.stderr
    assert "by the folders of 40 pictures: accuracy " in done.stderr
    assert len(out.read_text().splitlines()) == 41


def test_files_whose_names_are_no_text_are_predicted_and_reported(model, folder, tmp_path):
    for name in ("bottom", "top"):
        (tmp_path / "odd" / name).mkdir(parents=True)
        for k in range(10):
            (tmp_path / "odd" / name / f"{k}.png").write_bytes(
                (folder / name / f"{k}.png").read_bytes()
            )
            at = os.fsencode(tmp_path / "odd" / name)
            try:
                os.rename(at + b"/%d.png" % k, at + b"/\xe9%d.png" % k)
            except OSError:
                pytest.skip("this file system takes text alone")
    for options in ((), ("--json",), ("--output", tmp_path / "o.csv")):
        done = run("predict", model[0], tmp_path / "odd", *options)
        assert done.returncode == 0, done.stderr
    done = run("predict", model[0], tmp_path / "odd" / "top")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert rows[3]["file"].endswith(r"\udce93.png")
    done = run("train", tmp_path / "odd", "--model", "linear", "--epochs", 1, "--seed", 1)
    assert done.returncode == 0, done.stderr


def test_a_model_of_pictures_is_described(model):
    path, _ = model
    done = run("describe", path)
    assert done.returncode == 0, done.stderr
    assert "tells 2 classes of pictures apart, of 28 x 28, grey" in done.stdout
    assert "lenet: Adam(" in done.stdout
    plain = json.loads(run("describe", path, "--json").stdout)
    assert plain["pictures"] == {
        "height": 28, "width": 28, "channels": 1, "how": "crop", "classes": ["bottom", "top"]
    }  # fmt: skip
    assert plain["metrics"][2]["pictures"] == 8


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--layer", "conv2d2"],
        ["PICTURE"],
        ["PICTURE", "--layer", "dense1"],
        ["PICTURE", "--what", "gradients", "--label", "top", "--layer", "conv2d1"],
        ["PICTURE", "--what", "saliency"],
        ["PICTURE", "--what", "occlusion", "--label", "bottom"],
        ["--what", "excite"],
        ["--what", "excite", "--unit", "3", "--layer", "conv2d1"],
    ],
)
def test_what_a_model_sees_is_drawn(model, folder, options, tmp_path):
    path, _ = model
    picture = folder / "top" / "0.png"
    save = tmp_path / "seen.png"
    done = run("show", path, *[picture if x == "PICTURE" else x for x in options], "--save", save)
    assert done.returncode == 0, done.stderr
    assert f"written to {save}" in done.stdout
    with Image.open(save) as seen:
        assert min(seen.size) > 200
        assert len(seen.convert("L").getcolors(256)) > 10


def test_a_process_of_its_own_draws_what_a_model_sees(model, folder, tmp_path):
    save = tmp_path / "seen.png"
    done = as_a_module("show", model[0], folder / "top" / "0.png", "--save", save)
    assert (done.returncode, done.stderr) == (0, "")
    assert save.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "FOLDER", "--target", "x"], "--target is for tables, and these are pictures"),
        (["train", "FOLDER", "--loss", "Huber"], "--loss is for tables"),
        (["train", "FOLDER", "--separator", ";"], "how to read a file can be told of tables"),
        (["train", "iris", "--augment", "flip"], "--augment is for pictures, and this is a table"),
        (["train", "iris", "--size", "8"], "--size is for pictures"),
        (["train", "FOLDER", "--size", "big"], "--size is a height and width in pixels"),
        (["train", "FOLDER", "--model", "svm"], "there is no model 'svm'; there are: linear, mlp"),
        (["train", "FOLDER", "--model", "vgg", "--size", "4"], "does not take pictures of 4 x 4"),
        (["train", "FOLDER/top"], "FOLDER/top"),
        (["predict", "MODEL", "FOLDER/none.png"], "none.png: there is no such file"),
        (["predict", "MODEL", "FOLDER/list.csv"], "list.csv"),
        (["show", "MODEL", "--what", "saliency"], "--what saliency needs a picture"),
        (["show", "MODEL", "FOLDER/top/0.png", "--what", "filters"], "takes no picture"),
        (["show", "MODEL", "--layer", "conv9"], "the model has no layer 'conv9'"),
        (["show", "MODEL", "--what", "excite", "--unit", "cat"], "there is no class 'cat'"),
        (["show", "MODEL", "--what", "excite", "--layer", "conv2d1"], "say --unit NUMBER"),
        (["show", "MODEL", "--what", "dreams"], "there is no thing to show 'dreams'"),
        (["show", "MODEL", "--save", "seen.txt"], "--save"),
    ],
)
def test_mistakes_are_told_in_a_sentence(model, folder, arguments, message, tmp_path, monkeypatch):
    texts = [
        str(x).replace("FOLDER", str(folder)).replace("MODEL", str(model[0])) for x in arguments
    ]
    monkeypatch.chdir(tmp_path)
    done = run(*texts)
    assert done.returncode != 0
    said = " ".join(done.stderr.split())
    assert message.replace("FOLDER", str(folder)) in said
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_an_unreadable_picture_is_named_before_training(folder, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        drawn(name == "a").save(tmp_path / name / "good.png")
    (tmp_path / "b" / "cut.png").write_bytes((folder / "top" / "0.png").read_bytes()[:60])
    done = run("train", tmp_path)
    assert done.returncode != 0
    assert "cut.png" in "".join(done.stderr.split())
    assert "--skip-broken leaves it out" in " ".join(done.stderr.split())
    assert "model" not in done.stdout
    drawn(False).save(tmp_path / "b" / "good2.png")
    drawn(True).save(tmp_path / "a" / "good2.png")
    done = run("train", tmp_path, "--skip-broken", "--model", "linear", "--epochs", 1)
    assert "parts needs one" in done.stderr or done.returncode == 0, done.stderr

"""A study of pictures, from a recipe to a file and back."""

import json

import numpy as np
import pytest
from PIL import Image

import pullback as pb
from pullback.images import Pictures, read_folder
from pullback.images.recipe import AUGMENTATIONS, MODELS, PictureRecipe, prepared, standardized
from pullback.images.study import PictureStudy
from pullback.images.trained import TrainedPictures, holds_pictures
from pullback.layers.storage import read_about


def pictures(rows=60, size=(8, 8), channels=1, seed=0, **more):
    """Bright tops or bright bottoms, in noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(rows) % 2
    images = rng.integers(0, 120, (rows, *size, channels)).astype(np.uint8)
    half = size[0] // 2
    images[labels == 0, :half] += 120
    images[labels == 1, half:] += 120
    return Pictures("halves", images, labels, ("top", "bottom"), "halves of noise", **more)


QUICK = {"epochs": 6, "engine": "eager", "learning_rate": 0.01, "batch_size": 8}


@pytest.fixture(scope="module")
def outcome():
    recipe = PictureRecipe(model="mlp", hidden=(8,), **QUICK).checked()
    return PictureStudy.of(pictures(), recipe).train(progress=False)


def test_what_is_learned_is_measured_on_pictures_of_its_own(outcome):
    parts = outcome.study.parts
    assert [len(parts[name]) for name in ("train", "validation", "test")] == [42, 6, 12]
    places = np.concatenate([part.places for part in parts.values()])
    assert sorted(places) == list(range(60))
    by_part = {metric.part: metric for metric in outcome.metrics}
    assert by_part["test"].model == 1.0
    assert by_part["test"].trivial == 0.5
    assert by_part["test"].linear > 0.8
    assert outcome.confusion.tolist() == [[6, 0], [0, 6]]
    assert outcome.mistakes == ()


def test_parts_that_the_set_brings_are_taken_as_they_are():
    data = pictures(test=pictures(10, seed=1), validation=pictures(6, seed=2))
    study = PictureStudy.of(data, PictureRecipe(model="linear").checked())
    assert [len(part) for part in study.parts.values()] == [60, 6, 10]
    data = pictures(test=pictures(10, seed=1))
    study = PictureStudy.of(data, PictureRecipe(model="linear").checked())
    assert [len(part) for part in study.parts.values()] == [52, 8, 10]


def test_mistakes_are_the_most_confident_ones(outcome):
    found = outcome.probabilities["test"][:, ::-1]  # all wrong
    twisted = type(outcome)(outcome.done, outcome.study, {"test": found})
    assert len(twisted.mistakes) == 8
    sure = [mistake.confidence for mistake in twisted.mistakes]
    assert sure == sorted(sure, reverse=True)
    assert sure[0] == pytest.approx(found.max())
    labels = outcome.study.data.labels
    for mistake in twisted.mistakes:
        assert mistake.label == ("top", "bottom")[labels[mistake.place]] != mistake.prediction


def test_a_file_answers_as_the_study_did(outcome, tmp_path):
    path = tmp_path / "halves.safetensors"
    outcome.trained.save(path)
    trained = TrainedPictures.load(path)
    assert trained.record == outcome.trained.record
    assert trained.classes == ("top", "bottom")
    test = outcome.study.parts["test"]
    np.testing.assert_allclose(
        trained.probabilities(test.images), outcome.probabilities["test"], rtol=1e-5
    )
    Image.fromarray(test.images[0, :, :, 0]).save(tmp_path / "one.png")
    large = Image.fromarray(test.images[0, :, :, 0]).resize((32, 32)).convert("RGB")
    large.save(tmp_path / "large.jpg")
    found = trained.predict([tmp_path / "one.png", tmp_path / "large.jpg"])
    np.testing.assert_allclose(found[0], outcome.probabilities["test"][0], rtol=1e-5)
    assert found[1].argmax() == found[0].argmax()
    assert trained.predict([]).shape == (0, 2)


def test_a_file_is_seen_as_it_would_be_trained_on(outcome, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (300, 200, 3), dtype=np.uint8)
    for name in ("a/1.jpg", "b/2.jpg"):
        (tmp_path / name).parent.mkdir()
        Image.fromarray(pixels).save(tmp_path / name)
    trained = outcome.trained
    kind = trained.kind
    data = read_folder(tmp_path, (kind.height, kind.width), kind.channels)
    np.testing.assert_array_equal(trained.picture(tmp_path / "a/1.jpg"), data.inputs[0])


def test_a_file_is_a_file_of_layers_too(outcome, tmp_path):
    path = tmp_path / "halves.safetensors"
    outcome.trained.save(path)
    assert isinstance(pb.Layer.load(path), pb.Sequential)


def test_files_that_are_damaged_or_foreign_are_refused(outcome, tmp_path):
    path = tmp_path / "layers.safetensors"
    outcome.study.plan.model.save(path)
    with pytest.raises(pb.CircuitError, match="holds no model of pictures"):
        TrainedPictures.load(path)
    assert not holds_pictures(read_about(path)[1])
    for field, value in (("classes", ["top"]), ("channels", 3), ("how", "fold"), ("height", -1)):
        about = outcome.trained
        bent = type(about)(
            about.model, type(about.kind)(**{**vars(about.kind), field: value}), about.record
        )
        bent.save(path)
        with pytest.raises(pb.CircuitError, match="damaged"):
            TrainedPictures.load(path)


def test_all_of_it_is_plain_data(outcome):
    plain = outcome.to_json_dict(None)
    assert json.loads(json.dumps(plain)) == plain
    assert plain["test_accuracy"] == 1.0
    assert plain["shape"] == [8, 8, 1]
    assert plain["metrics"]["trivial"]["test"] == {"accuracy": 0.5}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_model_takes_pictures_of_32_pixels(model, channels):
    data = pictures(4, (32, 32), channels)
    plan = prepared(PictureRecipe(model=model).checked(), data)
    assert plan.model(data.inputs).shape == (4, 2)


@pytest.mark.parametrize("model", ["lenet", "convnet", "vgg", "alexnet"])
def test_a_model_that_is_too_large_for_the_pictures_says_so(model):
    with pytest.raises(
        pb.CircuitError, match=f"the model '{model}' does not take pictures of 3 x 3"
    ):
        prepared(PictureRecipe(model=model).checked(), pictures(4, (3, 3)))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_every_augmentation_trains(name):
    recipe = PictureRecipe(model="linear", augment=(name, "mixup"), **{**QUICK, "epochs": 1})
    study = PictureStudy.of(pictures(20), recipe.checked())
    assert study.plan.mixup == 0.2
    assert study.train(progress=False).history.ended == "completed"


def test_channels_are_brought_to_mean_zero_and_deviation_one():
    data = pictures(30, channels=3)
    data.images[..., 2] = 7  # nothing in it
    y = standardized(data)(data.inputs).value
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0.0, atol=1e-4)
    np.testing.assert_allclose(y.std((0, 1, 2)), [1.0, 1.0, 0.0], atol=1e-4)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"model": "transformer"},
            "there is no model 'transformer'; there are: linear, mlp, lenet",
        ),
        ({"augment": ("twist",)}, "there is no augmentation 'twist'; there are: flip, shift"),
        ({"hidden": (3,)}, "--hidden is for hidden layers; the model 'convnet' has its own"),
        ({"model": "mlp", "dropout": 1.0}, "--dropout is a share from 0 to below 1, got 1.0"),
        ({"epochs": 0}, "--epochs is a whole number of at least 1, got 0"),
        ({"learning_rate": -1.0}, "--learning-rate is a number above 0"),
        ({"l2": -1.0}, "--l2 is a number of at least 0"),
        ({"optimizer": "Newton"}, "there is no optimizer 'Newton'"),
    ],
)
def test_what_nothing_could_be_learned_with_is_refused(more, message):
    with pytest.raises(pb.CircuitError, match=message):
        PictureRecipe(**more).checked()


def test_the_innermost_folder_of_the_name_of_a_class_tells_the_class(outcome):
    trained = outcome.trained
    assert trained.truth(["x/top/bottom/1.png", "top/2.png", "bottom/a/b/3.png"]).tolist() == [
        1, 0, 1
    ]  # fmt: skip
    assert trained.truth(["top/1.png", "elsewhere/2.png"]) is None
    assert trained.truth(["top.png"]) is None
    assert trained.truth([]).tolist() == []

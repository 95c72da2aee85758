"""Small runs, and their checkpoints one by one."""

import shutil
from pathlib import Path

import numpy as np

import pullback as pb

RNG = np.random.default_rng(0)
X = RNG.normal(size=(31, 3))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
EPOCHS, SIZE = 3, 8  # four batches an epoch, the last of which is not full


def make(optimizer=None, engine="eager", model=None, **told):
    """A Trainer of a network with chance, state and a spring in it."""
    model = model or pb.Sequential(
        pb.Dense(4), pb.BatchNorm(), pb.ReLU(), pb.Dropout(0.3), pb.Dense(2), rng=1
    )
    told = {"penalties": [pb.L2(1e-3)], "seed": 3, **told}
    return pb.Trainer(
        model, pb.SoftmaxCrossEntropy(), optimizer or pb.Adam(0.01), engine=engine, **told
    )


def fit(trainer, epochs=EPOCHS, inputs=X, labels=Y, **told):
    told = {"batch_size": SIZE, "validation": 0.2, "progress": False, **told}
    return trainer.fit(inputs, labels, epochs=epochs, **told)


def numbers(trainer):
    return {name: np.copy(unit.value) for name, unit in trainer.named_sources.items()}


def assert_same_run(one, other):
    """Two Trainers and their histories are the same to the bit, but for how long they took."""
    (trainer, history), (again, story) = one, other
    timeless = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in x.rows]
        for x in (history, story)
    ]
    assert timeless[0] == timeless[1]
    assert history.ended == story.ended
    assert [_seen(row) for row in history.of_layers] == [_seen(row) for row in story.of_layers]
    before, after = numbers(trainer), numbers(again)
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(value, after[name], err_msg=name, strict=True)


def _seen(row):
    """What a monitor saw of a layer, as plain data."""
    histograms = {name: counts.tolist() for name, counts in row.histograms.items()}
    return row.epoch, row.layer, dict(row.measures), histograms


def every(folder, **told):
    """Checkpoints after every step, none of which is let go."""
    return pb.Checkpoints(folder, **{"steps": 1, "seconds": None, "keep": 10_000, **told})


def alone(file: Path, folder: Path) -> Path:
    """A folder in which one checkpoint is, as after a kill when it was the newest."""
    folder.mkdir()
    shutil.copy(file, folder)
    return folder

"""Any file at all is either a table to learn from or one sentence that says why not."""

import json

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.tables.csv_files import csv_files

import pullback as pb
from pullback.datasets import load_dataset
from pullback.tables import Preparation

SLOW = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def learned_or_refused(path):
    """The parts that the file gives, or the sentence that refuses it."""
    try:
        return load_dataset(path).split(0.7, 0.1, 0.2), None
    except pb.CircuitError as error:
        return None, str(error)


def checked(path):
    """Hold what a file gives to its promises; whether it gave a table."""
    parts, refusal = learned_or_refused(path)
    if parts is None:
        assert refusal
        assert "\n" not in refusal
        assert len(refusal) < 600
        return False
    for part in parts:
        assert len(part) == len(part.labels) > 0
        assert part.inputs.dtype == np.float32
        assert part.inputs.shape[1] == len(part.features) > 0
        assert np.isfinite(part.inputs).all()
        assert np.isfinite(part.labels).all()
        assert not part.classes or set(part.labels) <= set(range(len(part.classes)))
        assert all("\n" not in note for note in part.notes)
    preparation = parts[0].preparation
    loaded = Preparation.from_json_dict(json.loads(json.dumps(preparation.to_json_dict())))
    frame = load_dataset(path).frame
    np.testing.assert_array_equal(loaded.transform(frame)[0], preparation.transform(frame)[0])
    return True


def test_generated_files(tmp_path):
    given_tables = []

    @SLOW
    @given(csv_files())
    def check(data):
        path = tmp_path / "file.csv"
        path.write_bytes(data)
        given_tables.append(checked(path))

    check()
    assert 0.2 < np.mean(given_tables) < 0.95  # both ends are tested


@SLOW
@given(st.binary(max_size=200))
def test_arbitrary_bytes(tmp_path, data):
    for name in ("file.csv", "file.csv.gz", "file.parquet"):
        path = tmp_path / name
        path.write_bytes(data)
        assert not checked(path)

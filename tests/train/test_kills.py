"""A run that is killed at any moment loses nothing but the step in hand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tests

import pullback

KILLS = 50


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no system to fork on")
def test_kill_9_at_fifty_moments_loses_nothing(tmp_path):
    paths = [Path(module.__path__[0]).parent for module in (pullback, tests)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.train.killed", tmp_path, str(KILLS)],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "OPENBLAS_NUM_THREADS": "1",
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["same"]
    assert told["epochs"] == 12
    places = [tuple(place) for place in told["places"]]
    assert len(places) == KILLS
    assert places == sorted(places)  # no kill takes a run back
    assert len(set(places)) > KILLS // 5  # and they go on in between

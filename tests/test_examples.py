"""Every example runs, as a newcomer would run it."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example(path):
    run = subprocess.run(
        [sys.executable, "-W", "error", path], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout
    assert not run.stderr


def test_the_readmes_tour_runs(tmp_path):
    """The Python blocks of the README, one after another, as a reader would paste them."""
    text = (Path(__file__).parent.parent / "README.md").read_text()
    blocks = [block.split("```")[0] for block in text.split("```python\n")[1:]]
    script = "\n".join(blocks).replace("epochs=30", "epochs=2")
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr
    assert "dq = f * (1 - f) * df" in run.stdout
    assert (tmp_path / "digits.safetensors").exists()


def test_there_are_examples():
    assert len(EXAMPLES) >= 4

"""Every example runs, as a newcomer would run it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FETCHED = "fashion-mnist", "ewt", "sentence-polarity", "shakespeare", "spoken-digits"
"""Data sets that come from a folder or over the network."""
EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example(path):
    text = path.read_text()
    named = [name for name in FETCHED if f'load_dataset("{name}")' in text]
    if named and "PULLBACK_DATA" not in os.environ:
        pytest.skip(f"it needs PULLBACK_DATA, a folder with {named[0]}, or the network")
    quick = ["--quick"] * ("--quick" in text)
    run = subprocess.run(
        [sys.executable, "-W", "error", path, *quick], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout
    assert not run.stderr


SHORTENED = {
    r"(epochs|max_iter)=\d+": r"\1=1",
    r"clothes(\.test)?\.(inputs|images|labels)": r"clothes\1.\2[:1000]",
    r"play\.text": "play.text[:20_000]",
}
"""What a page trains on and for how long, and what is enough to see that it runs."""


def pasted(page, folder):
    """What the Python blocks of a page print, one after another, as a reader would paste them."""
    text = (Path(__file__).parent.parent / page).read_text()
    blocks = [block.split("```")[0] for block in text.split("```python\n")[1:]]
    if "PULLBACK_DATA" not in os.environ:  # or the network
        blocks = [block for block in blocks if not any(name in block for name in FETCHED)]
    script = "\n".join(blocks)
    for long, short in SHORTENED.items():
        script = re.sub(long, short, script)
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_readmes_tour_runs(tmp_path):
    assert "dq = f * (1 - f) * df" in pasted("README.md", tmp_path)
    assert (tmp_path / "digits.safetensors").exists()


def test_the_page_of_the_engine_prints_what_is_between_passes(tmp_path):
    assert "for each of (2, 3): exp, sum" in pasted("docs/engine.md", tmp_path)


def test_the_page_of_springs_finds_zeros_and_removes_them(tmp_path):
    printed = pasted("docs/regularization.md", tmp_path)
    assert "proximal=False: 0 of 20 weights are zero" in printed
    assert "in all" in printed
    assert printed.endswith("True\n")


def test_the_page_of_checkpoints_resumes_a_run(tmp_path):
    said = pasted("docs/checkpoints.md", tmp_path)
    assert "the same bits: True" in said
    assert (tmp_path / "runs" / "digits" / "index.json").exists()


def test_the_page_of_optimizers_runs(tmp_path):
    assert "SAM(Accumulate(Groups(Muon(" in pasted("docs/optimizers.md", tmp_path)


def test_the_page_of_the_doctor_finds_and_cures(tmp_path):
    said = pasted("docs/doctor.md", tmp_path)
    assert "1. learning rate too low (severe)" in said
    assert "it helps: validation loss" in said
    assert (tmp_path / "report.html").exists()


def test_there_are_examples():
    assert len(EXAMPLES) >= 4

"""`pullback cache`: what it says of a folder of compiled code, and what it deletes."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from pullback.cli import main


@pytest.fixture
def run(monkeypatch, capsys):
    """The command with its folder and options: its status, and what it wrote."""

    def run(folder, *arguments):
        monkeypatch.setenv("PULLBACK_CACHE", str(folder))
        monkeypatch.setattr(sys, "argv", ["pullback", "cache", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def as_json(run):
    def as_json(folder, *arguments):
        status, told, errors = run(folder, "--json", *arguments)
        assert (status, errors) == (0, "")
        return json.loads(told)

    return as_json


@pytest.fixture
def folder(tmp_path):
    """Two loops and a program as the library would keep them, and two files of someone else."""
    for k, kind in enumerate(("loop", "tile", "step")):
        path = tmp_path / f"pullback_{kind}_{k:024x}.o"
        path.write_bytes(bytes(1_000_000))
        os.utime(path, (86400 * (k + 1), 0))
    for name in FOREIGN:
        (tmp_path / name).write_text("keep")
    return tmp_path


FOREIGN = ["mine.o", "pullback_loop.py"]
BYTES = 3_000_000


def test_it_counts_what_is_there(folder, as_json):
    found = as_json(folder)
    used = datetime.fromisoformat(found.pop("last_used"))
    assert used == datetime(1970, 1, 4, tzinfo=UTC)
    assert found == {
        "folder": str(folder),
        "programs": 1,
        "loops": 2,
        "bytes": BYTES,
        "measured": [],
    }


def test_it_is_readable(folder, run):
    status, told, errors = run(folder)
    assert (status, errors) == (0, "")
    lines = [line.split("  ", 1) for line in told.splitlines()]
    day = datetime.fromtimestamp(3 * 86400)
    assert [[name, value.strip()] for name, value in lines] == [
        ["folder", str(folder)],
        ["holds", "1 program, 2 loops"],
        ["size", "3.0 MB"],
        ["last used", f"{day:%Y-%m-%d %H:%M}"],
    ]


def test_clear_frees_what_is_ours_and_nothing_else(folder, run, as_json):
    found = as_json(folder, "--clear")
    assert (found["freed_bytes"], found["bytes"], found["loops"]) == (BYTES, 0, 0)
    assert sorted(path.name for path in folder.iterdir()) == FOREIGN
    status, told, _ = run(folder, "--clear")
    assert status == 0
    assert "freed      0 bytes\n" in told


@pytest.mark.parametrize("arguments", [(), ("--clear",)])
def test_a_folder_that_is_not_there_or_empty_is_no_error(tmp_path, run, as_json, arguments):
    for folder in (tmp_path, tmp_path / "nowhere"):
        found = as_json(folder, *arguments)
        assert (found["programs"], found["loops"], found["bytes"]) == (0, 0, 0)
        assert found["last_used"] is None
    assert not (tmp_path / "nowhere").exists()
    assert "last used  never\n" in run(tmp_path)[1]


@pytest.mark.parametrize("arguments", [(), ("--clear",), ("--json",)])
def test_a_folder_that_cannot_be_read_is_one_sentence(tmp_path, run, arguments):
    place = tmp_path / "file"
    place.write_text("")
    status, told, errors = run(place, *arguments)
    assert (status, told) == (1, "")
    sentence = " ".join(errors.split())
    assert sentence.startswith("error: cannot read or write ")
    assert sentence.endswith(": Not a directory")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_closed_folder_is_one_sentence(folder, run):
    folder.chmod(0)
    try:
        status, _, errors = run(folder)
    finally:
        folder.chmod(0o700)
    assert status == 1
    assert "Permission denied" in errors


@pytest.mark.parametrize("command", ["cache", "--help"])
def test_it_needs_no_compiler(folder, command):
    """Neither to say what there is nor to be there: in a browser's Python there is none."""
    code = (
        "import sys; sys.modules |= dict.fromkeys(['llvmlite', 'jax'])\n"
        f"sys.argv = ['pullback', {command!r}]; import pullback.cli as c; c.main()"
    )
    environment = {**os.environ, "PULLBACK_CACHE": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")

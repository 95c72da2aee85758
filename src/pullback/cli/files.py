"""In: where a command shall write. Out: the same path, once it is sure that a file can be there."""

from __future__ import annotations

import os
from pathlib import Path

from pullback.core.errors import CircuitError

_NO_MODELS = {
    ending: what
    for what, endings in {
        "tables": ".csv .tsv .parquet .xlsx",
        "text": ".txt .md .log .conllu .html",
        "JSON": ".json .jsonl",
        "pictures": ".png .svg .pdf .jpg .jpeg",
        "recordings": ".wav .flac .mp3",
        "code": ".py .js .ipynb",
    }.items()
    for ending in endings.split()
}
"""Endings of files that a person would not look for a model in, and what they are for."""


def writable(option: str, name: str, *suffixes: str) -> Path:
    """The path that `option` names, refused now rather than after all the work.

    Raises `CircuitError` where no file can be written there: no name, another ending than one of
    `suffixes`, a folder, or in a folder that is missing or closed.
    """
    path = Path(name)
    folder = path.absolute().parent
    if not name.strip():
        raise CircuitError(f"{option} needs the name of a file, got {name!r}")
    if path.is_dir():
        raise CircuitError(f"{option} needs the name of a file, and {name} is a folder")
    if suffixes and path.suffix.lower() not in suffixes:
        kinds = " or ".join(suffixes)
        raise CircuitError(
            f"{option} writes {kinds} files: name it {path.stem}{suffixes[0]}, not {name}"
        )
    if not folder.is_dir():
        raise CircuitError(f"cannot write {option} {name}: there is no folder {folder}")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise CircuitError(f"cannot write {option} {name}: you may not write there")
    return path


def model_file(name: str) -> Path:
    """The path of a model that --save names, as `writable`: any ending but one of something else.

    Raises `CircuitError` as `writable` does, and for a name that says that it is no model.
    """
    path = writable("--save", name)
    if path.suffix.lower() in _NO_MODELS:
        raise CircuitError(
            f"--save writes a model: name it {path.stem}.safetensors, not {name}, which is for "
            f"{_NO_MODELS[path.suffix.lower()]}"
        )
    return path


def refuse_same(option: str, path: Path, *others: str) -> None:
    """Refuse to write over a file that is read.

    Raises `CircuitError` where one of the others is the same file.
    """
    for other in others:
        if path.exists() and os.path.exists(other) and path.samefile(other):
            raise CircuitError(f"{option} would write over {other}, which is read; name another")

"""In: a model's description and numbers. Out: one file of them, in which nothing can run.

The file is a safetensors file: parameters and state as plain numbers, and in its metadata the
format, the library's version, one JSON text that describes the layers and, if told, another that is
about the model: how it was made and what its inputs mean, which loading does not need. It is
written to the side and renamed into place, so that a crash leaves the old file or the new one.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from pullback.core.aside import replacing
from pullback.core.errors import CircuitError

FORMAT = "pullback model, version 2"
_NUMBERED = re.compile(r"pullback model, version (\d{1,9})")


def write_file(
    path: str | os.PathLike[str],
    config: Mapping[str, Any],
    tensors: Mapping[str, np.ndarray],
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write a model, and what is known about it, to `path`, replacing what was there in one step.

    Raises `CircuitError` where `path` is a folder, or its folder is missing or closed.
    """
    metadata = {"format": FORMAT, "pullback": version("pullback"), "config": json.dumps(config)}
    if about is not None:
        metadata["about"] = json.dumps(about)
    data = save({k: np.ascontiguousarray(v) for k, v in tensors.items()}, metadata)
    with replacing(path) as file:
        file.write(data)


def read_file(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The description and the numbers in the file at `path`.

    Raises `CircuitError` where there is no such file or it is no model of this library.
    """
    with _opened(path) as (file, metadata):
        config = json.loads(metadata["config"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if not isinstance(config, dict):
        raise CircuitError(f"{path} is damaged: it does not describe a model")
    return config, tensors


def read_about(path: str | os.PathLike[str]) -> tuple[str, Any]:
    """The version of the library that wrote the file, and what it tells about the model, or None.

    Raises `CircuitError` as `read_file` does.
    """
    with _opened(path) as (_, metadata):
        about = json.loads(metadata["about"]) if "about" in metadata else None
        return metadata.get("pullback", ""), about


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[tuple[Any, Mapping[str, str]]]:
    """The file and its metadata; what goes wrong inside says that the file is damaged."""
    if not Path(path).is_file():
        raise CircuitError(f"there is no model file {path}")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            _refuse_other_format(path, metadata)
            yield file, metadata
    except (SafetensorError, json.JSONDecodeError, KeyError, OSError, RecursionError) as error:
        raise CircuitError(f"{path} is not a pullback model, or is damaged: {error}") from None


def _refuse_other_format(path: str | os.PathLike[str], metadata: Mapping[str, str]) -> None:
    """Raise where this version of the library cannot read the file, and say what can."""
    named = metadata.get("format", "not named")
    if named == FORMAT:
        return
    ours, theirs = _NUMBERED.fullmatch(FORMAT), _NUMBERED.fullmatch(named)
    if ours and theirs and int(theirs[1]) > int(ours[1]):
        raise CircuitError(
            f"{path} was written by pullback {metadata.get('pullback', 'of a later version')} in "
            f"format {theirs[1]}; this is pullback {version('pullback')}, which reads format "
            f"{ours[1]}: update pullback"
        )
    raise CircuitError(
        f"{path} is not a model of this version: its format is {named!r}, expected {FORMAT!r}"
    )

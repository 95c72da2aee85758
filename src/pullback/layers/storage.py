"""In: a model's configuration and parameters. Out: one file of them, in which nothing can run.

The file is a safetensors file: the parameters as plain numbers, and in its metadata one JSON text
that names the layers from the closed registry. It is written to the side and renamed into place,
so that a crash at any moment leaves the old file or the new one, whole.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from pullback.core.errors import CircuitError

FORMAT = "pullback model, version 1"


def write_model(
    path: str | os.PathLike[str], config: Mapping[str, Any], tensors: Mapping[str, np.ndarray]
) -> None:
    """Write a model to `path`, replacing what was there in one step.

    Raises `CircuitError` where the folder does not exist or cannot be written to.
    """
    path = Path(path)
    metadata = {"format": FORMAT, "config": json.dumps(config)}
    data = save({k: np.ascontiguousarray(v) for k, v in tensors.items()}, metadata)
    try:
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise CircuitError(f"cannot write to the folder of {path}: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, 0o666 & ~_umask())  # as any new file: mkstemp lets only its owner in
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        os.unlink(aside)
        raise CircuitError(f"cannot write {path}: {error.strerror}") from None


def _umask() -> int:
    """The permissions that this process withholds from new files."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def read_model(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The configuration and the parameters in the file at `path`.

    Raises `CircuitError` where there is no such file or it is no model of this library.
    """
    if not Path(path).is_file():
        raise CircuitError(f"there is no model file {path}")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise CircuitError(
                    f"{path} is not a model of this version: its format is "
                    f"{metadata.get('format', 'not named')!r}, expected {FORMAT!r}"
                )
            config = json.loads(metadata["config"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError, KeyError, OSError, RecursionError) as error:
        raise CircuitError(f"{path} is not a pullback model, or is damaged: {error}") from None
    largest = max((n for t in tensors.values() for n in t.shape), default=0)
    if _largest_number(config) > max(largest, 1):
        raise CircuitError(f"{path} is damaged: it describes layers larger than what it holds")
    return config, tensors


def _largest_number(config: Any) -> float:
    """The largest number anywhere in a configuration, so that no file asks for endless memory."""
    largest, pending = 0.0, [config]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, int | float):
            largest = max(largest, item)
    return largest

"""In: a model's description and numbers. Out: one file of them, in which nothing can run.

The file is that of `core.tensorfile`: parameters and state as plain numbers, and as texts one JSON
text that describes the layers and, if told, another that is about the model: how it was made and
what its inputs mean, which loading does not need.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.tensorfile import Format, read_tensors, read_texts, write_tensors

_MODEL = Format("model", 2)
FORMAT = str(_MODEL)


def write_file(
    path: str | os.PathLike[str],
    config: Mapping[str, Any],
    tensors: Mapping[str, np.ndarray],
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write a model, and what is known about it, to `path`, replacing what was there in one step.

    Raises `CircuitError` where `path` is a folder, or its folder is missing or closed.
    """
    texts = {"config": json.dumps(config)}
    if about is not None:
        texts["about"] = json.dumps(about)
    write_tensors(path, _MODEL, texts, tensors)


def read_file(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The description and the numbers in the file at `path`.

    Raises `CircuitError` where there is no such file or it is no model of this library.
    """
    texts, tensors = read_tensors(path, _MODEL)
    config = _json(path, texts.get("config", "nothing"))
    if not isinstance(config, dict):
        raise CircuitError(f"{path} is damaged: it does not describe a model")
    return config, tensors


def read_about(path: str | os.PathLike[str]) -> tuple[str, Any]:
    """The version of the library that wrote the file, and what it tells about the model, or None.

    Raises `CircuitError` as `read_file` does.
    """
    texts = read_texts(path, _MODEL)
    about = _json(path, texts["about"]) if "about" in texts else None
    return texts.get("pullback", ""), about


def _json(path: str | os.PathLike[str], text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # a number of too many digits is a ValueError
        raise CircuitError(
            f"{path} is not a pullback model, or is damaged: {error!s:.200}"
        ) from None

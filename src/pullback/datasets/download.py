"""In: a published file, by its address and checksum. Out: where it is on this machine.

`PULLBACK_DATA` may name a folder that holds a folder for each set: then files are taken from there,
and nothing is fetched. Otherwise they are fetched once and kept in the user's cache folder, or
beside the compiled code where `PULLBACK_CACHE` says.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from pullback.core.errors import CircuitError
from pullback.files.progress import Line, working


class Published(NamedTuple):
    """A file of a data set: where it is published, and the MD5 sum of what is there.

    Without a sum, whoever reads the file checks what it holds.
    """

    name: str
    home: str
    md5: str | None


def local_file(data_set: str, file: Published, *others: str) -> Path:
    """The file on this machine, fetched where it is not there yet.

    `others` are names that it may have too in a person's own folder: decompressed, say.

    Raises `CircuitError` where it is not in the folder that `PULLBACK_DATA` names, or where it
    cannot be fetched, with the cure.
    """
    own = os.environ.get("PULLBACK_DATA")
    if own:
        folder = Path(own) / data_set
        for name in (file.name, *others):
            if (folder / name).exists():
                return folder / name
        raise CircuitError(
            f"PULLBACK_DATA is {own}, and there is no {folder / file.name}: put it there from "
            f"{file.home}, or unset PULLBACK_DATA to have it fetched"
        )
    return _fetched(data_set, file)


def kept_in() -> Path:
    """The folder of what is fetched."""
    cache = os.environ.get("PULLBACK_CACHE") or platformdirs.user_cache_dir("pullback")
    return Path(cache) / "datasets"


def _fetched(data_set: str, file: Published) -> Path:
    import pooch  # takes a while to import

    folder = kept_in() / data_set
    url = f"{file.home}{file.name}"
    cure = (
        f"fetch it by other means and put it into {folder}, or set PULLBACK_DATA to a folder that "
        f"holds {data_set}/{file.name}"
    )
    words = f"fetching {file.name}"
    with _silent(pooch.get_logger()), working(words, None, in_bytes=True) as line:
        bar: Any = _Bar(line)  # more than pooch's types allow, and what its documentation does
        fetch: Any = pooch.HTTPDownloader(progressbar=bar)
        try:
            known = None if file.md5 is None else f"md5:{file.md5}"
            path = pooch.retrieve(url, known, file.name, folder, downloader=fetch)
        except ValueError:  # pooch keeps nothing of what has another checksum
            raise CircuitError(
                f"what {url} sent is not the published file, by its checksum: try again, or {cure}"
            ) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise CircuitError(f"cannot fetch {url} ({reason}): {cure}") from None
    return Path(path)


class _Bar:
    """How far a download is, as pooch tells it."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._total = self._done = 0

    @property
    def total(self) -> int:
        return self._total

    @total.setter
    def total(self, total: int) -> None:
        self._total = total
        if total:
            self._line.expect(total)

    def update(self, n: int) -> None:
        """So many bytes more have come; at most, for the last ones are fewer than pooch tells."""
        n = min(n, self._total - self._done) if self._total else n
        self._done += n
        self._line.advance(n)

    def reset(self) -> None:
        """Nothing: it is called when all is done, to tell the whole once more."""

    def close(self) -> None:
        """Nothing: the line ends with the download."""


@contextmanager
def _silent(logger: logging.Logger) -> Iterator[None]:
    """While inside, only what goes wrong is logged."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)

"""In: files of published picture sets. Out: their pixels and labels, after all sizes are checked.

IDX (MNIST, Fashion-MNIST): a magic number, sizes as 4 bytes each, then one byte for each pixel or
label, compressed or not. Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database".
CIFAR-10's binary version: for each picture a byte of label, then its red, green and blue, 1,024
bytes each. Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009).
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from pullback.core.errors import CircuitError

_BYTES = 0x08  # the code of IDX for numbers of one byte
_SIDE = 32
_RECORD = 1 + 3 * _SIDE * _SIDE


def read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The bytes in an IDX file, which must be of this shape: uint8.

    Raises `CircuitError` where the file cannot be read, is damaged, or holds another shape.
    """
    size = int(np.prod(shape))
    begin = 4 + 4 * len(shape)
    with _told(path), (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        data = file.read(begin + size + 1)
    magic, *sizes = np.frombuffer(data[:begin].ljust(begin, b"\0"), ">u4").tolist()
    if magic != (_BYTES << 8) + len(shape):
        raise CircuitError(f"{path} is no IDX file of {len(shape)} axes of bytes; {_CURE}")
    if tuple(sizes) != shape:
        raise CircuitError(f"{path} holds {tuple(sizes)} numbers, not {shape}; {_CURE}")
    if len(data) != begin + size:
        more = "more" if len(data) > begin + size else "less"
        raise CircuitError(f"{path} holds {more} bytes than its beginning tells; {_CURE}")
    return np.frombuffer(data, np.uint8, offset=begin).reshape(shape)


def read_cifar(path: Path, members: Iterable[str], rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (rows, 32, 32, 3) and labels (rows,) in files of an archive, or of a folder.

    Raises `CircuitError` where one cannot be read, is damaged, or there are not so many rows.
    """
    with _told(path):
        data = b"".join(_members(path, set(members), rows * _RECORD + 1))
    if len(data) != rows * _RECORD:
        raise CircuitError(
            f"{path} holds {len(data):,} bytes of pictures, and {rows:,} pictures take "
            f"{rows * _RECORD:,}; {_CURE}"
        )
    records = np.frombuffer(data, np.uint8).reshape(rows, _RECORD)
    planes = records[:, 1:].reshape(rows, 3, _SIDE, _SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), records[:, 0]


_CURE = "it is damaged, or another file: put the published one there"


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What goes wrong inside, as a sentence that names the file."""
    try:
        yield
    except (EOFError, zlib.error, tarfile.TarError, gzip.BadGzipFile) as error:
        raise CircuitError(f"cannot read {path}: {error}; {_CURE}") from None
    except OSError as error:
        raise CircuitError(f"cannot read {path}: {error.strerror or error}") from None


def _members(path: Path, names: set[str], most: int) -> Iterator[bytes]:
    """The bytes of these files, in the order of their names; nothing is unpacked into files."""
    if path.is_dir():
        for name in sorted(names):
            with open(path / name, "rb") as file:
                yield file.read(most)
        return
    found: dict[str, bytes] = {}
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            name = member.name.rpartition("/")[2]
            if name in names and (file := archive.extractfile(member)) is not None:
                found[name] = file.read(most)
    missing = sorted(names - set(found))
    if missing:
        raise CircuitError(f"{path} lacks {', '.join(missing)}; {_CURE}")
    for name in sorted(names):
        yield found[name]

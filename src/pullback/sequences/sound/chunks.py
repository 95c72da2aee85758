"""In: a WAV file. Out: how much of it is missing, which whoever decodes it passes over in silence.

A WAV file is RIFF: four letters, a size, "WAVE", and then chunks, each of four letters, its size in
bytes and so many bytes, to an even number. The samples are in the one called "data". RF64 is for
more than 4 GB: there a chunk "ds64" tells the sizes. Source: Microsoft and IBM, "Multimedia
programming interface and data specifications 1.0" (1991); EBU Tech 3306.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Literal

_UNTOLD = (0, 0xFFFFFFFF)  # sizes by which a program that wrote into a pipe says: to the end
_BYTE_ORDERS: dict[bytes, Literal["little", "big"]] = {
    b"RIFF": "little",
    b"RF64": "little",
    b"RIFX": "big",
}


def bytes_missing(path: Path) -> int:
    """How many bytes of its samples a WAV file tells of and lacks; 0 of any other file."""
    with open(path, "rb") as file:
        start = file.read(12)
        order = _BYTE_ORDERS.get(start[:4])
        if order is None:
            return 0
        size = _data_size(file, order)
        here = file.tell()
    return max(0, here + size - os.path.getsize(path))


def _data_size(file: BinaryIO, order: Literal["little", "big"]) -> int:
    """The size that the chunk of samples tells; the file then stands at its first sample."""
    wide = 0
    while len(head := file.read(8)) == 8:
        name, size = head[:4], int.from_bytes(head[4:], order)
        if name == b"data":
            return wide if size in _UNTOLD else size
        if name == b"ds64":
            sizes = file.read(min(size, 16))
            file.seek(size - len(sizes), os.SEEK_CUR)
            wide = int.from_bytes(sizes[8:16], "little")
        else:
            file.seek(size, os.SEEK_CUR)
        file.seek(size % 2, os.SEEK_CUR)
    return 0

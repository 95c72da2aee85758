"""Published sets of pictures, each under its name: fetched once, or read from a person's folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.datasets.builtin import DATASETS
from pullback.datasets.download import Published, local_file
from pullback.datasets.formats import read_cifar, read_idx
from pullback.images.pictures import Pictures

_Part = tuple[np.ndarray, np.ndarray]  # pictures (rows, H, W, C) and labels (rows,)


@dataclass(frozen=True)
class PictureSet:
    """A published set, by its files; to call it reads its pictures, with `test` of its own.

    `rows` are those to train on and to test. `read` gives both parts.

    Raises `CircuitError` where a file is not to be had, or is not what was published.
    """

    name: str
    source: str
    classes: tuple[Any, ...]
    files: tuple[Published, ...]
    read: Callable[[PictureSet], tuple[_Part, _Part]]
    rows: tuple[int, int] = (60_000, 10_000)

    def __call__(self) -> Pictures:
        train, test = (self._pictures(*part) for part in self.read(self))
        return Pictures(self.name, train.images, train.labels, self.classes, self.source, test=test)

    def _pictures(self, images: np.ndarray, labels: np.ndarray) -> Pictures:
        if labels.max() >= len(self.classes):
            raise CircuitError(
                f"a label of {self.name} is {labels.max()}, and there are {len(self.classes)} "
                "classes: its files are not the published ones"
            )
        return Pictures(self.name, images, labels, self.classes, self.source)


def _read_idx(data: PictureSet) -> tuple[_Part, _Part]:
    """Grey pictures of 28x28, in four files: pictures and labels to train on, and to test."""
    paths = [
        local_file(data.name, file, file.name.removesuffix(".gz"), _with_a_dot(file.name))
        for file in data.files
    ]

    def part(images: Path, labels: Path, rows: int) -> _Part:
        return read_idx(images, (rows, 28, 28))[..., None], read_idx(labels, (rows,))

    return part(paths[0], paths[1], data.rows[0]), part(paths[2], paths[3], data.rows[1])


def _with_a_dot(name: str) -> str:
    """The name that some copies of these files have.

    >>> _with_a_dot("train-images-idx3-ubyte.gz")
    'train-images.idx3-ubyte'
    """
    return name.removesuffix(".gz").replace("-idx", ".idx")


def _read_cifar(data: PictureSet) -> tuple[_Part, _Part]:
    """Colour pictures of 32x32, in one archive of six files."""
    path = local_file(data.name, data.files[0], "cifar-10-batches-bin")
    train = read_cifar(path, [f"data_batch_{k}.bin" for k in range(1, 6)], data.rows[0])
    return train, read_cifar(path, ["test_batch.bin"], data.rows[1])


def _idx_files(home: str, *sums: str) -> tuple[Published, ...]:
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    pairs = zip(names, sums, strict=True)
    return tuple(Published(f"{name}-ubyte.gz", home, md5) for name, md5 in pairs)


MNIST = PictureSet(
    "mnist",
    "70,000 handwritten digits of 28x28 pixels, 10,000 of them to test (LeCun, Cortes, Burges)",
    tuple(range(10)),
    _idx_files(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
    _read_idx,
)
FASHION_MNIST = PictureSet(
    "fashion-mnist",
    "70,000 clothes and shoes of 28x28 pixels, 10,000 of them to test (Zalando Research 2017)",
    (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    _idx_files(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
    _read_idx,
)
CIFAR10 = PictureSet(
    "cifar10",
    "60,000 things and animals of 32x32 pixels in colour, 10,000 of them to test (Krizhevsky 2009)",
    (
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    ),
    (
        Published(
            "cifar-10-binary.tar.gz",
            "https://www.cs.toronto.edu/~kriz/",
            "c32a1d4ab5d03f1284b67883e8d87530",
        ),
    ),
    _read_cifar,
    (50_000, 10_000),
)

for _set in (MNIST, FASHION_MNIST, CIFAR10):
    DATASETS.add(_set.name, _set)

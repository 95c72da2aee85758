"""In: the name of a set of data. Out: its arrays, and a split of them to train and to judge by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.registry import Registry

DATASETS: Registry = Registry("data set")


@dataclass(frozen=True)
class Dataset:
    """Rows of numbers with a label each.

    inputs (rows, ...), float32; labels (rows,), class numbers from 0; `classes` names them.
    """

    name: str
    inputs: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.inputs)

    def rows(self, which: np.ndarray) -> Dataset:
        """These rows alone."""
        return replace(self, inputs=self.inputs[which], labels=self.labels[which])

    def split(self, *shares: float, seed: int = 0) -> list[Dataset]:
        """Parts of these shares, drawn at random, each with every class in its proportion.

        Raises `CircuitError` where the shares do not add up to 1 or a part would lack a class.

        >>> data = Dataset("two", np.zeros((10, 1)), np.array([0, 1] * 5), ("a", "b"))
        >>> [len(part) for part in data.split(0.6, 0.4)]
        [6, 4]
        """
        if abs(sum(shares) - 1.0) > 1e-9 or min(shares) <= 0.0:
            raise CircuitError(f"shares must be positive and add up to 1, got {shares}")
        rng = np.random.default_rng(seed)
        bounds = np.cumsum(shares)[:-1]
        parts: list[list[np.ndarray]] = [[] for _ in shares]
        for k in range(len(self.classes)):
            rows = rng.permutation(np.flatnonzero(self.labels == k))
            if len(rows) < len(shares):
                raise CircuitError(
                    f"class {self.classes[k]!r} has {len(rows)} rows, too few for "
                    f"{len(shares)} parts"
                )
            cuts = np.rint(bounds * len(rows)).astype(int)
            for part, piece in zip(parts, np.split(rows, cuts), strict=True):
                part.append(piece)
        return [self.rows(np.sort(np.concatenate(part))) for part in parts]


def load_dataset(name: str) -> Dataset:
    """The built-in data set of this name.

    Raises `KeyError` with the names there are.

    >>> load_dataset("digits").inputs.shape
    (1797, 64)
    """
    return DATASETS[name]()


def _digits() -> Dataset:
    """1,797 handwritten digits of 8x8 pixels from 0 to 1. Source: UCI, through scikit-learn."""
    from sklearn.datasets import load_digits

    inputs, labels = (np.asarray(x) for x in load_digits(return_X_y=True))
    pixels = (inputs / 16.0).astype(np.float32)
    return Dataset("digits", pixels, labels, tuple(str(k) for k in range(10)))


DATASETS.add("digits", _digits)

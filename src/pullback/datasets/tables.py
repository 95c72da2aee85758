"""Published tables, each under its name: fetched once, or read from a person's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pullback.core.errors import CircuitError
from pullback.datasets.download import Published, local_file
from pullback.tables.read import row_numbers
from pullback.tables.table import TableDataset


@dataclass(frozen=True)
class TableSet:
    """A published table without a header, by its file; to call it reads it.

    `columns` are the names of its columns, of which the last is the target, `classes` what its
    labels stand for, and `counts` how many rows each has.

    Raises `CircuitError` where the file is not to be had, or is not what was published.
    """

    name: str
    source: str
    file: Published
    columns: tuple[str, ...]
    classes: Mapping[str, str]
    counts: Mapping[str, int]

    def __call__(self) -> TableDataset:
        import pandas as pd  # takes a while to import

        path = local_file(self.name, self.file)
        target = self.columns[-1]
        try:
            frame = pd.read_csv(path, names=self.columns, quotechar="'", dtype={target: str})
        except (ValueError, OSError) as error:
            raise CircuitError(f"cannot read {path}: {error}") from None
        frame[target] = [self.classes.get(label) for label in frame[target]]
        found = frame[target].value_counts().to_dict()
        if found != dict(self.counts):
            said = ", ".join(f"{count:,} of {label}" for label, count in self.counts.items())
            raise CircuitError(
                f"{path} holds other rows than {said}; it is damaged, or another file: put the "
                "published one there"
            )
        frame.index = row_numbers(len(frame))
        return TableDataset.from_frame(frame, target, name=self.name, source=self.source)


MAMMOGRAPHY = TableSet(
    "mammography",
    "11,183 spots of mammograms, 260 of them microcalcifications (Woods and others 1993)",
    Published(
        "mammography.csv",
        "https://raw.githubusercontent.com/jbrownlee/Datasets/master/",
        "8cc73569379de7e379290e5de500d129",
    ),
    ("area", "grey_level", "gradient", "noise", "contrast", "moment", "spot"),
    {"-1": "normal", "1": "calcification"},
    {"normal": 10_923, "calcification": 260},
)

"""In: what each epoch of training measured. Out: a record to read, to tabulate and to plot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pullback.core.errors import CircuitError
from pullback.core.text import columns, number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass
class History:
    """One row of measurements an epoch, and why training ended.

    `notes` say what was decided before the first epoch, such as the learning rate that was found.
    `diverged` says that it ended because a loss, or a number of the model or the optimizer, became
    nan or infinite.

    >>> history = History([{"epoch": 1, "loss": 0.7}, {"epoch": 2, "loss": 0.5}])
    >>> history["loss"]
    [0.7, 0.5]
    >>> print(history)
    epoch  loss
        1   0.7
        2   0.5
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    ended: str = "completed"
    diverged: bool = False
    notes: list[str] = field(default_factory=list)

    def __getitem__(self, column: str) -> list[float]:
        """One measurement over all epochs."""
        if self.rows and column not in self.rows[0]:
            raise KeyError(f"no {column!r} was measured; there are: {', '.join(self.rows[0])}")
        return [row[column] for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def table(self) -> pd.DataFrame:
        """The history as a pandas table, one row an epoch."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def plot(self, *names: str, ax: Axes | None = None) -> Axes:
        """Draw measurements over the epochs with matplotlib (extra `plot`), and return the axes.

        `names` are columns, each drawn with what validation measured of the same; by default the
        loss. Raises `CircuitError` where nothing of that name was measured, or without matplotlib.
        """
        try:
            from matplotlib import pyplot
        except ImportError:
            raise CircuitError(
                'to plot a history, install matplotlib: pip install "pullback[plot]"'
            ) from None
        wanted = names or ("loss",)
        for name in wanted:
            if self.rows and name not in self.rows[0]:
                raise CircuitError(
                    f"no {name!r} was measured; there are: {', '.join(self.rows[0])}"
                )
        if ax is None:
            _, ax = pyplot.subplots()
        for name in wanted:
            for column, style in (name, "-"), (f"validation_{name}", "--"):
                if self.rows and column in self.rows[0]:
                    label = column.replace("_", " ")
                    ax.plot(self["epoch"], self[column], style, label=label)
        ax.set_xlabel("epoch")
        ax.set_ylabel(" and ".join(name.replace("_", " ") for name in wanted))
        if ax.get_legend_handles_labels()[0]:
            ax.legend()
        return ax

    def __str__(self) -> str:
        if not self.rows:
            return "no epoch was finished"
        cells = [list(self.rows[0]), *([number(v) for v in row.values()] for row in self.rows)]
        return "\n".join(columns(cells, right=range(len(cells[0]))))

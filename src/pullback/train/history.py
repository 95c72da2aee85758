"""In: what each epoch of training measured. Out: a record to read, to tabulate and to plot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf, nan
from numbers import Real
from typing import TYPE_CHECKING, Any, overload

from pullback.core.errors import CircuitError
from pullback.core.shown import Shown, Table
from pullback.core.text import number
from pullback.figures import refuse_without_matplotlib
from pullback.train.monitors import MEASURES, LayerRow

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from pullback.figures.sheet import Sheet
    from pullback.train.alarms import Alarm


@dataclass(repr=False)
class History(Shown):
    """One row of measurements an epoch, and why training ended.

    `notes` say what was decided before the first epoch, such as the learning rate that was found.
    `diverged` says that it ended because a loss, or a number of the model or the optimizer, became
    nan or infinite. `of_layers` is what a monitor saw, a row for each epoch and layer. `alarms` are
    what a Trainer that is its own doctor warned of. `repr` shows the first and the last epochs of
    many, and the one of the lowest loss, on validation rows where there were any.

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
    of_layers: list[LayerRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)

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

    @property
    def layers(self) -> pd.DataFrame:
        """What a monitor saw as a pandas table, one row for each epoch and layer.

        Its columns are "epoch", "layer" and the measures of a `Monitor`; NaN is what a layer has
        not.

        Raises `CircuitError` where nothing was watched.
        """
        import pandas as pd

        if self.rows and not self.of_layers:
            raise CircuitError("no layers were watched; train with Trainer(..., monitor=True)")
        rows = [{"epoch": row.epoch, "layer": row.layer, **row.measures} for row in self.of_layers]
        return pd.DataFrame(rows, columns=["epoch", "layer", *MEASURES])

    @overload
    def plot(self) -> Sheet: ...
    @overload
    def plot(self, name: str, /, *names: str, ax: Axes | None = None) -> Axes: ...
    def plot(self, *names: str, ax: Axes | None = None) -> Sheet | Axes:
        """Draw the history with matplotlib (extra `plot`).

        Without names all of it, as a figure: curves of what was measured, and, where a monitor saw
        layers, their spreads, gradients, update-to-weight ratios and histograms over the epochs.
        `names` are columns, which are drawn on axes, each with what validation measured of it.

        Raises `CircuitError` where nothing of that name was measured, and without matplotlib.
        """
        refuse_without_matplotlib()
        from pullback.train.drawing import draw_columns, drawn

        for name in names:
            if self.rows and name not in self.rows[0]:
                raise CircuitError(
                    f"no {name!r} was measured; there are: {', '.join(self.rows[0])}"
                )
        if not names:
            return drawn(self)
        return draw_columns(self, names, ax)

    def _says(self) -> Iterator[str | Table]:
        if not self.rows:
            yield "no epoch was finished" + (f": {self.ended}" if self.ended != "completed" else "")
            return
        head = list(dict.fromkeys(name for row in self.rows for name in row))
        cells = [[_cell(row.get(name, "")) for name in head] for row in self.rows]
        yield Table(head, cells, right=range(len(head)), kept=self._best())
        if self.ended != "completed":
            yield f"ended: {self.ended}"

    def _best(self) -> dict[int, str]:
        """The place of the epoch with the lowest loss, of validation where there was one."""
        for name in ("validation_loss", "loss"):
            values = [row.get(name, nan) for row in self.rows]
            found = [x for x in values if isinstance(x, Real) and x < inf]
            if found:
                return {values.index(min(found)): "← best"}
        return {}


def _cell(value: Any) -> str:
    return number(float(value)) if isinstance(value, Real) else str(value)

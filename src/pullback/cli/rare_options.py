"""The options of a training for classes of which some are rare, or costly to miss."""

from __future__ import annotations

from typing import Annotated

import typer

from pullback.metrics.calibration import METHODS
from pullback.metrics.threshold import CRITERIA

_RARE = "Rare classes"

ClassWeights = Annotated[
    str | None,
    typer.Option(
        "--class-weights",
        metavar="balanced",
        rich_help_panel=_RARE,
        help="let rare classes count for as much as common ones",
    ),
]
Sampling = Annotated[
    str | None,
    typer.Option(
        "--sampling",
        metavar="balanced",
        rich_help_panel=_RARE,
        help="let rare classes come in training as often as common ones",
    ),
]
Threshold = Annotated[
    str | None,
    typer.Option(
        "--threshold",
        metavar="FOR",
        rich_help_panel=_RARE,
        help="choose by validation from which probability on the rarer of two classes is answered: "
        f"{', '.join(CRITERIA)}, say",
    ),
]
Calibrate = Annotated[
    str | None,
    typer.Option(
        "--calibrate",
        metavar="|".join(METHODS),
        rich_help_panel=_RARE,
        help="make probabilities fit what the validation rows are",
    ),
]
Reliability = Annotated[
    str | None,
    typer.Option(
        "--reliability",
        metavar="FILE",
        rich_help_panel=_RARE,
        help="draw how often what is held probable happens, as .svg or .png",
    ),
]

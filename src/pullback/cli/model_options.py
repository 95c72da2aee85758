"""The options that say which model learns, by what loss, and how data of each kind become numbers.

`pullback train` and `pullback doctor` have them alike.
"""

from __future__ import annotations

from typing import Annotated

import typer

from pullback.cli.file_options import OF_PICTURES
from pullback.images.recipe import CHANGES
from pullback.images.recipe import MODELS as PICTURE_MODELS
from pullback.sequences.tasks.classifying import MODELS as CLASSIFIERS
from pullback.sequences.tasks.hearing import MODELS as HEARERS
from pullback.sequences.tasks.writing import MODELS as WRITERS
from pullback.sequences.tasks.writing import TOKENIZERS
from pullback.tables.recipe import MODELS

_TRAINING, _SEQUENCES = "Training", "Text and sound"

Data = Annotated[
    str,
    typer.Argument(
        help="a built-in set such as digits, fashion-mnist or shakespeare; a table (.csv, "
        ".parquet), a text (.txt), tagged sentences (.conllu); or a folder with a folder of "
        "pictures, recordings or texts for each class, or a .txt file with a text in a line"
    ),
]
Augment = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        rich_help_panel=OF_PICTURES,
        help=f"changes at random in training, as flip,shift; of {', '.join(CHANGES)}",
    ),
]
SkipBroken = Annotated[
    bool,
    typer.Option(
        "--skip-broken",
        rich_help_panel=OF_PICTURES,
        help="leave out files, of recordings too, that are damaged",
    ),
]
Tokenizer = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(TOKENIZERS),
        rich_help_panel=_SEQUENCES,
        help="what a text is divided into; by default characters, and words of texts with a "
        "class, where these are not single words",
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        rich_help_panel=_SEQUENCES,
        help="of a text that a network sees at once; by default 128, of a transformer 64, and "
        "of texts with a class up to 1000",
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        rich_help_panel=_SEQUENCES,
        help="in which a text is written, such as latin-1; by default utf-8",
    ),
]
SampleRate = Annotated[
    int | None,
    typer.Option(
        metavar="HERTZ",
        rich_help_panel=_SEQUENCES,
        help="samples a second that recordings are brought to; by default theirs",
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        rich_help_panel=_TRAINING,
        help=f"of tables {', '.join(MODELS)}, by default mlp; of pictures "
        f"{', '.join(PICTURE_MODELS)}, by default convnet; of text {', '.join(WRITERS)}, of "
        f"recordings {', '.join(HEARERS)}, by default lstm; of texts with a class "
        f"{', '.join(CLASSIFIERS)}, by default fasttext",
    ),
]
Hidden = Annotated[
    str | None,
    typer.Option(
        metavar="SIZES",
        rich_help_panel=_TRAINING,
        help="sizes of hidden layers, or recurrent ones, as 64,64",
    ),
]
Activation = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", rich_help_panel=_TRAINING, help="after each of them; by default ReLU"
    ),
]
Dropped = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        rich_help_panel=_TRAINING,
        help="dropped behind layers; by default by the task",
    ),
]
LossName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", rich_help_panel=_TRAINING, help="such as Huber; by default by the task"
    ),
]
Smoothing = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        rich_help_panel=_TRAINING,
        help="of each label that is given to all classes alike, as 0.1; of tables",
    ),
]
Mixup = Annotated[
    float | None,
    typer.Option(
        metavar="ALPHA",
        rich_help_panel=_TRAINING,
        help="mix rows at random, as 0.2; of tables (of pictures it is --augment mixup)",
    ),
]

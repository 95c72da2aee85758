"""The options of a training that say how long it goes on, by what, and what is kept of it."""

from __future__ import annotations

from typing import Annotated

import typer

_TRAINING = "Training"

OptimizerName = Annotated[
    str | None,
    typer.Option(
        "--optimizer",
        metavar="NAME",
        rich_help_panel=_TRAINING,
        help="such as SGD, Adam or AdamW; by default SGD of tables, and Adam",
    ),
]
Rate = Annotated[
    str | None,
    typer.Option(
        "--learning-rate",
        metavar="RATE",
        rich_help_panel=_TRAINING,
        help="length of a step, or find: what lowers the loss; by default by the task",
    ),
]
Springs = Annotated[
    float | None,
    typer.Option(
        "--l2",
        metavar="STRENGTH",
        rich_help_panel=_TRAINING,
        help="of the springs that pull weights to 0; by default by the task",
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        "--epochs",
        metavar="N",
        rich_help_panel=_TRAINING,
        help="most passes over the training rows; by default 40, 10 of pictures, more if few, "
        "and of sequences by how many they are",
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        metavar="N",
        rich_help_panel=_TRAINING,
        help="rows of a step; by default 32, and 64 of pictures",
    ),
]
Patience = Annotated[
    int,
    typer.Option(
        "--patience",
        metavar="N",
        rich_help_panel=_TRAINING,
        help="epochs without a better validation loss that end training; 0: none do",
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed",
        metavar="N",
        rich_help_panel=_TRAINING,
        help="fixes the split, the weights, the order",
    ),
]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="NAME",
        rich_help_panel=_TRAINING,
        help="native, eager, eager-native or jax",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        metavar="N",
        rich_help_panel=_TRAINING,
        help="that share a step, with the same result; by default as many as pay, up to "
        "PULLBACK_THREADS or one for each core",
    ),
]
Monitored = Annotated[
    bool,
    typer.Option(
        "--monitor/--no-monitor",
        rich_help_panel=_TRAINING,
        help="watch what each layer makes, its gradients, and how far its weights move",
    ),
]
Log = Annotated[
    str | None,
    typer.Option(
        "--log",
        metavar="FILE",
        rich_help_panel=_TRAINING,
        help="add a line of JSON for each epoch to this file",
    ),
]
Board = Annotated[
    str | None,
    typer.Option(
        "--tensorboard",
        metavar="FOLDER",
        rich_help_panel=_TRAINING,
        help="write what is measured for TensorBoard (extra tensorboard)",
    ),
]
Figure = Annotated[
    str | None,
    typer.Option(
        "--figure",
        metavar="FILE",
        rich_help_panel=_TRAINING,
        help="draw the training: curves, and what was watched (.svg, .png; extra plot)",
    ),
]
Checkpoint = Annotated[
    str | None,
    typer.Option(
        "--checkpoint",
        metavar="FOLDER",
        rich_help_panel=_TRAINING,
        help="write all that training goes on with here, after each epoch and every 5 minutes",
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        rich_help_panel=_TRAINING,
        help="go on with the run in the folder of --checkpoint; begin it where there is none",
    ),
]

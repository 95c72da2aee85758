"""`pullback sample`: text that goes on from a prompt, as a language model writes it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pullback.core.errors import CircuitError
from pullback.sequences.tasks.trained import TrainedSequences
from pullback.sequences.tasks.writer import Writer, opening
from pullback.sequences.text.sampling import Sampling


def sample(
    model: Annotated[str, typer.Argument(help="a file that `pullback train --save` wrote")],
    prompt: Annotated[
        str | None, typer.Option(metavar="TEXT", help="what to go on from; by default a new line")
    ] = None,
    count: Annotated[
        int, typer.Option(metavar="N", help="how many characters, words or pieces are drawn")
    ] = 500,
    temperature: Annotated[
        float,
        typer.Option(
            metavar="T", help="below 1 prefers the likely, above 1 is bolder; 0 takes the likeliest"
        ),
    ] = 1.0,
    top_k: Annotated[
        int | None, typer.Option(metavar="K", help="draw from the K likeliest alone")
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(metavar="P", help="draw from the fewest whose probabilities come to P"),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="another seed, another text")] = 0,
) -> None:
    """Write text with a language model, as it comes; a prompt stands before it. Ctrl-C ends it."""
    if count < 0 or seed < 0:
        raise CircuitError(
            f"--count and --seed are whole numbers from 0 on, got {min(count, seed)}"
        )
    sampling = Sampling(temperature, top_k, top_p)
    trained = TrainedSequences.load(model)
    if not isinstance(trained, Writer):
        raise CircuitError(f"{model} does not write: it is a {trained.noun}")
    start = opening(trained.tokenizer) if prompt is None else prompt
    pieces = trained.write(start, count, sampling=sampling, rng=seed)
    out = sys.stdout
    out.write(start if prompt else "")
    for piece in pieces:
        out.write(piece)
        if out.isatty():
            out.flush()
    out.write("\n")

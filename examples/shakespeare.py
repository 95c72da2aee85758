"""Shakespeare, letter by letter: a recurrent network and a transformer learn to write him.

    python examples/shakespeare.py [lstm] [transformer] [--seed 0] [--quick] [--save FOLDER]

Both learn from nine tenths of the plays for about as long, and are judged by the last: how many
nats a character that comes next has, by its probability. With the seeds 0, 1 and 2, an LSTM of 512
units comes to 1.478, 1.475 and 1.475 nats (2.13 bits) after 924 to 965 s on one core of an AMD
EPYC, a transformer of 4 blocks of 128 units (seed 0) to 1.593 nats after 838 s; it is judged in
windows of 128 characters, at whose beginning it knows little, and the LSTM goes on. `--save` keeps
the curves and samples: those in the folder `shakespeare` beside this file are of seed 0. `--quick`
takes small networks and a thirtieth of the text. The text is fetched at the first run, or read
where `PULLBACK_DATA` says.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import pullback as pb
from pullback.datasets import load_dataset
from pullback.models import language_model, transformer
from pullback.optim import CosineDecay
from pullback.sequences.text import (
    Characters,
    LastWindow,
    Sampling,
    StepByStep,
    StepModel,
    Text,
    TextWindows,
    generate,
)

EPOCHS = 10
STEPS = 128
ROWS = {"lstm": 32, "transformer": 16}  # which learns more from many small steps


def rows_of(numbers: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers in rows of so many steps, and those that come next."""
    count = (len(numbers) - 1) // steps
    inputs, labels = numbers[: count * steps], numbers[1 : count * steps + 1]
    return inputs.reshape(count, steps), labels.reshape(count, steps)


def trained(name: str, play: Text, seed: int, quick: bool) -> tuple[pb.History, StepModel, float]:
    """The history of a network's training, what writes by it, and the seconds it took."""
    letters = Characters.of(play.pieces())
    train, kept = play.numbers(letters)
    epochs = 1 if quick else EPOCHS
    windows = TextWindows(train, ROWS[name], STEPS, seed=seed)
    steps = len(windows) * epochs
    if name == "lstm":
        model = language_model(len(letters), "lstm", 32 if quick else 512, dropout=0.3, rng=seed)
        optimizer = pb.Adam(CosineDecay(3e-3, steps=steps), clip_norm=1.0)
        validation = rows_of(kept, (len(kept) - 1) // 16)  # it goes on for as long as it likes
    else:
        units, blocks = (16, 1) if quick else (128, 4)
        model = transformer(len(letters), units, blocks, 4, STEPS, dropout=0.1, rng=seed)
        optimizer = pb.AdamW(CosineDecay(2e-3, steps=steps), weight_decay=0.1)
        validation = rows_of(kept, STEPS)
    trainer = pb.Trainer(model, pb.SequenceCrossEntropy(), optimizer, seed=seed)
    start = time.perf_counter()
    history = trainer.fit(windows, epochs=epochs, validation=validation)
    seconds = time.perf_counter() - start
    writer = StepByStep.of(model) if name == "lstm" else LastWindow(model, STEPS)
    return history, writer, seconds


def draw(curves: dict[str, pb.History], path: Path) -> None:
    """What each reached after each epoch."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.0), layout="constrained")
    axes = figure.add_subplot()
    for (name, history), colour in zip(curves.items(), ("#2166ac", "#b2182b"), strict=False):
        epochs = [row["epoch"] for row in history.rows]
        for key, style in (("nats", ":"), ("validation_nats", "-")):
            part = "kept to judge by" if key != "nats" else "learned from, with dropout"
            values = [row[key] for row in history.rows]
            axes.plot(epochs, values, style, color=colour, label=f"{name}, {part}")
    axes.set(xlabel="epoch", ylabel="nats a character", title="Shakespeare, letter by letter")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", choices=[[], "lstm", "transformer"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--save", type=Path)
    told = parser.parse_args()
    play = load_dataset("shakespeare")
    assert isinstance(play, Text)
    if told.quick:
        play = Text(play.name, play.text[:30_000], play.source)
    letters = Characters.of(play.pieces())
    curves = {}
    for name in told.networks or ["lstm", "transformer"]:
        history, writer, seconds = trained(name, play, told.seed, told.quick)
        curves[name] = history
        nats = history.rows[-1]["validation_nats"]
        print(f"{name}: {nats:.3f} nats, {nats / np.log(2.0):.3f} bits a character, ", end="")
        print(f"seed {told.seed}, in {seconds:.0f} s")
        some = generate(writer, letters, "\n", 600, sampling=Sampling(0.8), rng=told.seed)
        text = "".join(some)
        print(text)
        if told.save is not None:
            told.save.mkdir(exist_ok=True)
            (told.save / f"{name}.txt").write_text(text + "\n", encoding="utf-8")
    if told.save is not None:
        draw(curves, told.save / "curves.svg")


if __name__ == "__main__":
    main()

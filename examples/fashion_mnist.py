"""Clothes of 28 x 28 pixels, told apart by two networks; three seeds each.

    python examples/fashion_mnist.py [convnetjs] [best] [--seeds 3] [--quick]

The first is ConvNetJS's network for MNIST, which 5 epochs bring to 0.89 to 0.90 of the test part.
The second is the best that we know for a quarter of an hour on two cores: stages of 3 x 3
convolutions with batch normalization, on pictures that are shifted and turned round at random. It
should reach 0.935. `--quick` takes one epoch of a twentieth of the pictures. The data are fetched
at the first run, or read where `PULLBACK_DATA` says.
"""

from __future__ import annotations

import argparse
import time

import pullback as pb
from pullback.datasets import load_dataset
from pullback.images import Pictures
from pullback.images.recipe import standardized
from pullback.models import convnetjs_mnist, vgg
from pullback.optim import CosineDecay

BATCH = 64


def convnetjs(train: Pictures, seed: int, epochs: int = 5) -> tuple[pb.Trainer, int]:
    steps = len(train) // BATCH * epochs
    model = pb.Sequential(standardized(train), *convnetjs_mnist().layers, rng=seed)
    optimizer = pb.Adam(CosineDecay(0.003, steps=steps))
    return pb.Trainer(model, pb.SoftmaxCrossEntropy(), optimizer, seed=seed), epochs


def best(train: Pictures, seed: int, epochs: int = 16) -> tuple[pb.Trainer, int]:
    steps = len(train) // BATCH * epochs
    model = pb.Sequential(
        pb.RandomShift(2, 2),
        pb.RandomFlip(),
        standardized(train),
        *vgg(widths=(32, 64, 128), dropout=0.3).layers,
        rng=seed,
    )
    optimizer = pb.SGD(CosineDecay(0.05, steps=steps), momentum=0.9, nesterov=True)
    trainer = pb.Trainer(
        model, pb.SoftmaxCrossEntropy(), optimizer, penalties=pb.L2(5e-4), seed=seed
    )
    return trainer, epochs


NETWORKS = {"convnetjs": convnetjs, "best": best}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", choices=[[], *NETWORKS])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    told = parser.parse_args()
    train = load_dataset("fashion-mnist")
    assert isinstance(train, Pictures)
    test = train.test
    assert test is not None
    if told.quick:
        train, test = train.rows(slice(3_000)), test.rows(slice(500))
    for name in told.networks or NETWORKS:
        for seed in range(1 if told.quick else told.seeds):
            trainer, epochs = NETWORKS[name](train, seed, *[1] * told.quick)
            start = time.perf_counter()
            trainer.fit(train.inputs, train.labels, epochs=epochs, batch_size=BATCH)
            seconds = time.perf_counter() - start
            right = trainer.evaluate(test.inputs, test.labels)["accuracy"]
            print(f"{name}, seed {seed}: {right:.4f} of the test part right, in {seconds:.0f} s")


if __name__ == "__main__":
    main()

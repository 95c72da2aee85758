"""In: Settings that are well. Out: others that are well and look odd, of which no word is due."""

from __future__ import annotations

import numpy as np

import pullback as pb
from benchmarks.faults.case import Draw, control
from benchmarks.faults.setting import Setting


@control("blobs", "waves", "strokes", "scans", "firsts", "words", "strings", "rings")
def as_it_is(base: Setting, draw: Draw) -> Setting:
    return base


@control("blobs", "scans")
def deep(base: Setting, draw: Draw) -> Setting:
    """Eight layers, normalized."""
    return base.but(widths=(24,) * 8, norm=True, optimizer=pb.Adam(0.005))


@control("blobs", "rings")
def deep_and_plain(base: Setting, draw: Draw) -> Setting:
    return base.but(widths=(32,) * 6, optimizer=pb.Adam(0.003), epochs=25)


@control("rings")
def tiny(base: Setting, draw: Draw) -> Setting:
    """A handful of units, which are enough."""
    return base.but(widths=(6,), bend=pb.Tanh, optimizer=pb.Adam(0.05), epochs=30)


@control("blobs", "scans")
def very_wide(base: Setting, draw: Draw) -> Setting:
    return base.but(widths=(512,), optimizer=pb.Adam(0.003))


@control("scans")
def linear_where_that_is_enough(base: Setting, draw: Draw) -> Setting:
    return base.but(widths=(), optimizer=pb.Adam(0.01), epochs=25)


@control("rings", "firsts")
def one_in_eight(base: Setting, draw: Draw) -> Setting:
    """Unbalanced classes that are told apart all the same."""
    few = np.flatnonzero(base.y == 1)[:30]
    rows = draw.rng.permutation(np.concatenate([np.flatnonzero(base.y != 1), few]))
    return base.but(x=base.x[rows], y=base.y[rows], epochs=40)


@control("waves")
def noise_by_nature(base: Setting, draw: Draw) -> Setting:
    """A quantity of which a third is chance: the loss is high, and cannot be lower."""
    x, y = base.judged

    def noisy(y: np.ndarray) -> np.ndarray:
        return (y + 0.7 * draw.rng.normal(size=y.shape)).astype(np.float32)

    return base.but(y=noisy(base.y), judged=(x, noisy(y)), widths=(16,), epochs=15)


@control("waves")
def odd_units(base: Setting, draw: Draw) -> Setting:
    """Labels about 40, by tens, which are learned all the same."""
    x, y = base.judged
    setting = base.but(y=10.0 * base.y + 40.0, judged=(x, 10.0 * y + 40.0))
    return setting.but(optimizer=pb.Adam(0.02), epochs=60)


@control("waves")
def long_tail(base: Setting, draw: Draw) -> Setting:
    """Labels of which a few are many times the rest."""
    x, y = base.judged
    return base.but(y=np.exp(0.6 * base.y), judged=(x, np.exp(0.6 * y)), epochs=50)


@control("blobs", "strokes")
def small_batches(base: Setting, draw: Draw) -> Setting:
    """Batches of four, without normalization."""
    return base.but(batch_size=4, optimizer=pb.Adam(0.002), epochs=8)


@control("scans", "strokes")
def normalized(base: Setting, draw: Draw) -> Setting:
    return base.but(norm=True, optimizer=pb.Adam(0.005))


@control("blobs", "scans")
def some_dropout(base: Setting, draw: Draw) -> Setting:
    return base.but(dropout=0.2, widths=(64,), optimizer=pb.Adam(0.01), epochs=20)


@control("blobs", "scans")
def some_penalty(base: Setting, draw: Draw) -> Setting:
    return base.but(penalties=(pb.L2(1e-4),))


@control("scans")
def some_decay(base: Setting, draw: Draw) -> Setting:
    return base.but(optimizer=pb.AdamW(0.01, weight_decay=0.01))


@control("blobs", "scans")
def tanhs(base: Setting, draw: Draw) -> Setting:
    return base.but(bend=pb.Tanh, initializer="glorot")


@control("blobs", "scans")
def sorted_rows(base: Setting, draw: Draw) -> Setting:
    """Rows by their class, which the Trainer mixes itself."""
    order = np.argsort(base.y, kind="stable")
    return base.but(x=base.x[order], y=base.y[order])


@control("scans")
def mixed_batches(base: Setting, draw: Draw) -> Setting:
    """Batches in an order of their own, whose rows are mixed."""
    return base.but(ordered=True)


@control("scans")
def rate_that_decays(base: Setting, draw: Draw) -> Setting:
    return base.but(optimizer=pb.Adam(pb.ExponentialDecay(0.02, 0.5, steps=50)))


@control("blobs")
def features_that_say_nothing(base: Setting, draw: Draw) -> Setting:
    """A few columns of noise and one of a constant."""
    rng = draw.rng

    def more(x: np.ndarray) -> np.ndarray:
        noise = rng.normal(size=(len(x), 3))
        return np.column_stack([x, noise, np.ones(len(x))]).astype(np.float32)

    return base.every(more)

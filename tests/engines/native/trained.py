"""A step of training, and what it gives: for processes that import little else."""

import numpy as np

import pullback as pb


def training():
    rng = np.random.default_rng(0)
    x, w = pb.Unit(rng.normal(size=(4, 3)), "x"), pb.Unit(rng.normal(size=(3, 2)), "w")
    unread, count = pb.Unit(0.0, "unread"), pb.Unit(1.0, "count")
    loss = pb.mean(pb.tanh(x @ w + rng.normal(size=2)) ** 2) / count
    updates = {w: w - 0.1 * pb.gradient(loss, w), unread: loss, count: count + 1.0}
    return pb.Program({"x": x}, {"loss": loss, "half": loss * 0.5, "x again": x}, updates)


def results(native):
    """Of two steps and an epoch."""
    rows = {"x": np.arange(24.0).reshape(8, 3)}
    told = [native(x=np.ones((4, 3))), native()]
    told += [native.epoch(rows, np.arange(8)[::-1], lambda: False).numbers]
    told += [unit.value for unit in native.program.updates]
    flat = (x for part in told for x in (part.values() if isinstance(part, dict) else [part]))
    return [np.asarray(x).tolist() for x in flat]

"""In: Settings that are well. Out: the same with data, labels or a loss that mislead the net."""

from __future__ import annotations

import numpy as np

import pullback as pb
from benchmarks.faults.case import Draw, fault
from benchmarks.faults.setting import Setting

Pair = tuple[Setting, Setting]

_SCALED = (
    *("learning rate too high", "learning rate too low", "dying ReLUs", "saturated units"),
    *("exploding gradients", "not a number", "badly scaled initialization", "underfitting"),
)


@fault("unscaled inputs", on=("blobs", "rings", "scans", "strokes", "firsts"), accepted=_SCALED)
def other_units(base: Setting, draw: Draw) -> Pair:
    """Inputs of thousands, or of thousandths."""
    scale = float(draw.rng.uniform(300, 3000))
    scale = scale if draw.severe else 1.0 / scale
    base = base.but(optimizer=pb.SGD(0.05, momentum=0.9))
    return base, base.every(lambda x: x * np.float32(scale))


@fault("unscaled inputs", on=("blobs", "waves"), accepted=_SCALED)
def mixed_units(base: Setting, draw: Draw) -> Pair:
    """Each feature in a unit of its own, far from 0."""
    count = base.x.shape[1]
    scale = 10.0 ** draw.rng.uniform(-2, 3, count)
    scale[0] = 500.0 if draw.severe else 60.0
    shift = scale * draw.rng.uniform(0, 4, count)
    return base, base.every(lambda x: (x * scale + shift).astype(np.float32))


@fault(
    "unscaled labels",
    on=("waves", "waves", "waves"),
    accepted=("learning rate too low", "learning rate too high", "not a number", "underfitting"),
)
def other_currency(base: Setting, draw: Draw) -> Pair:
    """Quantities of thousands, far from 0."""
    scale = float(draw.rng.uniform(1e3, 1e5) if draw.severe else draw.rng.uniform(50, 200))
    shift = scale * float(draw.rng.uniform(0.0, 4.0))
    x, y = base.judged

    def priced(y: np.ndarray) -> np.ndarray:
        return (y * scale + shift).astype(np.float32)

    return base, base.but(y=priced(base.y), judged=(x, priced(y)))


def _some(count: int, draw: Draw, share: float) -> np.ndarray:
    """Which features, at least one."""
    return draw.rng.permutation(count)[: max(1, round(share * count))]


@fault("constant features", on=("blobs", "scans", "waves"), accepted=("different worlds",))
def still_features(base: Setting, draw: Draw) -> Pair:
    """Features that never move in training, and do in use; a severe case has no others."""
    x = base.x.copy()
    which = _some(x.shape[1], draw, 1.0 if draw.severe else 0.6)
    x[:, which] = x[:1, which]
    validation = tuple(part[:100] for part in base.judged)
    return base.but(validation=validation), base.but(x=x, validation=validation)


@fault("constant features", on=("strokes", "firsts"), accepted=("shuffled labels", "underfitting"))
def same_inputs(base: Setting, draw: Draw) -> Pair:
    """All rows are the first one, as of a reader that forgot to go on."""
    return base, base.every(lambda x: np.broadcast_to(x[:1], x.shape).copy())


@fault("duplicated features", on=("blobs", "waves", "rings"), accepted=("overfitting",))
def many_copies(base: Setting, draw: Draw) -> Pair:
    """A feature that says nothing, once or as a hundred columns."""
    copies = 150 if draw.severe else 80
    seeds = draw.rng.integers(2**31)

    def noise(x: np.ndarray, count: int) -> np.ndarray:
        rng = np.random.default_rng([seeds, len(x)])
        column = rng.normal(size=(len(x), 1)).astype(np.float32)
        return np.concatenate([x, np.repeat(column, count, axis=1)], axis=1)

    base = base.but(optimizer=pb.SGD(0.02, momentum=0.9))
    return base.every(lambda x: noise(x, 1)), base.every(lambda x: noise(x, copies))


@fault("leaking feature", on=("blobs", "rings", "scans", "waves"), accepted=("overfitting",))
def label_as_feature(base: Setting, draw: Draw) -> Pair:
    """A column that knows the label, and in use holds the mean; it may be a little noisy."""
    y = base.y.astype(np.float64)
    scaled = (y - y.mean()) / y.std()
    leak = scaled + (0.0 if draw.severe else 0.02) * draw.rng.normal(size=len(y))
    shuffled = draw.rng.permutation(leak)

    def with_column(column: np.ndarray) -> Setting:
        x = np.column_stack([base.x, column]).astype(np.float32)
        rows, labels = base.judged
        used = np.column_stack([rows, draw.rng.permutation(np.resize(leak, len(rows)))])
        return base.but(x=x, judged=(used.astype(np.float32), labels))

    return with_column(shuffled), with_column(leak)


@fault("different worlds", on=("blobs", "waves", "strokes", "firsts"), accepted=("overfitting",))
def other_world(base: Setting, draw: Draw) -> Pair:
    """Rows to judge by that are scaled and shifted as those to train on are not."""
    scale, shift = (-1.0, 2.0) if draw.severe else (0.5, 1.0)
    x, y = base.judged
    judged = ((x * scale + shift).astype(np.float32), y)
    well = base.but(validation=(x[:100], y[:100]))
    return well, base.but(validation=(judged[0][:100], y[:100]), judged=judged)


@fault("wrong loss", on=("blobs", "scans", "strokes"), accepted=("underfitting",))
def classes_as_numbers(base: Setting, draw: Draw) -> Pair:
    y = base.y.astype(np.float32)
    return base, base.but(loss=pb.SquaredError(), outputs=1, y=y)


@fault("wrong loss", on=("waves", "waves"), accepted=("saturated units", "underfitting"))
def answers_out_of_reach(base: Setting, draw: Draw) -> Pair:
    """Labels that a sigmoid at the end, or a tanh, never says."""
    x, y = base.judged
    base = base.but(y=base.y * 2.0, judged=(x, y * 2.0))
    return base, base.but(tail=(pb.Sigmoid if draw.severe else pb.Tanh,))


@fault("wrong loss", on=("waves",), accepted=("overfitting",))
def numbers_as_classes(base: Setting, draw: Draw) -> Pair:
    """A quantity in whole steps, of which each is a class of its own."""
    x, y = base.judged
    low = base.y.min()

    def whole(y: np.ndarray) -> np.ndarray:
        return np.clip(np.rint(8.0 * (y - low)), 0, 60)

    base = base.but(y=whole(base.y).astype(np.float32), judged=(x, whole(y)))
    well = base.but(epochs=60)
    labels = base.y.astype(int)
    return well, well.but(y=labels, loss=pb.SoftmaxCrossEntropy(), outputs=61)


_ELSEWHERE = ("overfitting", "underfitting", "label noise")


@fault(
    "shifted labels",
    on=("blobs", "waves", "scans", "strokes", "firsts"),
    accepted=(*_ELSEWHERE, "shuffled labels"),
)
def next_row(base: Setting, draw: Draw) -> Pair:
    """Each label stands at the next row, or some rows on."""
    by = 1 if draw.severe else int(draw.rng.choice([-1, 2]))
    return base, base.but(y=np.roll(base.y, by))


@fault(
    "shuffled labels", on=("blobs", "waves", "scans", "strokes", "words"), accepted=_ELSEWHERE[:2]
)
def any_row(base: Setting, draw: Draw) -> Pair:
    return base, base.but(y=draw.rng.permutation(base.y))


@fault("label noise", on=("blobs", "scans", "strokes", "firsts"), accepted=("overfitting",))
def wrong_labels(base: Setting, draw: Draw) -> Pair:
    """A share of the labels are those of another class."""
    y, classes = base.y.copy(), int(base.y.max()) + 1
    wrong = draw.rng.random(len(y)) < (0.4 if draw.severe else 0.2)
    y[wrong] = (y[wrong] + draw.rng.integers(1, classes, size=wrong.sum())) % classes
    return base.but(epochs=40), base.but(y=y, epochs=40)


@fault(
    "forgotten shuffling",
    on=("blobs", "waves", "scans", "strokes"),
    accepted=("unbalanced classes", "overfitting", "underfitting", "learning rate too high"),
)
def sorted_batches(base: Setting, draw: Draw) -> Pair:
    base = base.but(batch_size=16, epochs=8, optimizer=pb.SGD(0.05, momentum=0.9))
    order = np.argsort(base.y, kind="stable")
    if not draw.severe:  # in blocks, some rows of which are out of place
        moved = draw.rng.random(len(order)) < 0.1
        order[moved] = draw.rng.permutation(order[moved])
    return base, base.but(x=base.x[order], y=base.y[order], ordered=True)


@fault("unbalanced classes", on=("rings", "strokes", "words"), accepted=("overfitting",))
def rare_class(base: Setting, draw: Draw) -> Pair:
    """Of one class there are a few rows, and in use as many as of any."""
    rows = np.arange(len(base.y))
    rare = np.flatnonzero(base.y == 1)
    kept = rare[: 2 if draw.severe else 4]
    chosen = np.concatenate([rows[base.y != 1], kept])
    chosen = draw.rng.permutation(np.resize(chosen, len(rows)))
    return base, base.but(x=base.x[chosen], y=base.y[chosen])


@fault("overfitting", on=("blobs", "waves", "strokes", "scans"), accepted=("label noise",))
def few_rows(base: Setting, draw: Draw) -> Pair:
    """A wide net learns a few noisy rows by heart."""
    noise = np.float32(0.4)
    seed = draw.rng.integers(2**31)
    base = base.every(
        lambda x: x + noise * np.random.default_rng([seed, len(x)]).normal(size=x.shape)
    ).every(lambda x: x.astype(np.float32))
    base = base.but(widths=(*base.net.widths[:-1], 128), optimizer=pb.Adam(0.01))
    count = 40 if draw.severe else 60
    epochs = 30 * len(base.x) // count
    return base, base.but(x=base.x[:count], y=base.y[:count], epochs=epochs)


@fault("underfitting", on=("blobs", "rings", "waves", "scans"), accepted=("dying ReLUs",))
def hardly_any_units(base: Setting, draw: Draw) -> Pair:
    return base, base.but(widths=(1 if draw.severe else 2,), bend=pb.Tanh)


# Two at once -------------------------------------------------------------------------------------


@fault("unscaled inputs", "softmax twice", on=("blobs", "scans"), accepted=_SCALED)
def large_inputs_and_softmax(base: Setting, draw: Draw) -> Pair:
    well, ill = other_units(base, Draw(draw.rng, severe=True))
    return well, ill.but(tail=(pb.Softmax,))


@fault("forgotten shuffling", "learning rate too low", on=("scans",), accepted=("underfitting",))
def sorted_and_slow(base: Setting, draw: Draw) -> Pair:
    well, ill = sorted_batches(base, draw)
    return well, ill.faster(0.003)


@fault(
    "label noise",
    "penalty too strong",
    on=("blobs", "strokes"),
    accepted=("underfitting", "overfitting", "vanishing gradients", "dying ReLUs"),
)
def noise_and_penalty(base: Setting, draw: Draw) -> Pair:
    well, ill = wrong_labels(base, draw)
    return well, ill.but(penalties=(pb.L2(0.5),))


@fault("missing nonlinearity", "unscaled inputs", on=("rings",), accepted=_SCALED)
def large_and_straight(base: Setting, draw: Draw) -> Pair:
    well, ill = other_units(base, Draw(draw.rng, severe=True))
    return well, ill.but(bend=pb.Identity)


@fault("leaking feature", "unbalanced classes", on=("rings",), accepted=("overfitting",))
def leak_of_a_rare_class(base: Setting, draw: Draw) -> Pair:
    well, _ = label_as_feature(base, draw)
    _, rare = rare_class(base, draw)
    return well, label_as_feature(rare, draw)[1]


@fault("wrong loss", "zero initialization", on=("scans",), accepted=("underfitting", "dying ReLUs"))
def numbers_from_zeros(base: Setting, draw: Draw) -> Pair:
    well, ill = classes_as_numbers(base, draw)
    return well, ill.but(initializer="zeros")

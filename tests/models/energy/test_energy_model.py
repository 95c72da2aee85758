"""Models of energy: each inference against what it means, by enumeration and by closed forms."""

import itertools

import numpy as np
import pytest
from scipy.special import logsumexp, softmax

import pullback as pb
from pullback.models import ContrastiveDivergence, Descent, EnergyModel, Enumeration, Viterbi
from pullback.models.energy import flip_bits
from pullback.models.energy.energy_model import Energy
from pullback.sequences.decoding import viterbi

F8 = {"dtype": "float64"}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3))
BITS = np.array(list(itertools.product([0.0, 1.0], repeat=3)))


def apart(layers, x, y, training):
    """How far y is from a linear map of x."""
    d = y - layers.dense(x, training=training)
    return 0.5 * (d * d).sum(axis=1)


def linear(units=3):
    return pb.Model(apart, dense=pb.Dense(units, rng=0, **F8))


def test_enumeration_is_the_exact_likelihood():
    model = EnergyModel(linear(), Enumeration(BITS))
    scores = model(X)
    w, b = (unit.value for unit in model.parameters.values())
    energies = 0.5 * ((BITS[None] - (X @ w + b)[:, None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(scores.value, -energies, rtol=1e-12)
    right = RNG.integers(8, size=6)
    loss = pb.SoftmaxCrossEntropy()(scores, right)
    wanted = (energies[np.arange(6), right] + logsumexp(-energies, axis=1)).mean()
    assert float(loss.value) == pytest.approx(wanted, rel=1e-12)
    assert pb.check_gradients(loss)


def test_enumeration_learns_which_values_belong_together():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 3))
    labels = (x > 0) @ [4, 2, 1]  # the number of the bits among BITS
    model = EnergyModel(pb.Model(apart, dense=pb.Dense(3, rng=0)), Enumeration(BITS))
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.Adam(0.1), engine="eager")
    assert trainer.fit(x, labels, epochs=60).rows[-1]["accuracy"] > 0.95


def link(layers, x, before, y, training):
    """An energy of what x says of y after what was before, which is no sum of two."""
    both = pb.concatenate([x, before, y], axis=1)
    u = pb.tanh(layers.inside(both, training=training))
    return layers.out(u, training=training)[:, 0]


def of_links(tags):
    return pb.Model(link, inside=pb.Dense(5, rng=1, **F8), out=pb.Dense(1, rng=2, **F8))


def chained(layers, x, y, training):
    """The same energy of a whole chain: x (rows, steps, 3) and y (rows, steps, tags)."""
    rows, steps, tags = y.shape
    first = pb.Unit(np.zeros((rows, 1, tags)))
    before = pb.concatenate([first, y[:, :-1]], axis=1)
    flat = (pb.reshape(v, (rows * steps, v.shape[2])) for v in (x, before, y))
    return pb.reshape(layers.links(*flat, training=training), (rows, steps)).sum(axis=1)


@pytest.mark.parametrize(("steps", "tags"), [(1, 2), (2, 3), (3, 3), (5, 2), (4, 1)])
def test_viterbi_is_the_enumeration_of_all_chains(steps, tags):
    x, links = np.random.default_rng(7).normal(size=(4, steps, 3)), of_links(tags)
    every = np.array(list(itertools.product(range(tags), repeat=steps)))
    scores = EnergyModel(links, Viterbi(np.eye(tags)))(x)
    whole = EnergyModel(pb.Model(chained, links=links), Enumeration(np.eye(tags)[every]))(x)
    assert scores.shape == (4, steps + 1, tags, tags)
    found, best = viterbi(scores.value)
    np.testing.assert_array_equal(found, every[whole.value.argmax(axis=1)])
    np.testing.assert_allclose(best, whole.value.max(axis=1), rtol=1e-12)
    right = np.random.default_rng(8).integers(len(every), size=4)
    labels, each = every[right], np.arange(4)
    wrong = (every[None] != labels[:, None]).sum(axis=2)
    ahead = {
        pb.ChainPerceptron(): whole.value.max(axis=1),
        pb.ChainHinge(0.3): (whole.value + 0.3 * wrong).max(axis=1),
        pb.ChainCrossEntropy(): logsumexp(whole.value, axis=1),
    }
    for loss, most in ahead.items():
        wanted = (most - whole.value[each, right]).mean()
        assert float(loss(scores, labels).value) == pytest.approx(wanted, rel=1e-10, abs=1e-12)
    sources = list(links.parameters.values())
    likelihood = pb.gradient(pb.ChainCrossEntropy()(scores, labels), sources)
    softmaxed = pb.gradient(pb.SoftmaxCrossEntropy()(whole, right), sources)
    for a, b in zip(likelihood, softmaxed, strict=True):
        np.testing.assert_allclose(a.value, b.value, rtol=1e-9, atol=1e-12)


def test_a_chain_that_ends_early_is_scored_as_it_is_alone():
    x = np.random.default_rng(9).normal(size=(2, 5, 3))
    model = EnergyModel(of_links(3), Viterbi(np.eye(3)))
    labels = [[2, 0, 1, -1, -1], [0, 1, 1, 2, 0]]
    loss = pb.ChainCrossEntropy()
    alone = [loss(model(x[:1, :3]), [[2, 0, 1]]), loss(model(x[1:]), labels[1:])]
    together = float(loss(model(x), labels).value)
    assert together == pytest.approx(np.mean([unit.value for unit in alone]), rel=1e-12)


@pytest.mark.parametrize(
    "loss", [pb.ChainPerceptron(), pb.ChainHinge(), pb.ChainCrossEntropy()], ids=repr
)
def test_viterbi_learns_what_follows_what(loss):
    """Tags that x tells at the first step alone: after that, each follows from the one before."""
    rng = np.random.default_rng(10)
    first = rng.integers(3, size=100)
    labels = (first[:, None] + np.arange(4)) % 3
    x = 0.1 * rng.normal(size=(100, 4, 3)).astype(np.float32)
    x[np.arange(100), 0, first] += 1.0

    def simple(layers, x, before, y, training):
        said = layers.x(x, training=training) + layers.before(before, training=training)
        return -(y * said).sum(axis=1)

    links = pb.Model(simple, x=pb.Dense(3, rng=0), before=pb.Dense(3, rng=1))
    model = EnergyModel(links, Viterbi(np.eye(3)))
    trainer = pb.Trainer(model, loss, pb.Adam(0.05), engine="eager")
    trainer.fit(x, labels, epochs=15)
    assert (viterbi(model.predict(x))[0] == labels).mean() > 0.98


def test_a_chain_of_words_that_a_layer_reads_before():
    """Links stand behind layers that know the whole sequence, and take its lengths."""

    def flat(layers, x, before, y, training):
        return layers.out(x)[:, 0] * y + layers.out(x)[:, 1] * before * y

    links = EnergyModel(pb.Model(flat, out=pb.Dense(2, **F8)), Viterbi([-1.0, 1.0]))
    model = pb.Padded(pb.Embedding(7, 3, **F8), pb.GRU(2, **F8), links)
    words, lengths = np.array([[3, 1, 6], [2, 0, 0]]), np.array([3, 1])
    loss = pb.ChainCrossEntropy()(model(words, lengths), [[0, 1, 1], [1, -1, -1]])
    assert pb.check_gradients(loss)


@pytest.mark.parametrize("unrolled", [False, True])
def test_descent_goes_the_way_that_its_slope_says(unrolled):
    model = EnergyModel(linear(), Descent(4, 0.3, unrolled))
    start = RNG.normal(size=X.shape)
    y = model(X, start)
    w, b = (unit.value for unit in model.parameters.values())
    goal = X @ w + b  # of this energy, each step leaves 0.7 of the way
    np.testing.assert_allclose(y.value, goal + 0.7**4 * (start - goal), rtol=1e-12)
    np.testing.assert_allclose(model(X).value, goal + 0.7**4 * (X - goal), rtol=1e-12)


def bumpy(layers, x, y, training):
    u = pb.tanh(layers.dense(y, training=training))
    return (0.5 * (y - x) * (y - x)).sum(axis=1) + (u * u).sum(axis=1)


def test_a_loop_of_steps_is_the_steps_and_trains_through_them():
    made = []
    for unrolled in (False, True):
        model = EnergyModel(
            pb.Model(bumpy, dense=pb.Dense(4, rng=2, **F8)), Descent(3, 0.2, unrolled)
        )
        x = pb.Unit(X, "x")
        loss = pb.SquaredError()(model(x), np.cos(X))
        slopes = pb.gradient(loss, [x, *model.parameters.values()])
        made.append([loss.value, *(s.value for s in slopes)])
        assert pb.check_gradients(loss)
    for a, b in zip(*made, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("engine", ["native", "jax"])
def test_every_engine_goes_down_the_energy_of_a_convolution(engine):
    def energy(layers, x, y, training):
        u = layers.filters(y, training=training)
        return pb.log1p(u * u).sum(axis=(1, 2, 3)) + ((y - x) * (y - x)).sum(axis=(1, 2, 3))

    filters = pb.Conv2d(1, 3, padding="same", rng=0, **F8)
    model = EnergyModel(pb.Model(energy, filters=filters), Descent(3, 0.1))
    x = pb.Unit(np.random.default_rng(3).normal(size=(2, 5, 4, 1)), "x")
    loss = (model(x) * model(x)).sum()
    slopes = pb.gradient(loss, list(model.parameters.values()))
    outputs = {"loss": loss} | {str(k): slope for k, slope in enumerate(slopes)}
    program = pb.Program({}, outputs, {})
    wanted, got = (pb.prepare(name, program)() for name in ("eager", engine))
    for name, value in wanted.items():
        np.testing.assert_allclose(got[name], value, rtol=1e-9, err_msg=name)


def pairs(layers, y, training):
    """A Boltzmann machine: what bits are worth, and what they are worth together."""
    return -(y * layers.dense(y, training=training)).sum(axis=1)


def test_flipped_bits_are_distributed_by_their_energy():
    model = pb.Model(pairs, dense=pb.Dense(3, rng=5, **F8))
    energies = model(BITS).value
    wanted = softmax(-energies)
    y = pb.Unit(np.zeros((20_000, 3)))
    for step in range(12):
        y = pb.Unit(flip_bits(Energy(model, None), (y,), pb.Training(1, step)).value)
    found = np.bincount((y.value @ [4, 2, 1]).astype(int), minlength=8) / len(y.value)
    np.testing.assert_allclose(found, wanted, atol=4 * np.sqrt(0.25 / 20_000))


def test_contrastive_divergence_pulls_on_two_energies_and_not_on_the_sample():
    energy = pb.Model(pairs, dense=pb.Dense(3, rng=5, **F8))
    model = EnergyModel(energy, ContrastiveDivergence(2))
    both = model(BITS, training=pb.Training(3, 4))
    np.testing.assert_allclose(both.value[:, 0], energy(BITS).value, rtol=1e-13)
    loss = pb.EnergyGap()(both, BITS)
    slope = pb.gradient(loss, energy.parameters["energy.dense.weight"]).value
    calls = []

    def watched(*given):
        made = flip_bits(*given)
        calls.append(made.value)
        return made

    EnergyModel(energy, ContrastiveDivergence(2, watched))(BITS, training=pb.Training(3, 4))
    made = calls[-1]
    assert set(np.unique(made)) <= {0.0, 1.0}
    np.testing.assert_allclose(both.value[:, 1], energy(made).value, rtol=1e-13)
    np.testing.assert_allclose(slope, (made.T @ made - BITS.T @ BITS) / 8, rtol=1e-12, atol=1e-14)


def test_an_energy_that_remembers_is_refused_inside_a_loop():
    def normed(layers, *inputs, training):
        return layers.norm(inputs[-1], training=training).sum(axis=1)

    def trained(inference, loss, x):
        model = EnergyModel(pb.Model(normed, norm=pb.BatchNorm(**F8)), inference)
        pb.Trainer(model, loss, pb.SGD(0.1), engine="eager").fit(x, x, epochs=1)
        return model.state["energy.norm.mean"].value

    for inference, loss, cure in (
        (Descent(2), pb.SquaredError(), "let the Descent be unrolled"),
        (ContrastiveDivergence(), pb.EnergyGap(), "take a LayerNorm"),
    ):
        with pytest.raises(pb.CircuitError, match=f"'norm.mean' a new value .*: {cure}"):
            trained(inference, loss, BITS)
    assert trained(Descent(2, unrolled=True), pb.SquaredError(), BITS).all()


def test_whole_numbers_are_bits_as_well():
    model = EnergyModel(pb.Model(pairs, dense=pb.Dense(3, rng=5, **F8)), ContrastiveDivergence())
    np.testing.assert_array_equal(model(BITS.astype(int)).value, model(BITS).value)


def test_what_cannot_be_is_refused():
    def of_tables(layers, y, training):
        return layers.dense(y, training=training).sum(axis=(1, 2))

    table = pb.Model(of_tables, dense=pb.Dense(2, **F8))
    bits = pb.Model(pairs, dense=pb.Dense(3, **F8))
    halved = ContrastiveDivergence(1, lambda energy, inputs, training: inputs[0][::2])
    for make, message in (
        (lambda: Enumeration(1.0), "needs all values of y"),
        (lambda: Enumeration([]), "needs all values of y"),
        (lambda: Enumeration([1.0, np.nan]), "needs all values of y, finite numbers"),
        (lambda: Enumeration(["a", "b"]), "needs all values of y, finite numbers"),
        (lambda: Viterbi([]), "a Viterbi needs all values of y"),
        (lambda: EnergyModel(linear(), Enumeration(BITS))(X, X), "takes x, got 2 inputs"),
        (lambda: EnergyModel(linear(), Viterbi(BITS))(X, X), "takes x, got 2 inputs"),
        (lambda: EnergyModel(linear(), Viterbi(BITS))(X[:, 0]), "a chain needs an x of shape"),
        (lambda: EnergyModel(linear(), Viterbi(BITS))(X[:, :0]), "a chain needs an x of shape"),
        (lambda: EnergyModel(linear(), Descent())(X, X, X), "takes x and maybe y, got 3 inputs"),
        (lambda: Descent(0), "steps are a whole number of at least 1, got 0"),
        (lambda: Descent(True), "steps are a whole number"),
        (lambda: Descent(1, 0.0), "rate of descent must be positive"),
        (lambda: Descent(1, "fast"), "rate of descent must be a finite number"),
        (lambda: ContrastiveDivergence(1.5), "steps are a whole number"),
        (lambda: ContrastiveDivergence(1, 3), "a sampler is a function such as flip_bits, got 3"),
        (lambda: EnergyModel(pb.Dense(2), "viterbi"), "needs an inference, got 'viterbi'"),
        (lambda: EnergyModel(pb.Dense(2), Descent), "needs an inference, got <class"),
        (lambda: EnergyModel(apart, Descent()), "an EnergyModel is made of layers"),
        (lambda: EnergyModel(pb.Dense(2), ContrastiveDivergence())(X), "one number a row"),
        (lambda: flip_bits(Energy(bits, None), (pb.Unit(X[:, :0]),), pb.Training()), "needs a y"),
        (lambda: EnergyModel(bits, halved)(X), r"\(6, 3\) the sampler made one of \(3, 3\)"),
        (lambda: EnergyModel(table, ContrastiveDivergence())(X[None]), "flip_bits needs a y"),
    ):
        with pytest.raises(pb.CircuitError, match=message):
            make()

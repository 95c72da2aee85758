"""Steps by the gradient at the worst point nearby: against NumPy, Optax, and a loop by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import pullback as pb
from pullback.engines.prepare import prepare
from pullback.program.program import Program

RNG = np.random.default_rng(0)
CURVATURES = [np.logspace(-1, 1, 6).reshape(3, 2), np.logspace(0, 1, 5), np.array(2.0)]
START = [RNG.normal(size=c.shape) for c in CURVATURES]
X = RNG.normal(size=(24, 3))
Y = RNG.integers(0, 2, 24)


def ours(optimizer, steps=100):
    """Descent on 0.25 * c * p**4, on whose slopes it matters where one stands."""
    parameters = [pb.Unit(p, f"p{k}") for k, p in enumerate(START)]

    def slopes(wires):
        terms = zip(CURVATURES, wires, strict=True)
        return pb.gradient(sum((0.25 * c * p**4).sum() for c, p in terms), wires)

    memory = optimizer.init(parameters)
    moved, news = optimizer.update(slopes(parameters), memory, parameters, slopes=slopes)
    updates = dict(zip([*parameters, *memory], [*moved, *news], strict=True))
    run = prepare("eager", Program({}, {}, updates))
    for _ in range(steps):
        run()
    return [p.value for p in parameters]


def slope(parameters):
    return [c * p**3 for c, p in zip(CURVATURES, parameters, strict=True)]


@pytest.mark.parametrize("adaptive", [False, True])
def test_it_is_the_paper_by_hand(adaptive):
    p, velocities = START, [0.0] * len(START)
    for _ in range(100):
        g = slope(p)
        scales = [np.abs(x) if adaptive else np.ones_like(x) for x in p]
        norm = np.sqrt(sum(((s * d) ** 2).sum() for s, d in zip(scales, g, strict=True)))
        worst = [x + 0.1 * s * s * d / norm for x, s, d in zip(p, scales, g, strict=True)]
        velocities = [0.9 * v + d for v, d in zip(velocities, slope(worst), strict=True)]
        p = [x - 0.005 * v for x, v in zip(p, velocities, strict=True)]
    found = ours(pb.SAM(pb.SGD(0.005, momentum=0.9), 0.1, adaptive=adaptive))
    for a, b in zip(found, p, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11)


def test_it_is_that_of_optax():
    with jax.enable_x64(True):
        away = optax.chain(optax.contrib.normalize(), optax.sgd(0.1))
        sam = optax.contrib.sam(optax.adam(0.01), away, sync_period=2, opaque_mode=True)
        curvatures = [jnp.asarray(c) for c in CURVATURES]

        @jax.jit
        def run(p, state):
            def grad(q, _):
                return [c * x**3 for c, x in zip(curvatures, q, strict=True)]

            def step(_, now):
                p, state = now
                changes, state = sam.update(grad(p, 0), state, p, grad_fn=grad)
                return optax.apply_updates(p, changes), state

            return jax.lax.fori_loop(0, 100, step, (p, state))[0]

        p = [jnp.asarray(x) for x in START]
        theirs = [np.asarray(x) for x in run(p, sam.init(p))]
    for a, b in zip(ours(pb.SAM(pb.Adam(0.01), 0.1)), theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11)


def net(middle=()):
    layers = pb.Dense(5, dtype="float64"), pb.Tanh(), *middle, pb.Dense(2, dtype="float64")
    return pb.Sequential(*layers, rng=0)


def trained(model, optimizer, engine="eager", epochs=3, **how):
    trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), optimizer, engine=engine, **how)
    return trainer, trainer.fit(X, Y, epochs=epochs, batch_size=8, progress=False)


def by_hand(model, rho, rate, strength, steps):
    """The same training with two calls of the model for each step; the batches in their order."""
    loss, penalty, losses = pb.SoftmaxCrossEntropy(), pb.L2(strength), []
    parameters = model.parameters

    def slopes(number):
        training = pb.Training(0, number)
        cost = loss(model(X[rows], training=training), Y[rows])
        whole = cost + penalty(parameters, model.weights)
        return cost, [g.value for g in pb.gradient(whole, list(parameters.values()))], training

    for number in range(steps):
        at = number % 3 * 8
        if at == 0:
            order = np.random.default_rng([0, number // 3 + 1]).permutation(24)
        rows = order[at : at + 8]
        cost, g, training = slopes(number)
        losses.append(float(cost.value))
        norm = np.sqrt(sum((d**2).sum() for d in g))
        start = [p.value for p in parameters.values()]
        for p, x, d in zip(parameters.values(), start, g, strict=True):
            p.value = x + rho * d / norm
        _, g, _ = slopes(number)
        for p, x, d in zip(parameters.values(), start, g, strict=True):
            p.value = x - rate * d
        training.commit()  # of the first pass
    return losses


@pytest.mark.parametrize("engine", ["eager", "native"])
def test_both_passes_draw_the_same_and_statistics_are_those_of_the_first(engine):
    middle = pb.BatchNorm(dtype="float64"), pb.Dropout(0.4)
    model, hand = net(middle), net((pb.BatchNorm(dtype="float64"), pb.Dropout(0.4)))
    model(X)
    hand(X)
    _, history = trained(model, pb.SAM(pb.SGD(0.1), 0.2), engine, penalties=pb.L2(0.01))
    losses = by_hand(hand, 0.2, 0.1, 0.01, steps=9)
    np.testing.assert_allclose(history["loss"], np.mean(np.reshape(losses, (3, 3)), axis=1))
    for name, unit in {**model.parameters, **model.state}.items():
        other = {**hand.parameters, **hand.state}[name]
        np.testing.assert_allclose(unit.value, other.value, rtol=1e-9, err_msg=name)


def test_a_second_pass_draws_nothing_of_its_own():
    model = net((pb.Dropout(0.5),))
    step = pb.TrainingStep(model, pb.SoftmaxCrossEntropy(), pb.SAM(pb.SGD(0.1)))
    program = step.program(step.columns(X, Y))
    draws = [unit for unit in program.wires if unit.gate is pb.GATES["random"]]
    assert len(draws) == 1


def test_a_recurrent_network_is_looked_at_elsewhere_too():
    x = RNG.normal(size=(12, 4, 2))
    ends = []
    for engine in ("eager", "native"):
        layers = pb.GRU(3, dtype="float64"), pb.LastStep(), pb.Dense(2, dtype="float64")
        model = pb.Sequential(*layers, rng=0)
        trainer = pb.Trainer(
            model, pb.SoftmaxCrossEntropy(), pb.SAM(pb.Adam(0.01), 0.5), engine=engine
        )
        ends.append(trainer.fit(x, Y[:12], epochs=3, batch_size=6, progress=False)["loss"])
        assert ends[-1][-1] < ends[-1][0]
    np.testing.assert_allclose(*ends, rtol=1e-9)


def test_where_there_is_no_slope_it_stays():
    p = pb.Unit(np.zeros(3), "p")
    moved, _ = pb.SAM(pb.SGD(0.1)).update(
        [pb.Unit(np.zeros(3))], [], [p], slopes=lambda wires: [2.0 * x for x in wires]
    )
    np.testing.assert_array_equal(moved[0].value, np.zeros(3))
    assert pb.SAM(pb.SGD(0.1)).update([], [], [], slopes=lambda wires: []) == ([], [])


def test_a_group_of_its_own_looks_about_alone():
    """The others stay where they are while it asks what the slope is elsewhere."""
    p, q = pb.Unit(1.0, "p"), pb.Unit(2.0, "q")

    def slopes(wires):
        return pb.gradient(wires[0] * wires[0] * wires[1] * wires[1], wires)

    optimizer = pb.Groups(pb.SGD(0.1), {"q": pb.SAM(pb.SGD(0.01), rho=0.5)})
    moved, _ = optimizer.update(slopes([p, q]), [], [p, q], slopes=slopes)
    np.testing.assert_allclose([x.value for x in moved], [1.0 - 0.1 * 8.0, 2.0 - 0.01 * 5.0])


def test_what_it_cannot_do_is_refused():
    p = pb.Unit(1.0, "p")
    with pytest.raises(pb.CircuitError, match=r"SAM needs the gradients at another point too"):
        pb.SAM(pb.SGD(0.1)).update([p], [], [p])
    for rho in (0.0, -1.0, float("nan"), "0.1", True):
        with pytest.raises(pb.CircuitError, match="rho must be"):
            pb.SAM(pb.SGD(0.1), rho)
    for optimizer in (pb.SAM(pb.SGD(0.1)), pb.Lookahead(pb.SAM(pb.SGD(0.1)))):
        with pytest.raises(pb.CircuitError, match=r"Accumulate cannot stand around SAM"):
            pb.Accumulate(optimizer)
    with pytest.raises(pb.CircuitError, match=r"SAM goes around an Optimizer, .* got 0.1"):
        pb.SAM(0.1)

"""The source that a circuit writes of itself runs by itself, and gives what the circuit gives."""

import ast
import json
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from tests.circuits import circuits
from tests.test_guide import NINJA

import pullback as pb
from pullback.circuit import LANGUAGES
from pullback.source.layout import write_source

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")


def pulls_of(circuit):
    """A force on each element of each output that can be pulled, other than the default."""
    pulls = []
    if not any(unit.dtype.kind == "f" for unit in circuit.inputs):
        return pulls  # nothing would follow them: the function takes none
    for k, y in enumerate(circuit.outputs):
        if y.dtype.kind == "f":
            force = np.linspace(0.5 + k, 1.5 + k, y.size).reshape(y.shape).astype(y.dtype)
            pulls.append(force.item() if type(y.value) is float else force)
    return pulls


def expected(circuit, pulls):
    """What the eager engine gives: the values of the outputs and the gradients of the sources."""
    xs = [unit for unit in circuit.inputs if unit.dtype.kind == "f"]
    given = iter(pulls)
    forces = [next(given, None) if y.dtype.kind == "f" else None for y in circuit.outputs]
    grads = [np.zeros(x.shape, x.dtype) for x in xs]
    for y, force in zip(circuit.outputs, forces, strict=True):
        if force is None:
            continue
        for k, g in enumerate(pb.gradient(y, xs, force)):
            grads[k] = grads[k] + g.value
    return [y.value for y in circuit.outputs], grads


def run(circuit, pulls=()):
    """What the text gives in Python."""
    written = write_source(circuit.outputs, LANGUAGES["python"])
    ast.parse(written.text)
    namespace = {}
    exec(written.text, namespace)
    with np.errstate(all="ignore"):
        arguments = [unit.value for unit in written.arguments.values()]
        values, grads = namespace["circuit"](*arguments, *pulls)
    return list(values), list(grads)


def assert_right(circuit, rtol=1e-9, atol=1e-10):
    pulls = pulls_of(circuit)
    for theirs, ours in zip(run(circuit, pulls), expected(circuit, pulls), strict=True):
        assert len(theirs) == len(ours)
        for a, b in zip(theirs, ours, strict=True):
            assert np.shape(a) == np.shape(b)
            np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)
    assert circuit.source() == circuit.source()
    assert all(len(line) <= 100 for line in circuit.source().splitlines())


def neuron():
    a, b, c, x, y = pb.units(a=1.0, b=2.0, c=-3.0, x=-1.0, y=3.0)
    return pb.Circuit(pb.sigmoid(a * x + b * y + c))


def two_layer_network():
    x, y = pb.units(x=1.2, y=0.7)
    numbers = iter([0.9, -0.4, 0.3, -0.8, 0.6, 0.2, 0.5, 0.7, -0.1, 0.8, -0.6, 1.1, 0.1])
    neurons = []
    for k in (1, 2, 3):
        a, b, c = (pb.Unit(next(numbers), f"{letter}{k}") for letter in "abc")
        neurons.append(pb.relu(a * x + b * y + c).named(f"n{k}"))
    a4, b4, c4, d4 = (pb.Unit(next(numbers), name) for name in ("a4", "b4", "c4", "d4"))
    n1, n2, n3 = neurons
    return pb.Circuit((a4 * n1 + b4 * n2 + c4 * n3 + d4).named("score"))


def svm_cost():
    x, y, w = pb.units(X=[[1.2, 0.7], [-0.3, 0.5], [3.0, 2.5]], y=[1.0, -1, 1], w=[0.1, 0.2, 0.3])
    costs = pb.maximum(0.0, 1.0 - y * (x @ w[:2] + w[2]))
    return pb.Circuit(pb.sum(costs) + 0.1 * pb.sum(w[:2] ** 2))


def dense(sizes, dtype="float64", rows=5):
    """A network of dense layers, its cross-entropy, and the labels as one of its sources."""
    rng = np.random.default_rng(0)
    layers = []
    for n in sizes[1:]:
        layers += [pb.Dense(n, dtype=dtype), pb.ReLU()]
    x = pb.Unit(rng.normal(size=(rows, sizes[0])).astype(dtype), "inputs")
    scores = pb.Sequential(*layers[:-1])(x)
    return pb.SoftmaxCrossEntropy()(scores, rng.integers(0, sizes[-1], rows))


# The text ----------------------------------------------------------------------------------------


def test_two_gates_read_like_this():
    x, y, z = pb.units(x=-2.0, y=5.0, z=-4.0)
    assert (
        pb.Circuit((x + y) * z).source()
        == '''def circuit(x, y, z, df=1.0):
    """Returns f and its gradients by x, y, z, pulled by df."""
    # forward
    q = x + y
    f = q * z
    # backward
    dz = q * df
    dq = z * df
    dx = dy = dq
    return f, (dx, dy, dz)
'''
    )


def test_the_neuron_reads_like_this():
    assert (
        neuron().source()
        == '''import numpy as np


def circuit(a, b, c, x, y, df=1.0):
    """Returns f and its gradients by a, b, c, x, y, pulled by df."""
    # forward
    q = a * x + b * y + c
    f = 1 / (1 + np.exp(-q))
    # backward
    dq = f * (1 - f) * df
    da = x * dq
    db = y * dq
    dc = dq
    dx = a * dq
    dy = b * dq
    return f, (da, db, dc, dx, dy)
'''
    )


def test_the_2_layer_network_reads_like_this():
    text = two_layer_network().source()
    assert (
        text.partition("    # forward\n")[2]
        == """\
    q1 = a1 * x + b1 * y + c1
    n1 = np.maximum(q1, 0)
    q2 = a2 * x + b2 * y + c2
    n2 = np.maximum(q2, 0)
    q3 = a3 * x + b3 * y + c3
    n3 = np.maximum(q3, 0)
    score = a4 * n1 + b4 * n2 + c4 * n3 + d4
    # backward
    da4 = n1 * dscore
    db4 = n2 * dscore
    dc4 = n3 * dscore
    dd4 = dscore
    dn3 = c4 * dscore
    dn2 = b4 * dscore
    dn1 = a4 * dscore
    dq3 = (q3 > 0) * dn3
    da3 = x * dq3
    db3 = y * dq3
    dc3 = dq3
    dq2 = (q2 > 0) * dn2
    da2 = x * dq2
    db2 = y * dq2
    dc2 = dq2
    dq1 = (q1 > 0) * dn1
    dx = a3 * dq3 + a2 * dq2 + a1 * dq1
    dy = b3 * dq3 + b2 * dq2 + b1 * dq1
    da1 = x * dq1
    db1 = y * dq1
    dc1 = dq1
    return score, (
        dx, dy, da1, db1, dc1, da2, db2, dc2, da3, db3, dc3, da4, db4, dc4, dd4,
    )
"""
    )


def test_default_pull_is_one():
    circuit = neuron()
    circuit.backward()
    values, grads = run(circuit)
    assert values == [pytest.approx(circuit.outputs[0].value)]
    assert grads == pytest.approx([unit.grad for unit in circuit.inputs])


# The numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NINJA)
def test_the_guide_s_expressions(name):
    expression, at, *_ = NINJA[name]
    assert_right(pb.Circuit(expression(*(pb.Unit(x) for x in at))))
    assert_right(pb.Circuit(expression(*(pb.Unit([x, x]) for x in at))))


@pytest.mark.parametrize("build", [neuron, two_layer_network, svm_cost])
def test_the_guide_s_circuits(build):
    assert_right(build())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", [(2, 3, 1), (4, 8, 3)])
def test_models(sizes, dtype):
    circuit = pb.Circuit(dense(sizes, dtype))
    assert "dense1_weight" in circuit.source()
    single = dtype == "float32"
    assert_right(circuit, *((2e-5, 1e-5) if single else ()))
    values, grads = run(circuit, pulls_of(circuit))
    wanted = [unit.dtype for unit in circuit.inputs if unit.dtype.kind == "f"]
    assert [np.asarray(g).dtype for g in grads] == wanted
    assert np.asarray(values[0]).dtype == dtype


X, M = pb.Unit([0.5, -1.0, 2.0], "x"), pb.Unit(np.arange(6.0).reshape(2, 3) / 7.0, "m")
ROWS, N = pb.Unit(np.array([1, 0, 1]), "rows"), pb.Unit(0.7, "n")


@pytest.mark.parametrize(
    "wire",
    [
        M * X + N,
        M[:, :1] * X[None] - M[1, 2],
        M[::-1, 1:],
        M[:, ::-2],
        pb.take(M, ROWS),
        pb.take(M, ROWS, axis=1),
        pb.scatter_add(M, ROWS[:2], M * 2.0),
        pb.scatter_add(M, ROWS, M, axis=1),
        pb.pad(M, 1, 0.5),
        pb.concatenate([M, M * N], axis=1),
        pb.stack([X, X * N], axis=1),
        pb.where(M > 0.3, M, X),
        pb.where(X > 0.0, 1.0, 0.0) * X,
        pb.clip(X, -1.0, 1.0),
        pb.erf(X) + pb.erf(N),
        pb.softplus(X) * pb.sqrt(pb.exp(X)),
        pb.softmax(M, axis=0),
        pb.log_softmax(M, axis=(0, 1)),
        pb.logsumexp(M, axis=1, keepdims=True),
        pb.max(M, axis=1) + pb.min(M, axis=1),
        pb.mean(M, axis=0, keepdims=True),
        pb.einsum("ij,kj->ik", M, M),
        X @ M.T,
        M @ X,
        X @ X,
        M.T.reshape(3, 2) @ M,
        pb.transpose(M.reshape(1, 2, 3), (2, 0, 1)),
        pb.stop_gradient(X) * X,
        N ** (X * X),
        pb.abs(X) ** 2.5,
        -(X**2) - (X - (N - X)) / (X * (N / X)),
        (-X) ** 2.0,
        ((X > 0.0) * 1.0 + (N > 0.0)) * X,
        (N > 0.0) + (pb.exp(N) > 0.0) * N,
        pb.logical_not(pb.logical_and(X > 0.0, pb.logical_or(X < 3.0, N > 2.0))) * X,
        X * np.linspace(0.0, 1.0, 3) + X * pb.constant(np.linspace(0.0, 1.0, 90).reshape(30, 3)),
        pb.sum(X) * N,
        pb.sigmoid(1000.0 * X),
        pb.prod(M, axis=1) * pb.prod(X),
        pb.cumsum(M, axis=1) + pb.cumsum(X),
        pb.sort(M, axis=0) * pb.topk(X, 3)[0],
        pb.norm(M, axis=1) * pb.std(X),
        pb.linalg.solve(M @ M.T, M) * pb.linalg.det(M @ M.T),
        pb.linalg.cholesky(M @ M.T) * pb.linalg.slogdet(M @ M.T).logabsdet,
        M[[0, 1], [2, 0]] * N + M[:, [1, 0]],
        pb.roll(X, 1) % 0.4 + pb.square(pb.arctan2(X, N)) + pb.tile(N, 3),
        pb.log2(pb.exp(X)) + pb.sinh(X) * pb.arctan(X),
    ],
    ids=lambda wire: wire.gate.name,
)
def test_arrays(wire):
    assert_right(pb.Circuit(wire))
    assert_right(pb.Circuit(pb.sum(wire * wire)))


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(circuits())
def test_random_circuits(circuit):
    assert_right(pb.Circuit(circuit.output), rtol=1e-7, atol=1e-9)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(circuits(dtype=np.float32))
def test_random_circuits_of_single_precision(circuit):
    made = pb.Circuit(circuit.output)
    ours, theirs = expected(made, pulls_of(made)), run(made, pulls_of(made))
    for a, b in zip(theirs[0] + theirs[1], ours[0] + ours[1], strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=1e-3)


# Names and edges ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        ("np", "lambda"),
        ("x", "dx"),
        ("df", "f"),
        ("q", "dq"),
        ("π", "größe"),
        ("a b", "a.b"),
        ("2nd", "None"),
        ("circuit", "math"),
        ("t", "t1"),
        ("ﬁ", "fi"),
        ("x²", "x_"),
        ("float", "d"),
        ("_", " "),
        ("erf", "logsumexp"),
    ],
)
def test_names_that_collide(names):
    a, b = (pb.Unit(v, name) for v, name in zip((1.5, -0.5), names, strict=True))
    q = a * b + pb.erf(a)
    assert_right(pb.Circuit(pb.exp(q) * q + pb.logsumexp(q * np.ones(2))))


def test_wires_of_one_name():
    x = pb.Unit(1.5, "x")
    q = pb.sin(x).named("q")
    assert_right(pb.Circuit((pb.cos(q).named("q") * q).named("x")))


def test_several_outputs():
    x, y = pb.units(x=1.5, y=[1.0, 2.0])
    q = (x * y).named("q")
    assert_right(pb.Circuit([q, pb.sum(q) * x]))
    assert_right(pb.Circuit([q, q]))
    assert_right(pb.Circuit({"a": q * 2.0, "b": q > 1.0}))


def test_outputs_that_are_sources_constants_or_nothing_new():
    x, y = pb.units(x=1.5, y=2.0)
    for outputs in (
        x,
        [x, x * y],
        [x * y, x],
        x * 1.0,
        [x + 0.0, x * 1.0],
        pb.constant(3.0),
        [pb.constant([1.0, 2.0]), x],
        x > 1.0,
        [x > 1.0, y],
    ):
        assert_right(pb.Circuit(outputs))


def test_sources_without_gradient():
    x, y = pb.units(x=1.5, y=[1.0, 2.0])
    k = pb.Unit(np.array([3, 4]), "k")
    assert_right(pb.Circuit((x > 1.0) * y * k))
    assert_right(pb.Circuit(pb.stop_gradient(y) * x))


def test_long_formulas_and_long_lists_are_broken():
    xs = pb.units(**{f"a_rather_long_name{k}": float(k) for k in range(20)})
    total = xs[0]
    for x in xs[1:]:
        total = total + x * x
    assert_right(pb.Circuit(total))


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_what_cannot_be_written_is_named(language):
    x, w = pb.Unit(np.ones((1, 4, 4, 1)), "x"), pb.Unit(np.ones((2, 2, 1, 1)), "w")
    with pytest.raises(pb.CircuitError, match=r"gate 'convolve'.* cannot be written in plain"):
        pb.Circuit(pb.convolve(x, w)).source(language)


def test_unknown_languages_are_refused():
    with pytest.raises(pb.CircuitError, match="languages are: 'python', 'javascript'"):
        neuron().source("fortran")


def test_gates_of_one_s_own_are_written_by_what_they_are_made_of():
    @pb.gate(partials=(lambda y, x: 3.0 * x * x,), registry=None)
    def cube(m, x):
        return m.multiply(x, m.multiply(x, x))

    assert_right(pb.Circuit(cube(pb.Unit(2.0, "x"))))


# JavaScript --------------------------------------------------------------------------------------


def plain(value):
    return np.asarray(value).tolist()


def assert_right_in_javascript(*made, rtol=1e-9, atol=1e-10):
    """All circuits in one run of Node: starting it is what takes time."""
    program, wanted = [], []
    for circuit in made:
        pulls = pulls_of(circuit)
        written = write_source(circuit.outputs, LANGUAGES["javascript"])
        arguments = [plain(v) for v in [*(u.value for u in written.arguments.values()), *pulls]]
        program.append(f"{{\n{written.text}results.push(circuit(...{json.dumps(arguments)}));\n}}")
        wanted.append(expected(circuit, pulls))
    text = "'use strict';\nconst results = [];\n" + "\n".join(program)
    text += "\nconsole.log(JSON.stringify(results));"
    done = subprocess.run(["node", "-"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for (values, grads), (ours, our_grads) in zip(json.loads(done.stdout), wanted, strict=True):
        for a, b in zip(values + grads, ours + our_grads, strict=True):
            assert np.shape(a) == np.shape(b)
            np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def test_the_neuron_in_javascript_reads_like_this():
    assert (
        neuron().source("javascript")
        == """\
// Returns f and the gradients by a, b, c, x, y, pulled by df.
function circuit(a, b, c, x, y, df = 1) {
  // forward
  const q = a * x + b * y + c;
  const f = 1 / (1 + Math.exp(-q));
  // backward
  const dq = f * (1 - f) * df;
  const da = x * dq;
  const db = y * dq;
  const dc = dq;
  const dx = a * dq;
  const dy = b * dq;
  return [f, [da, db, dc, dx, dy]];
}
"""
    )


@needs_node
def test_numbers_in_javascript():
    x, y, n = pb.units(var=0.7, y=-1.3, n=2.5)
    more = [
        pb.where(x > y, x * y, -y) - (-x) ** 2.0,
        pb.softplus(y) + pb.tanh(x) * pb.abs(y) - pb.log(x) ** 3.0,
        pb.clip(x, -0.5, 0.5) + pb.minimum(x, y) + x**n,
        pb.logical_and(x > 0.0, pb.logical_not(y > 0.0)) * x - (x - -y),
        pb.stop_gradient(x) * (x > y) + (y < 0.0) * (x / (y / n)),
    ]
    wires = [NINJA[name][0](*(pb.Unit(v) for v in NINJA[name][1])) for name in NINJA] + more
    assert_right_in_javascript(
        neuron(),
        two_layer_network(),
        pb.Circuit([x, x * y]),
        pb.Circuit({"π": x, "b": x > y}),
        *(pb.Circuit(wire) for wire in wires),
    )


@needs_node
def test_dense_networks_in_javascript():
    assert_right_in_javascript(pb.Circuit(dense((2, 3, 1))), pb.Circuit(dense((4, 8, 3))))
    single = [pb.Circuit(dense(sizes, "float32")) for sizes in ((2, 3, 1), (4, 8, 3))]
    assert_right_in_javascript(*single, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: pb.sum(x),
        lambda x: pb.sum(x, axis=1),
        lambda x: pb.max(pb.transpose(x), axis=0),
        lambda x: x * 2.0,
    ],
)
def test_arrays_without_elements_are_refused_in_javascript(make):
    x = pb.Unit(np.zeros((0, 3)), "x")
    with pytest.raises(pb.CircuitError, match="no elements, cannot be written in plain JavaScript"):
        pb.Circuit(make(x)).source("javascript")


@needs_node
def test_arrays_in_javascript():
    assert_right_in_javascript(
        *(
            pb.Circuit(wire)
            for wire in (
                M * X + N,
                pb.where(M > 0.3, M, X),
                pb.softmax(M, axis=1) * M,
                pb.log_softmax(M, axis=(0, 1)),
                pb.logsumexp(M, axis=0, keepdims=True),
                pb.max(M, axis=1) + pb.min(M, axis=1),
                pb.mean(M, axis=0, keepdims=True) * X,
                M @ X,
                X @ X,
                M.T.reshape(3, 2) @ M,
                pb.sum(pb.sigmoid(M) * pb.tanh(X)),
                X * np.linspace(0.0, 1.0, 3)
                + X * pb.constant(np.linspace(0.0, 1.0, 90).reshape(30, 3)),
                pb.einsum("ij,kj->ik", M, M),
            )
        )
    )

"""Copies and pickles of wires, gates and circuits: whole, tied together, and independent."""

import copy
import io
import itertools
import pickle
import subprocess
import sys
import threading
import time

import joblib
import numpy as np
import pytest

import pullback as pb
from pullback.core import walk
from pullback.core.copying import Code


def joblib_copied(thing):
    file = io.BytesIO()
    joblib.dump(thing, file)
    file.seek(0)
    return joblib.load(file)


WAYS = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
    "protocol 2": lambda thing: pickle.loads(pickle.dumps(thing, 2)),
    "in Python": lambda thing: pickle._loads(pickle._dumps(thing)),
    "joblib": joblib_copied,
}
EACH_WAY = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
QUICK = pytest.mark.parametrize("way", [copy.deepcopy, WAYS["pickle"]], ids=["deepcopy", "pickle"])


@pb.gate(partials=(lambda y, x: 3.0 * x * x,))
def cubed(m, x):
    return x * x * x


def circuit():
    """Scalars, arrays, a gate of one's own, random numbers and a loop, with gradients."""
    x, y = pb.units(x=0.5, y=np.array([1.0, -2.0, 3.0], np.float32))
    with pb.scope("outer"):
        product = (x * y).named("product")
        drawn = pb.random(3, seed=pb.Unit(np.array(7), "seed"), step=2)
        shared = cubed(product) + drawn
    (states,) = pb.loop(lambda h, u: pb.tanh(h * x + u), np.array(0.5), y)
    f = (shared * pb.exp(product)).sum() + states[-1] * pb.mean(shared)
    f.named("f").backward()
    return x, y, f


def values_on(unit):
    """What a wire carries, which for a gate of several outputs is a value of each."""
    return unit.value if isinstance(unit.value, tuple) else (unit.value,)


def assert_same(one, other):
    """Circuits of the same wires, in the same order, with the same numbers on them."""
    one, other = pb.Circuit(one), pb.Circuit(other)
    assert len(one.wires) == len(other.wires)
    place = {unit: k for k, unit in enumerate(other.wires)}
    for k, (a, b) in enumerate(zip(one.wires, other.wires, strict=True)):
        assert a is not b
        assert (a.name, a.scope, a.label, a.gate) == (b.name, b.scope, b.label, b.gate)
        assert (a.index, a.time) == (b.index, b.time)
        assert type(a.value) is type(b.value)
        for one_value, other_value in zip(values_on(a), values_on(b), strict=True):
            np.testing.assert_array_equal(one_value, other_value, strict=True)
        np.testing.assert_equal(a.grad, b.grad)
        assert all(place[x] < k for x in b.inputs)
    assert str(one) == str(other)


@EACH_WAY
def test_a_copy_is_the_same_circuit_and_another_one(way):
    x, _, f = circuit()
    twin = way(f)
    assert_same(f, twin)
    named = pb.Circuit(twin)
    named["x"].value = 2.0
    named["y"].value = np.zeros(3)
    twin.forward()
    twin.backward()
    assert_same(f, circuit_again := way(f))
    assert x.value == 0.5
    x.value = 2.0
    pb.Circuit(f)["y"].value = np.zeros(3)
    assert f.forward() == twin.value
    f.backward()
    assert x.grad == named["x"].grad
    assert pb.Circuit(circuit_again)["x"].value == 0.5


@EACH_WAY
def test_wires_that_are_copied_together_stay_together(way):
    x, y, f = circuit()
    inner = f.inputs[0]
    twins = way({"f": f, "x": x, "all": [inner, y, inner], x: "a key"})
    names = pb.Circuit(twins["f"])
    assert names["x"] is twins["x"]
    assert twins["all"][0] is twins["all"][2] is twins["f"].inputs[0]
    assert names["y"] is twins["all"][1]
    assert twins[twins["x"]] == "a key"


@QUICK
def test_gradients_of_a_copy_are_the_same_to_the_bit_and_to_any_order(way):
    x, y, f = circuit()
    x2, y2, f2 = way((x, y, f))
    for a, b in ((x, x2), (y, y2)):
        one, other = pb.gradient(f, a), pb.gradient(f2, b)
        np.testing.assert_array_equal(one.value, other.value, strict=True)
        seconds = pb.gradient(one, a), pb.gradient(other, b)
        np.testing.assert_array_equal(seconds[0].value, seconds[1].value, strict=True)
    slope = pb.gradient(f, x)
    assert_same(slope, way(slope))


@QUICK
@pytest.mark.parametrize("engine", ["eager", "native"])
def test_a_circuit_its_function_and_an_engine_are_copied(way, engine):
    x, y = pb.units(x=2.0, y=3.0)
    whole = pb.Circuit({"product": x * y, "sum": x + y})
    run = whole.compile(engine)
    run(x=5.0)
    twin, again = way((whole, run))
    assert (str(twin), again(y=2.0)) == (str(whole), run(y=2.0))
    again(x=7.0)
    assert (x.value, twin["x"].value) == (5.0, 7.0)
    assert (twin["product"].inputs[0], len(twin)) == (twin["x"], 2)

    total = pb.Unit(np.zeros(2), "total")
    step = pb.prepare(engine, pb.Program({"x": x}, {"y": x * total}, {total: total + x}))
    step(x=1.0)
    twin = way(step)
    for _ in range(2):
        np.testing.assert_array_equal(step()["y"], twin()["y"])
    step()
    (state,) = twin.program.updates
    assert (total.value.tolist(), state.value.tolist()) == ([4.0, 4.0], [3.0, 3.0])


@QUICK
def test_what_runs_natively_keeps_its_threads(way):
    x = pb.Unit(1.0, "x")
    program = pb.Program({"x": x}, {"y": x + x}, {})
    native, later = (pb.prepare(e, program, threads=2) for e in ("native", "eager-native"))
    assert (way(native).threads, way(later)._threads) == (2, 2)
    run = way(pb.compile(pb.tanh, threads=2))
    run(0.5)
    assert [made._step.threads for made in run._runs.values()] == [2]
    model = pb.Sequential(pb.Dense(1))
    assert way(pb.Trainer(model, pb.SquaredError(), pb.SGD(0.1), threads=2)).threads == 2


@EACH_WAY
@pytest.mark.parametrize("gates", [0, 1, 998, 999, 1000, 1001])  # picklers write 1000 at once
def test_a_chain_of_any_length_is_copied(way, gates):
    end = x = pb.Unit(1.5, "x")
    for _ in range(gates):
        end = pb.sin(end)
    twin, source = way((end, x))
    assert twin.value == end.value
    twin.backward()
    end.backward()
    assert source.grad == x.grad
    assert len(pb.Circuit(twin).wires) == gates + 1


@pytest.mark.parametrize(("way", "gates"), [(copy.deepcopy, 20_000), (WAYS["pickle"], 50_000)])
def test_a_long_chain_is_copied_in_linear_time(way, gates):
    end = pb.Unit(1.5, "x")
    for _ in range(gates):
        end = pb.sin(end)
    start = time.perf_counter()
    twin = way(end)
    assert time.perf_counter() - start < 100.0
    assert (twin.value, len(pb.Circuit(twin).wires)) == (end.value, gates + 1)


@QUICK
def test_every_state_of_a_chain_costs_no_more_than_the_last(way):
    states = [pb.Unit(1.5, "x")]
    for _ in range(10_000):
        states.append(pb.sin(states[-1]))
    start = time.perf_counter()
    twins = way(states)
    assert time.perf_counter() - start < 60.0  # walking down from each one takes hours
    assert all(b.inputs[0] is a for a, b in itertools.pairwise(twins))


@QUICK
def test_a_copy_and_its_original_make_one_circuit(way):
    _, _, f = circuit()
    both = f + way(f)
    assert len(pb.Circuit(both)) == 2 * len(pb.Circuit(f)) + 1
    assert [u.label for u in pb.Circuit(both).wires] == [u.label for u in pb.Circuit(both).wires]
    assert both.forward() == 2.0 * f.value
    floats = pb.exp(pb.Unit(1.0)) * 2.0
    pb.draw(floats + way(floats))
    np.testing.assert_allclose(pb.Circuit(both).compile("native")(), both.value, rtol=1e-6)


def test_a_pickle_owns_its_numbers():
    x = pb.Unit(np.arange(4.0), "x")
    buffers = []
    data = pickle.dumps(x * 2.0, 5, buffer_callback=buffers.append)
    twin = pickle.loads(data, buffers=buffers)
    x._value.setflags(write=True)
    x._value[:] = -1.0  # the memory that the buffers are of
    assert pb.Circuit(twin)["x"].value.tolist() == [0.0, 1.0, 2.0, 3.0]
    reversed_ = pb.Unit(np.arange(6.0).reshape(2, 3)).T
    assert pickle.loads(pickle.dumps(reversed_)).value.flags.f_contiguous


def test_what_is_stale_is_stale_in_a_copy():
    x = pb.Unit(2.0, "x")
    y = x * x
    x.value = 3.0
    for twin in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        with pytest.raises(pb.StaleError, match="'x' was given a new value"):
            twin.backward()
        assert twin.forward() == 9.0


def test_another_process_goes_on_where_this_one_stopped(tmp_path):
    for _ in range(1000):
        walk.tick()
    x = pb.Unit(np.array([0.5, -1.5]), "x")
    hidden = pb.tanh(x) * pb.exp(x)
    f = (hidden * x).sum() + hidden.mean()
    walk.lift(walk.tick() + 10**12)  # as if it had run for a year
    x.value = [0.7, -1.1]
    f.forward()
    path = tmp_path / "wires"
    path.write_bytes(pickle.dumps((x, f)))
    program = f"""
import pickle, sys
import numpy as np, pullback as pb
own = pb.Unit(1.0)
x, f = pickle.load(open({str(path)!r}, "rb"))
young = pb.exp(f * own) + f
assert young.index > f.index > x.index and young.index > x.time
young.backward()
print(x.grad.tolist(), pb.gradient(young, x).value.tolist(), f.label)
print(float(pb.Circuit(young).compile("native")(x=[0.1, 0.2])))
young.forward()
x, young = pickle.loads(pickle.dumps((x, young)))
young.backward()
print(x.grad.tolist())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    young = pb.exp(f * 1.0) + f
    young.backward()
    lines = done.stdout.splitlines()
    assert lines[0] == f"{x.grad.tolist()} {pb.gradient(young, x).value.tolist()} {f.label}"
    x.value = [0.1, 0.2]
    assert float(lines[1]) == pytest.approx(young.forward(), rel=1e-12)
    young.backward()
    assert lines[2] == str(x.grad.tolist())


# What is refused ---------------------------------------------------------------------------------


def test_gates_are_shared_by_copies_and_imported_by_pickles():
    assert copy.deepcopy(cubed.gate) is copy.copy(cubed.gate) is cubed.gate
    for gate in (cubed.gate, *pb.GATES.values(), (pb.Unit(1.0) + 1.0).inputs[1].gate):
        assert pickle.loads(pickle.dumps(gate)) is gate


def test_a_gate_that_cannot_be_imported_is_copied_and_not_pickled():
    @pb.gate(partials=(lambda y, x: 2.0 * x,), name="mine")
    def squared(m, x):
        return x * x

    x = pb.Unit(3.0, "x")
    twin = copy.deepcopy(squared(x) + 1.0)
    twin.backward()
    assert pb.Circuit(twin)["x"].grad == 6.0
    with pytest.raises(pb.CircuitError, match=r"the gate 'mine' cannot be pickled: .* top level"):
        pickle.dumps(squared(x))
    assert pickle.loads(pickle.dumps(x * 2.0)).value == 6.0  # what failed leaves nothing behind


def test_a_function_is_compiled_again_where_it_can_be_imported():
    run = pb.compile(lambda x: x * x, engine="eager")
    assert copy.deepcopy(run) is copy.copy(run) is run
    with pytest.raises(pb.CircuitError, match="a compiled function cannot be pickled"):
        pickle.dumps(run)
    assert pickle.loads(pickle.dumps(pb.compile(pb.tanh, engine="eager")))(0.5) == np.tanh(0.5)
    assert pickle.loads(pickle.dumps(doubled)) is doubled


@pb.compile
def doubled(x):
    return 2.0 * x


def test_a_wire_is_not_copied_by_halves():
    with pytest.raises(pb.CircuitError, match=r"'x' is not copied without .* copy\.deepcopy"):
        copy.copy(pb.Unit(1.0, "x"))


def test_code_that_writes_code_is_let_through():
    cloudpickle = pytest.importorskip("cloudpickle")
    factor = 3.0

    @pb.gate(partials=(lambda y, x: factor,))
    def scaled(m, x):
        return factor * x

    twin = pickle.loads(cloudpickle.dumps(scaled(pb.Unit(2.0))))
    twin.backward()
    assert (twin.value, twin.inputs[0].grad) == (6.0, 3.0)


class Meddler:
    """What changes a circuit while it is being copied."""

    def __init__(self, change):
        self.change = change

    def __reduce_ex__(self, protocol):
        self.change()
        return Meddler, (None,)


@QUICK
def test_a_circuit_that_changes_while_it_is_copied_is_refused(way):
    x = pb.Unit(1.0, "x")
    y = x * 2.0

    def change():
        x.value = 5.0

    with pytest.raises(pb.CircuitError, match="'x' was changed while it was copied"):
        way([pb.Unit(0.0), Meddler(change), y])
    assert way(y).value == 2.0


@QUICK
def test_a_pickle_inside_of_a_pickle_is_its_own(way):
    x = pb.Unit(1.0, "x")
    y = pb.exp(x)
    inner = []
    meddler = Meddler(lambda: inner.append(way((y, x))))
    (z, _, x2) = way((pb.sin(y), meddler, x))
    assert pb.Circuit(z)["x"] is x2
    assert pb.Circuit(inner[0][0])["x"] is inner[0][1] is not x2


def test_a_copy_of_what_another_thread_trains_is_of_one_step_or_refused():
    a, b = pb.Unit(np.zeros(1000), "a"), pb.Unit(np.zeros(1000), "b")
    step = pb.prepare("eager", pb.Program({}, {}, {a: a + 1.0, b: b + 1.0}))
    ended = threading.Event()

    def train():
        while not ended.is_set():
            step()

    thread = threading.Thread(target=train)
    thread.start()
    copies = refused = 0
    start = time.perf_counter()
    while time.perf_counter() - start < 1.0:
        try:
            one, other = copy.deepcopy((a, b))
        except pb.CircuitError:
            refused += 1
        else:
            copies += 1
            assert one.value[0] == other.value[0]
            assert (one.value == one.value[0]).all()
    ended.set()
    thread.join()
    assert copies + refused
    np.testing.assert_array_equal(copy.deepcopy(a).value, a.value)


def test_code_says_what_it_is():
    with pytest.raises(pb.CircuitError, match=r"^the thing cannot be pickled: .*<lambda>"):
        pickle.dumps(Code(lambda: None, "the thing"))

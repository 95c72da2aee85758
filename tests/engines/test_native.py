"""The native engine beyond single gates: state, memory, and whole random circuits."""

import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.circuits import circuits
from tests.engines.native.test_memory import crossed, descent, overwritten, turned, unread
from tests.engines.test_convolution import network as convolutional
from tests.engines.test_loop import recurrent
from tests.program.test_simplify import assert_same, program_of

import pullback as pb
from pullback.engines.eager import Eager
from pullback.engines.native.engine import Native
from pullback.engines.native.step import record
from pullback.engines.native.target import host


def old_and_new():
    a, n = pb.Unit(np.arange(4.0), "a"), pb.Unit(1.5, "n")
    new = a * 2.0 + n
    outputs = {"old": a, "new": new, "turned": a[::-1], "sum": pb.sum(a), "n": n}
    return pb.Program({}, outputs, {a: new, n: n + 1.0})


def switched():
    on = pb.Unit(True, "on")
    return pb.Program({}, {"on": on}, {on: pb.logical_not(on)})


def unchanged():
    a, b = pb.Unit(np.arange(4.0), "a"), pb.Unit(np.ones(4), "b")
    return pb.Program({}, {"b": b}, {a: a, b: a})


def embedding():
    table = pb.Unit(np.arange(8.0).reshape(4, 2), "table")
    rows = pb.Unit(np.array([1, -1, 1]), "rows")
    loss = pb.sum(pb.take(table, rows) ** 2.0)
    return pb.Program(
        {"rows": rows}, {"loss": loss}, {table: table - 0.1 * pb.gradient(loss, table)}
    )


MADE = (
    lambda: descent(0.9),
    crossed,
    unread,
    overwritten,
    turned,
    old_and_new,
    switched,
    unchanged,
    embedding,
)


@pytest.mark.parametrize("make", MADE)
def test_state_is_updated_as_eager_does_it(make):
    ours, theirs = make(), make()
    native, eager = Native(ours), Eager(theirs)
    for _ in range(3):
        assert_same(eager(), native())
        for state, twin in zip(ours.updates, theirs.updates, strict=True):
            assert type(state.value) is type(twin.value)
            np.testing.assert_allclose(state.value, twin.value, rtol=1e-12)


def test_a_state_that_is_set_is_taken_over():
    ours, theirs = descent(0.9), descent(0.9)
    native, eager = Native(ours), Eager(theirs)
    native(), eager()
    for program in (ours, theirs):
        for state in program.updates:
            state.value = np.full(state.shape, 0.25)
    batch = np.linspace(-1.0, 1.0, 15).reshape(5, 3)
    assert_same(eager(x=batch), native(x=batch))


x = pb.Unit(np.arange(24.0).reshape(2, 3, 4), "x")
one, none = pb.Unit(np.ones((1, 1)), "one"), pb.Unit(np.zeros((3, 0)), "none")
single, whole = pb.Unit(np.ones(3, "f4"), "single"), pb.Unit(np.arange(3), "whole")
truth = pb.Unit(np.array([True, False, True]), "truth")
large = np.array(2**60 + 1)

OUTPUTS = {
    "source": x,
    "constant": pb.constant(np.arange(3.0)),
    "number": pb.constant(2.0),
    "transposed": pb.transpose(x, (2, 0, 1)),
    "backwards": x[::-1, 1:, ::-2],
    "broadcast": pb.broadcast_to(x[0, 0], (2, 2, 4)),
    "copied": x.T.reshape(4, 6),
    "copied and read": pb.exp(x.T.reshape(24) * 0.1),
    "a copy read in its old shape": pb.sum(x.T.reshape(2, 3, 4) * x, axis=(0, 2)),
    "size 0": none * 2.0,
    "sum of size 0": pb.sum(none, axis=1),
    "sum of nothing": pb.sum(none),
    "join of size 0": pb.concatenate([none, none + 1.0]),
    "product of size 0": none @ none.T,
    "size 1": pb.exp(one) + pb.sum(one, axis=0),
    "mixed floats": single * pb.Unit(np.ones(3), "double"),
    "mixed product": single @ pb.Unit(np.ones((3, 2)), "columns"),
    "whole product": pb.Unit(np.arange(6).reshape(2, 3), "rows") @ single,
    "mixed scatter": pb.scatter_add(single, whole, pb.Unit(np.ones(3), "updates")),
    "whole numbers scattered over floats": pb.scatter_add(single, whole, whole),
    "truth scattered over whole numbers": pb.scatter_add(whole, whole, truth),
    "float and whole": single * whole + truth,
    "whole": whole * whole - whole,
    "truth": truth * (single > 0.5) + (whole > np.array(1)),
    "truth, chosen": pb.where(truth * truth, single, 0.0),
    "whole numbers that no float holds, chosen": pb.where(single, whole + large, whole - large),
    "extremes of truth": pb.max(truth),
    "count": pb.sum(truth) + pb.max(whole),
    "to whole": pb.astype(single * 2.7, "int64"),
    "to truth": pb.astype(single - 1.0, "bool"),
    "abs": pb.abs(whole - np.array(1)) + pb.sign(whole),
    "take of a view": pb.take(x[1].T, whole[::-1]),
    "argmax of a view": pb.argmax(-x[:, ::-1], axis=1),
    "gradient of a take": pb.gradient(pb.sum(pb.take(x, whole[:2])), x),
    "batched product": x @ pb.swapaxes(x, 1, 2),
    "product of a broadcast": pb.broadcast_to(x[0, 0], (3, 4)) @ x[1].T,
    "stacked mixture": pb.stack([single, pb.Unit(np.zeros(3))]),
    "large whole": whole + large,
}


def test_outputs_of_every_kind():
    program = pb.Program({}, OUTPUTS, {})
    native, eager = Native(program), Eager(program)
    for _ in range(2):
        found, expected = native(), eager()
        assert_same(expected, found)
        assert [type(v) for v in found.values() if isinstance(v, float | bool)] == [
            type(v) for v in expected.values() if isinstance(v, float | bool)
        ]


@pytest.mark.parametrize("more", [{}, {"columns": pb.sum}], ids=["alone", "beside another"])
def test_the_sum_of_a_table_is_added_in_double_precision(more):
    table = np.ones((1001, 3), "f4")
    table[0] = 2.0**24  # to which float32 cannot add 1
    x, row = pb.Unit(table, "x"), pb.Unit(np.ones(3, "f4"), "row")
    scaled = x * row
    outputs = {"sum": pb.sum(scaled), **{name: f(scaled, axis=0) for name, f in more.items()}}
    assert Native(pb.Program({}, outputs, {}))()["sum"] == np.float32(3 * 2.0**24 + 3000)


def test_a_program_without_gates_runs():
    assert Native(pb.Program({}, {"x": single}, {}))()["x"].tolist() == [1.0, 1.0, 1.0]
    assert Native(pb.Program({}, {}, {}))() == {}


def test_what_it_does_not_know_is_named():
    with pytest.raises(pb.CircuitError, match="'labels' carries int8"):
        Native(pb.Program({}, {"y": pb.Unit(np.ones(2, np.int8), "labels") * 2.0}, {}))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16"])
def test_a_gate_in_a_dtype_that_it_does_not_run_is_named(dtype):
    x = pb.Unit(np.ones(3), "x")
    narrow = pb.astype(x, dtype)
    for y in (narrow, pb.astype(narrow, "float64") + 1.0):
        with pytest.raises(pb.CircuitError, match=f"'astype' .* carries {dtype}"):
            Native(pb.Program({"x": x}, {"y": y}, {}))
    (total,) = pb.loop(lambda y, x: y + pb.astype(pb.astype(x, dtype), "float64"), 0.0, x)
    with pytest.raises(pb.CircuitError, match=f"'astype' .* carries {dtype}"):
        Native(pb.Program({"x": x}, {"y": total}, {}))


@pytest.mark.parametrize("dtype", [">f8", ">f4", ">i8"])
def test_bytes_in_another_order_are_turned(dtype):
    told = np.arange(6).astype(dtype)
    x = pb.Unit(told[:3], "x")
    assert x.dtype.isnative
    native = Native(pb.Program({"x": x}, {"y": pb.sum(x * 2.0)}, {}))
    assert native()["y"] == 6.0
    assert native(x=told[3:])["y"] == 24.0
    native.compile({"x": told})
    done = native.epoch({"x": told}, np.arange(6, dtype=">i4"), lambda: False)
    assert done.numbers["y"].tolist() == [6.0, 24.0]


def lookup():
    table, rows = pb.Unit(np.ones((4, 2)), "table"), pb.Unit(np.array([0, 3]), "rows")
    loss = pb.sum(pb.take(table, rows) ** 2.0)
    new = table - 0.1 * pb.gradient(loss, table)
    return pb.Program({"rows": rows}, {"loss": loss}, {table: new})


@pytest.mark.parametrize("index", [4, -5, 2**40])
def test_an_index_out_of_bounds_is_refused(index):
    native = Native(lookup())
    native()
    rows = np.array([0, index])
    native.program.inputs["rows"].value = np.array([1, 2])
    with pytest.raises(pb.CircuitError, match=r"bounds for axis 0 of .* 4 elements"):
        native(rows=rows)
    assert np.isfinite(native(rows=np.array([0, -4]))["loss"])
    data = {"rows": np.array([0, 1, index, 1])}
    with pytest.raises(pb.CircuitError, match="out of bounds"):
        native.epoch(data, np.arange(4), lambda: False)


def network():
    rng = np.random.default_rng(0)
    x, w = pb.Unit(rng.normal(size=(256, 64)).astype("f4"), "x"), pb.Unit(rng.normal(size=(64, 96)))
    b, rows = pb.Unit(np.zeros(96), "b"), pb.Unit(rng.integers(0, 256, 300), "rows")
    h = pb.tanh(x @ w + b)
    loss = pb.mean(pb.logsumexp(h, axis=1)) + pb.mean(pb.take(h, rows) ** 2.0)
    dw, db = pb.gradient(loss, [w, b])
    return pb.Program({"x": x}, {"loss": loss, "db": db}, {w: w - 0.1 * dw, b: b - 0.1 * db})


def test_a_step_allocates_nothing(monkeypatch):
    monkeypatch.setenv("PULLBACK_GUARD", "0")  # which looks at every byte
    program = network()
    native = Native(program)
    native()
    arenas = [id(arena) for arena in native._arenas.values()]
    values = [state._value for state in program.updates]
    tracemalloc.start()
    for _ in range(3):
        native()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000  # a parameter has 49,152 bytes, a hidden layer 196,608
    assert [id(arena) for arena in native._arenas.values()] == arenas
    assert all(s._value is v for s, v in zip(program.updates, values, strict=True))


@pytest.mark.parametrize("make", [network, convolutional, lambda: recurrent(4, 6, 3)])
def test_compiled_code_allocates_nothing(make, monkeypatch):
    """It calls nothing that could: functions of its own, of mathematics, and LLVM's."""
    monkeypatch.setenv("PULLBACK_GUARD", "0")
    native = Native(make())
    pending, found, called = [native.compiled.step], {}, set()
    while pending:
        code = pending.pop()
        text, needs = record(code, host())
        found[repr(code)] = text
        pending += [need for need in needs.values() if repr(need) not in found]
        called |= set(re.findall(r"declare .*?@([\w.]+)\(", text))
    assert found
    own = {"pullback_barrier", *re.findall(r"define void @(\w+)\(", "".join(found.values()))}
    others = {name for name in called - own if not name.startswith("llvm.")}
    assert others <= {"sin", "cos", "log1p", "erf"}
    native()
    tracemalloc.start()
    for _ in range(4):
        native._together(native._step)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000


@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(circuits(), min_size=5, max_size=5))
def test_random_circuits_agree_with_eager(made):
    outputs = {}
    for k, circuit in enumerate(made):  # five at once: compiling is what takes the time
        outputs |= program_of(circuit, f" of circuit {k}").outputs
    program = pb.Program({}, outputs, {})
    assert_same(Eager(program)(), Native(program)())


def test_sources_are_read_anew_where_they_changed_and_only_there():
    x, w, k = pb.Unit(np.ones((2, 3)), "x"), pb.Unit(np.ones(3), "w"), pb.Unit(2.0, "k")
    state = pb.Unit(1.0, "state")
    y = pb.sum(x * w) * k + state
    native = Native(pb.Program({"x": x}, {"y": y}, {state: state + 1.0}))
    assert native()["y"] == 13.0
    w.value = np.full(3, 2.0)
    assert native()["y"] == 26.0
    k.value = 3.0
    assert native()["y"] == 39.0
    native.epoch({"x": np.zeros((4, 3))}, np.arange(4), lambda: False)  # batches lie where x does
    assert native()["y"] == 42.0 - 1.0 + 1.0
    first = state.value
    native()
    state.value = first  # the very number that was there before
    assert native()["y"] == 36.0 + first
    assert native(x=np.zeros((2, 3)))["y"] == first + 1.0
    x.value = np.ones((2, 3))
    assert native()["y"] == 36.0 + first + 2.0


def test_a_source_that_is_another_engines_state_is_read_every_time():
    w = pb.Unit(np.ones(3), "w")
    moving = Native(pb.Program({}, {}, {w: w * 2.0}))
    reading = Native(pb.Program({}, {"y": pb.sum(w)}, {}))
    for expected in (6.0, 12.0, 24.0):
        moving()
        assert reading()["y"] == expected
        assert reading()["y"] == expected


@pytest.mark.parametrize("channels", [1, 2, 3, 7, 8, 15, 16, 17, 33])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("threads", [1, 3])
def test_lines_of_any_length_agree_with_eager(channels, dtype, threads, monkeypatch):
    """Of a step too large for one piece, whose loops are functions that know few of their sizes."""
    monkeypatch.setenv("PULLBACK_GUARD", "1")
    rng = np.random.default_rng(channels)
    a, b = (
        pb.Unit((9 * rng.normal(size=shape)).astype(dtype), "x")
        for shape in [(16, 23, 31, channels), (16, 1, 31, 1)]
    )
    wires = {
        "product": a * b,
        "turned": a[:, ::-1, ::2] + b[:, :, ::2],
        "chosen": pb.where(pb.less(b, 1), a, a[:, :, ::-1]),
        "joined": pb.concatenate([a, pb.broadcast_to(b, a.shape)], axis=3),
        "sums": pb.sum(a * b, axis=(3,)),
        "columns": pb.sum(a, axis=(1, 2)),
        "largest": pb.max(a * b, axis=(2, 3)),
    }
    program = pb.Program({}, wires, {})
    expected, found = Eager(program)(), Native(program, threads)()
    for name, y in expected.items():
        np.testing.assert_allclose(found[name], y, rtol=1e-4, atol=1e-3, err_msg=name)

"""Recurrent layers compute what PyTorch's do, in double precision: values, gradients, training."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

import pullback as pb

torch = pytest.importorskip("torch", reason="torch is not installed: it is in the extra `bench`")

F8: Any = {"dtype": "float64"}
ORDER = {"RNN": (0,), "GRU": (0, 1, 2), "LSTM": (0, 1, 3, 2)}  # of PyTorch's gates, ours
SETTINGS = [
    {"kind": kind, "layers": layers, "bidirectional": both, "lengths": lengths}
    for kind in ORDER
    for layers, both, lengths in [
        (1, False, False),
        (1, False, True),
        (2, True, True),
        (3, False, True),
        (3, True, False),
    ]
] + [
    {"kind": "RNN", "layers": 2, "bidirectional": True, "lengths": True, "activation": "relu"},
    {"kind": "RNN", "layers": 1, "bidirectional": False, "lengths": False, "activation": "relu"},
]


def ours_of(kind, units, layers=1, bidirectional=False, lengths=False, **more):
    return getattr(pb, kind)(units, layers, bidirectional=bidirectional, **more, **F8)


def theirs_of(layer, kind, features, units, layers=1, bidirectional=False, **more):
    """PyTorch's module with the parameters of our layer, and which is which."""
    told = {"nonlinearity": more["activation"]} if "activation" in more else {}
    module = getattr(torch.nn, kind)(
        *(features, units, layers),
        batch_first=True,
        bidirectional=bidirectional,
        dtype=torch.float64,
        **told,
    )
    with torch.no_grad():
        for name, value in in_their_order(layer, kind).items():
            parameter = getattr(module, name)
            if name.startswith("bias_hh"):
                parameter.zero_()
                parameter[len(parameter) - len(value) :] = torch.tensor(value)
            else:
                parameter.copy_(torch.tensor(value))
            if name.startswith("bias_ih") and kind != "GRU":
                getattr(module, name.replace("ih", "hh")).zero_()
    return module


def in_their_order(layer, kind, wires=None):
    """Our parameters, or gradients by them, as PyTorch has them: by its names."""
    names = {
        "weight": "weight_ih",
        "recurrent": "weight_hh",
        "bias": "bias_ih",
        "recurrent_bias": "bias_hh",
    }
    made = {}
    for path, unit in layer.parameters.items():
        level, _, name = path.split(".")[-3:]
        number, _, reverse = level.removeprefix("layer").partition("_")
        value = (unit if wires is None else wires[path]).value
        if name != "recurrent_bias":
            pieces = np.split(value, len(ORDER[kind]), axis=-1)
            value = np.concatenate([pieces[k] for k in ORDER[kind]], axis=-1)
        made[f"{names[name]}_l{int(number) - 1}{'_reverse' * bool(reverse)}"] = value.T
    return made


@cache
def compared(k):
    """A Program of one setting, and what PyTorch makes of it."""
    setting = SETTINGS[k]
    rng = np.random.default_rng(k)
    rows, steps, features, units = (int(n) for n in rng.integers(2, 6, 4))
    layer = ours_of(units=units, **setting)
    values = rng.normal(size=(rows, steps, features))
    x = pb.Unit(values, "x")
    lengths = rng.integers(1, steps + 1, rows)
    lengths[rng.integers(rows)] = steps  # as PyTorch makes no more steps than there are
    others = (pb.Unit(lengths, "lengths"),) if setting["lengths"] else ()
    layer(x, *others)
    for unit in layer.parameters.values():
        unit.value = rng.normal(size=unit.shape) * 0.6
    y = layer(x, *others)
    pull = rng.normal(size=y.shape)
    gradients = pb.gradient(y, [x, *layer.parameters.values()], pull)
    module = theirs_of(layer, features=features, units=units, **setting)
    given = torch.tensor(values, requires_grad=True)
    if others:
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            given, torch.tensor(lengths), batch_first=True, enforce_sorted=False
        )
        made, _ = torch.nn.utils.rnn.pad_packed_sequence(module(packed)[0], batch_first=True)
    else:
        made, _ = module(given)
    made.backward(torch.tensor(pull))
    wanted = {"y": made.detach().numpy(), "x": given.grad.numpy()}
    names = ["y", "x", *layer.parameters]
    program = pb.Program(
        {wire.name: wire for wire in (x, *others)},
        dict(zip(names, [y, *gradients], strict=True)),
        {},
    )
    return program, layer, setting["kind"], wanted, module


@pytest.mark.parametrize("engine", ["eager", "native"])
@pytest.mark.parametrize(
    "k", range(len(SETTINGS)), ids=lambda k: "-".join(map(str, SETTINGS[k].values()))
)
def test_values_and_gradients_are_pytorchs(k, engine):
    program, layer, kind, wanted, module = compared(k)
    got = pb.prepare(engine, program)(**{name: x.value for name, x in program.inputs.items()})
    for name, value in wanted.items():
        np.testing.assert_allclose(got[name], value, rtol=1e-10, atol=1e-11, err_msg=name)
    by_path = {path: pb.Unit(got[path]) for path in layer.parameters}
    for name, value in in_their_order(layer, kind, by_path).items():
        grad = getattr(module, name).grad.numpy()
        if name.startswith("bias_hh"):
            grad = grad[len(grad) - len(value) :]
        np.testing.assert_allclose(value, grad, rtol=1e-9, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("kind", ORDER)
def test_fifty_steps_of_training_give_pytorchs_losses(kind):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(50, 4, 6, 3))
    batches = [(x, x.sum(axis=1).argmax(axis=1)) for x in inputs]
    layer, head = ours_of(kind, 5, 2, True, last=True), pb.Dense(3, **F8)
    model = pb.Sequential(layer, head)
    model(batches[0][0])
    module = theirs_of(layer, kind, 3, 5, 2, True)
    linear = torch.nn.Linear(10, 3, dtype=torch.float64)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor(head.weight.value.T))
        linear.bias.zero_()
    # Our one bias moves as the sum of their two: theirs of the hidden state rests, but where it is
    # inside the reset gate's product.
    resting = [p for name, p in module.named_parameters() if name.startswith("bias_hh")]
    moving = [p for p in module.parameters() if not any(p is q for q in resting)]
    moving += [*linear.parameters(), *(resting if kind == "GRU" else [])]
    optimizer = torch.optim.SGD(moving, lr=0.2, momentum=0.5)
    wanted = []
    for x, labels in batches:
        module.zero_grad()
        linear.zero_grad()
        states, _ = module(torch.tensor(x))
        ends = torch.cat([states[:, -1, :5], states[:, 0, 5:]], dim=1)
        loss = torch.nn.functional.cross_entropy(linear(ends), torch.tensor(labels))
        loss.backward()
        if kind == "GRU":  # two thirds of it stand beside our one bias as well
            for p in resting:
                p.grad[:10] = 0.0
        optimizer.step()
        wanted.append(loss.item())
    step = pb.TrainingStep(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.2, momentum=0.5))
    run = pb.prepare("native", step.program(step.columns(*batches[0])))
    found = [float(run(**step.columns(x, labels))["loss"]) for x, labels in batches]
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    assert np.mean(wanted[-10:]) < 0.8 * np.mean(wanted[:10])

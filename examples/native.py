"""The same circuit, looked at and compiled: functions, training steps, and whole epochs."""

import numpy as np

import pullback as pb


def swish(x):
    return x * pb.sigmoid(x)


# A function of wires, compiled for each set of shapes at its first call.
fast = pb.compile(swish)
x = np.linspace(-3.0, 3.0, 7)
print("compiled:", fast(x))
assert np.allclose(fast(x), swish(pb.Unit(x)).value)

# A circuit with its gradient: the code that a person would write, and a function of its inputs.
a, b, c, u, v = pb.units(a=1.0, b=2.0, c=-3.0, u=-1.0, v=3.0)
f = pb.sigmoid(a * u + b * v + c).named("f")
circuit = pb.Circuit([f, *pb.gradient(f, [a, b, c])])
print(pb.Circuit(f).source())
run = circuit.compile()
print("f and its gradients by a, b, c:", run(u=-1.0, v=3.0))

# A step of training as one Program: inputs, outputs, and what becomes of the state.
points = np.array([[1.2, 0.7], [-0.3, -0.5], [3.0, 0.1], [-0.1, -1.0], [-1.0, 1.1], [2.1, -3.0]])
labels = np.array([1.0, -1.0, 1.0, -1.0, -1.0, 1.0])
point, label = pb.Unit(points[:1], "point"), pb.Unit(labels[:1], "label")
rng = np.random.default_rng(0)
w, d = pb.Unit(rng.uniform(-0.5, 0.5, 2), "w"), pb.Unit(0.0, "d")
score = (w[0] * point[0, 0] + w[1] * point[0, 1] + d).named("score")
loss = pb.relu(1.0 - label[0] * score).named("loss")
updates = {p: p - 0.01 * g for p, g in zip((w, d), pb.gradient(loss, [w, d]), strict=True)}
step = pb.prepare("native", pb.Program({"point": point, "label": label}, {"loss": loss}, updates))

# An epoch does not come back to Python between its steps.
order = rng.integers(len(points), size=100_000)
epoch = step.epoch({"point": points, "label": labels}, order, lambda: False)
print(f"{epoch.steps:,} steps; the loss fell to {epoch.numbers['loss'][-1000:].mean():.4f}")

"""A loop of one's own around a step of training: the learning rate falls where the loss rests."""

import numpy as np

import pullback as pb

rng = np.random.default_rng(0)
x = rng.uniform(-2.0, 2.0, (512, 1))
y = np.sin(3.0 * x[:, 0])

# A step is made of the parts of a Trainer; it says how data are to be given to it.
model = pb.Sequential(pb.Dense(32), pb.Tanh(), pb.Dense(32), pb.Tanh(), pb.Dense(1), rng=0)
step = pb.TrainingStep(model, pb.SquaredError(), pb.SGD(0.03, momentum=0.9))
data = step.columns(x, y)

# For batches of one size it is a Program: inputs, state, outputs, and updates of the state.
program = step.program({name: rows[:64] for name, rows in data.items()})
print(
    f"a step is a Program of {len(program.wires)} wires; its outputs: {', '.join(program.outputs)}"
)

run = pb.prepare("native", program)
best, since = np.inf, 0
for epoch in range(1, 301):
    order = rng.permutation(len(x))
    loss = run.epoch(data, order, lambda: False).numbers["loss"].mean()
    best, since = (loss, 0) if loss < best else (best, since + 1)
    if since == 10:
        step.rate.value = 0.5 * step.rate.value  # a wire of the circuit, set between its runs
        since = 0
    if epoch % 100 == 0:
        print(f"epoch {epoch}: loss {loss:.5f}, learning rate {step.rate.value:.3g}")

assert best < 0.01, best

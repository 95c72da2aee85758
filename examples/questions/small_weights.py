"""Of a net that learns to halve a number, and no more with a layer between.

https://stackoverflow.com/questions/48816873

Why one more hidden layer keeps the weights from moving, was asked. The answer: weights of
a deviation of 0.001 let the gradient vanish; draw them as Glorot and Bengio do.
"""

import numpy as np

import pullback as pb

tiny = {"name": "normal", "std": 1e-3}
x = np.random.default_rng(0).uniform(-1.0, 1.0, (200, 1))
model = pb.Sequential(
    *(pb.Dense(16, initializer=tiny), pb.ReLU()),
    *(pb.Dense(16, initializer=tiny), pb.ReLU()),
    pb.Dense(1, initializer=tiny),
    rng=0,
)
trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(0.001))
report = pb.doctor(trainer, x, 0.5 * x[:, 0], epochs=10, batch_size=1)
print(report)

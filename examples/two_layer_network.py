"""The guide's 2-layer network: on scalar wires, where every number can be seen, and as layers."""

import numpy as np

import pullback as pb
from pullback.models import two_layer_network

points = np.array([[1.2, 0.7], [-0.3, -0.5], [3.0, 0.1], [-0.1, -1.0], [-1.0, 1.1], [2.1, -3.0]])
labels = np.array([1, -1, 1, -1, -1, 1])

network = two_layer_network(hidden=3, rng=0)
accuracies = network.fit(points, labels, iterations=4000, spring=0.01)
print(f"on scalar wires: {accuracies[-1]:.0%} right")
print(network.circuit)

model = pb.Sequential(pb.Dense(3, initializer="uniform"), pb.ReLU(), pb.Dense(1), rng=2)
trainer = pb.Trainer(model, pb.Hinge(), pb.SGD(0.1), penalties=[pb.L2(0.001)])
trainer.fit(points, labels, epochs=200, batch_size=6)
print("as layers:", trainer.evaluate(points, labels))

"""Chapter 2 of the guide: a support vector machine, by forces and then by its loss."""

import numpy as np

import pullback as pb
from pullback.models import svm

points = np.array([[1.2, 0.7], [-0.3, -0.5], [3.0, 0.1], [-0.1, -1.0], [-1.0, 1.1], [2.1, -3.0]])
labels = np.array([1, -1, 1, -1, -1, 1])

# By its force specification: look at a score, pull it towards its label, let the weights follow.
machine = svm(weights=(1.0, -2.0), bias=-1.0)
for k, accuracy in enumerate(machine.fit(points, labels, iterations=400, seed=11), start=1):
    print(f"iteration {25 * k:3}: {accuracy:.0%} of the training points right")

# The same machine as a layer, its loss, and a penalty: what the forces are the gradient of.
model = pb.Sequential(pb.Dense(1))
trainer = pb.Trainer(model, pb.Hinge(), pb.SGD(0.05), penalties=[pb.L2(0.01)])
trainer.fit(points, labels, epochs=100, batch_size=6)
print("by its loss:", trainer.evaluate(points, labels))

"""Of a linear net that reads digits, and is worse than chance with one layer more.

https://exchangetuts.com/why-adding-one-more-layer-to-the-tensorflow-simple-neural-net-example-breaks-it-1641643924769364

A copy of a question of Stack Overflow. The first example of TensorFlow starts at zero; with a
hidden layer that does so too, 92% became 11%, and why, was asked. The answer: where layers stand
behind one another, their units must not start alike.
"""

import pullback as pb
from pullback.datasets import load_dataset

digits = load_dataset("digits")
model = pb.Sequential(
    pb.Dense(100, initializer="zeros"), pb.ReLU(), pb.Dense(10, initializer="zeros"), rng=0
)
trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.SGD(0.5))
report = pb.doctor(trainer, digits.inputs[:600], digits.labels[:600], epochs=5, batch_size=100)
print(report)

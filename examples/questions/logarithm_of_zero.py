"""Of a net that is 92% right, until all its numbers are lost within one step.

https://stackoverflow.com/questions/33712178

Why training broke down so late, was asked. The answer, by the asker: the cross entropy was written
as -sum(y * log(p)), and where a net is quite sure, p is 0; clip it, or start from scores.
"""

from dataclasses import dataclass

import numpy as np

import pullback as pb
from pullback.datasets import load_dataset
from pullback.losses.reading import Reading


@dataclass(frozen=True)
class Surprise(pb.Loss):
    """-sum(y * log(p)), of the logarithms."""

    reading = Reading("classification")

    def prepare(self, labels, shape):
        return np.asarray(labels, np.float32)  # one-hot, as they are given

    def cost(self, scores, labels):
        return -(labels * scores).sum(axis=1)


def forward(layers, x, training):
    hidden = pb.relu(layers.hidden(x, training=training))
    return pb.log(pb.softmax(layers.scores(hidden, training=training), axis=1))


digits = load_dataset("digits")
pixels = 16.0 * digits.inputs[:300]  # from 0 to 16, as the pictures were taken
model = pb.Model(forward, hidden=pb.Dense(64), scores=pb.Dense(10), rng=2)
trainer = pb.Trainer(model, Surprise(), pb.Adam(0.03))
one_hot = np.eye(10)[digits.labels[:300]]
report = pb.doctor(trainer, pixels, one_hot, epochs=20)
print(report)

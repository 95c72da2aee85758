"""Of a net that is right in training, and never once in validation.

https://github.com/keras-team/keras/issues/8346

Why a net for five kinds of pictures had an accuracy of 0 in validation, was asked. The answer,
found by the asker: the last fifth of the rows was held out, all of them of the fifth kind.
"""

import numpy as np

import pullback as pb
from pullback.datasets import load_dataset

digits = load_dataset("digits")
rows = np.concatenate([np.flatnonzero(digits.labels == k)[:80] for k in range(5)])
pictures, labels = digits.inputs[rows].reshape(-1, 8, 8, 1), digits.labels[rows]
model = pb.Sequential(pb.Conv2d(8, 3), pb.ReLU(), pb.MaxPool2d(2), pb.Flatten(), pb.Dense(5), rng=0)
trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.Adam(3e-3))
cut = 320  # all but the last fifth
report = pb.doctor(
    trainer, pictures[:cut], labels[:cut], validation=(pictures[cut:], labels[cut:]), epochs=5
)
print(report)

"""Of two layers of ReLUs that learn pictures badly, and sigmoids that learn them well.

https://stats.stackexchange.com/questions/367057

A net of ReLUs and Adam came to 20% on pictures of clothes, one of sigmoids and SGD to 85%, and why,
was asked. The accepted answer: the pixels go up to 255, and inputs are to be scaled.
"""

import numpy as np

import pullback as pb
from pullback.datasets import load_dataset

digits = load_dataset("digits")
pixels = np.rint(255.0 * digits.inputs[:300])
model = pb.Sequential(pb.Dense(128), pb.ReLU(), pb.Dense(128), pb.ReLU(), pb.Dense(10), rng=0)
trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(), pb.Adam(1e-3))
report = pb.doctor(trainer, pixels, digits.labels[:300], epochs=5)
print(report)

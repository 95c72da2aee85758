"""Of a net that is trained by CTC for ten epochs, and answers nothing.

https://github.com/cyprienruffino/CTCModel/issues/12

Why all predictions are empty, was asked. The answer: nets that learn by CTC answer by blanks alone
at first, until the loss has fallen far enough, and then begin to answer.
"""

import numpy as np

import pullback as pb

rng = np.random.default_rng(0)
sounds = rng.normal(0.0, 0.3, (200, 12, 4)).astype(np.float32)
labels = np.full((200, 3), -1)
for row in range(200):
    for k, step in enumerate(range(0, 4 * rng.integers(1, 4), 4)):
        labels[row, k] = rng.integers(1, 5)
        sounds[row, step : step + 2, labels[row, k] - 1] += 1.0
model = pb.Sequential(pb.GRU(16), pb.Dense(5), rng=0)
trainer = pb.Trainer(model, pb.CTC(), pb.Adam(3e-3))
report = pb.doctor(trainer, sounds, labels, epochs=10)
print(report)

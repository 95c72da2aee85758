"""Of a straight line through 200 points, which ends in nan.

https://github.com/keras-team/keras/issues/3040

Why the simplest regression, y = 2 x for x from 0 to 199, comes to nan, was asked. The answer, by
the asker: the learning rate was too high.
"""

import numpy as np

import pullback as pb

x = np.arange(200.0)
trainer = pb.Trainer(pb.Sequential(pb.Dense(1), rng=0), pb.SquaredError(), pb.SGD(0.001))
report = pb.doctor(trainer, x[:, None], 2.0 * x, epochs=2, batch_size=1)
print(report)

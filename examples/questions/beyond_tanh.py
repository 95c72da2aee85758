"""Of a net that is to answer 1, 2, 3 and 4, and whose error stays large.

https://stackoverflow.com/questions/3644795

Why the error hardly falls, was asked. The answer: the net ends with tanh, which lies
between -1 and 1; scale the labels, or leave it out at the end.
"""

import numpy as np

import pullback as pb

rng = np.random.default_rng(0)
x = rng.uniform(0.0, 1.0, (160, 2))
y = 1.0 + np.rint(3.0 * x.mean(axis=1))
model = pb.Sequential(pb.Dense(5), pb.Tanh(), pb.Dense(1), pb.Tanh(), rng=0)
trainer = pb.Trainer(model, pb.SquaredError(), pb.SGD(0.1, momentum=0.5))
report = pb.doctor(trainer, x, y, epochs=20)
print(report)

"""Of a classifier of texts that is bad where the file is sorted by label, and good where not.

https://github.com/facebookresearch/fastText/issues/74

Whether it is meant that a model is so much worse where the labels stand together, was asked. The
answer: yes, rows are learned in their order, so that they are to be shuffled.
"""

import numpy as np

import pullback as pb

rng = np.random.default_rng(0)
labels = np.repeat(np.arange(4), 80)  # one class after the other, as in the file
topics = rng.dirichlet(np.ones(60), 4)
words = np.array([rng.multinomial(12, topics[k]) for k in labels], np.float32)
batches = [(words[k : k + 4], labels[k : k + 4]) for k in range(0, 320, 4)]
trainer = pb.Trainer(pb.Sequential(pb.Dense(4), rng=0), pb.SoftmaxCrossEntropy(), pb.SGD(1.0))
report = pb.doctor(trainer, batches, epochs=5)
print(report)

"""A first network on real data: handwritten digits, in a second."""

import tempfile
from pathlib import Path

import numpy as np

import pullback as pb
from pullback.datasets import load_dataset

train, test = load_dataset("digits").split(0.8, 0.2)
model = pb.Sequential(pb.Dense(256), pb.ReLU(), pb.Dense(10))
trainer = pb.Trainer(
    model, pb.SoftmaxCrossEntropy(), pb.SGD(0.1, momentum=0.9), penalties=[pb.L2(1e-4)]
)
history = trainer.fit(train.inputs, train.labels, epochs=30, validation=0.1)
print(history.table.tail(3).to_string(index=False))
print("on rows it has never seen:", trainer.evaluate(test.inputs, test.labels))

# A model is saved as plain numbers and a description of its layers; loading one runs no code.
with tempfile.TemporaryDirectory() as folder:
    model.save(Path(folder) / "digits.safetensors")
    again = pb.Sequential.load(Path(folder) / "digits.safetensors")
assert np.array_equal(again.predict(test.inputs), model.predict(test.inputs))

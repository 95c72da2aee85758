"""Layers composed freely, and trained: ways around, shared layers, forces, data without end."""

import numpy as np

import pullback as pb
from pullback.datasets import load_dataset

train, validation, test = load_dataset("digits").split(0.7, 0.1, 0.2)

# A way around two layers, normalization, dropout. Sizes are inferred; the table shows them.
model = pb.Sequential(
    pb.Dense(64),
    pb.Residual(pb.BatchNorm(), pb.GELU(), pb.Dense(64), pb.Dropout(0.2)),
    pb.LayerNorm(),
    pb.Dense(10),
    rng=0,
)
print(model.summary(64))

# A schedule and a limit on the gradients are part of the same circuit as the rest of a step.
optimizer = pb.AdamW(pb.CosineDecay(3e-3, steps=1200), weight_decay=0.01, clip_norm=1.0)
trainer = pb.Trainer(model, pb.SoftmaxCrossEntropy(label_smoothing=0.05), optimizer)
history = trainer.fit(
    train.inputs,
    train.labels,
    epochs=60,
    validation=(validation.inputs, validation.labels),
    callbacks=[pb.early_stopping("validation_accuracy", patience=15)],
)
print(f"{len(history)} epochs; {history.ended}")
print("on rows it has never seen:", trainer.evaluate(test.inputs, test.labels))


# Do two digits show the same number? One tower, called twice, has its parameters once.
def same_number(layers, a, b, training):
    def tower(x):
        return layers.squash(layers.dense(x, training=training), training=training)

    return layers.head(abs(tower(a) - tower(b)), training=training)


def pairs():
    """Batches without end fit into no memory; here they are drawn anew in every epoch."""
    for _ in range(200):
        one = rng.integers(len(train), size=64)
        same = rng.integers(2, size=64).astype(bool)
        other = np.array([rng.choice(by_label[label]) for label in train.labels[one]])
        other = np.where(same, other, rng.integers(len(train), size=64))
        agree = train.labels[one] == train.labels[other]
        yield (train.inputs[one], train.inputs[other]), agree


rng = np.random.default_rng(0)
by_label = [np.flatnonzero(train.labels == k) for k in range(10)]
siamese = pb.Model(same_number, dense=pb.Dense(64), squash=pb.Tanh(), head=pb.Dense(1), rng=0)
judge = pb.Trainer(siamese, pb.BinaryCrossEntropy(), pb.Adam(0.003), engine="eager")
judge.fit(pairs, epochs=5)
half = len(test) // 2
measured = judge.evaluate(
    (test.inputs[:half], test.inputs[half : 2 * half]),
    test.labels[:half] == test.labels[half : 2 * half],
)
print("the same number or not:", measured)


# The guide's force specification needs no loss: it says how hard to pull on each score.
def springs(scores, labels):
    """Pull each score towards its label, the harder the farther it is, but never harder than 1."""
    return pb.clip(pb.reshape(labels, scores.shape) - scores, -1.0, 1.0)


x = np.linspace(-2.0, 2.0, 101).reshape(-1, 1)
curve = pb.Sequential(pb.Dense(32), pb.Tanh(), pb.Dense(1), rng=0)
pulled = pb.Trainer(curve, pb.Force(springs, like=pb.Huber()), pb.Adam(0.01), engine="eager")
pulled.fit(x, np.sin(2.0 * x[:, 0]), epochs=300)
print("mean pull that is left:", pulled.evaluate(x, np.sin(2.0 * x[:, 0]))["loss"])

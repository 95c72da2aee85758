"""The encoder and decoder with attention: a sequence in, another one out, step by step."""

from __future__ import annotations

from typing import final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.unit import Unit
from pullback.gates.elementary import tanh
from pullback.gates.loop import loop
from pullback.gates.shape import concatenate, swapaxes
from pullback.layers import GRU, CrossAttention, Dense, Embedding, GRUCell, MeanOverSteps
from pullback.layers.calls import watch
from pullback.layers.composite import Composite
from pullback.layers.layer import Rng, register
from pullback.layers.training import Training


@final
@register
class Seq2Seq(Composite):
    """Scores of what comes next in an answer, by its source and by the answer so far.

        memory = GRU, in both directions, of the source's embeddings
        h[0] = tanh(initial(mean of memory)),  h[t + 1] = cell(embedding of target[t], h[t])
        scores[t] = scores(tanh(joined([h[t + 1], attention of h[t + 1] to memory])))

    Shapes: source (rows, steps), whole numbers from 0 to sources - 1, padded behind their lengths
    (rows,); target (rows, others), from 0 to targets - 1; scores (rows, others, targets). memory is
    (rows, steps, 2 units), h (rows, units). In training, the target is the right answer with
    `mark`, the number targets - 1, before it, and the labels of `SequenceCrossEntropy` are the
    answer with `mark` behind it and -1 from there on: see `pullback.sequences.text.paired`. What a
    model says by itself, `pullback.sequences.text.Answers` finds. `attention_weights` shows which
    steps of the source each step of the answer looks at.

    Raises `CircuitError` for other inputs, where `heads` do not divide the units, and for lengths
    beyond the steps of the source.
    Source: Luong, Pham, Manning, "Effective approaches to attention-based neural machine
    translation" (EMNLP 2015), global attention; Bahdanau, Cho, Bengio, "Neural machine translation
    by jointly learning to align and translate" (ICLR 2015), for the encoder.

    >>> model = Seq2Seq(5, 4, units=8)
    >>> source, lengths = np.array([[0, 4, 2], [3, 0, 0]]), np.array([3, 1])
    >>> model(source, lengths, np.array([[3, 0], [3, 1]])).shape
    (2, 2, 4)
    """

    takes_lengths = True
    makes_layers = True

    def __init__(
        self,
        sources: int,
        targets: int,
        units: int = 64,
        *,
        embedding: int = 32,
        heads: int = 1,
        dtype: str = "float32",
        name: str = "",
        rng: Rng = None,
    ) -> None:
        self.source = Embedding(sources, embedding, dtype=dtype, name="source")
        self.encoder = GRU(units, bidirectional=True, dtype=dtype, name="encoder")
        self.mean = MeanOverSteps(name="mean")
        self.initial = Dense(units, dtype=dtype, name="initial")
        self.target = Embedding(targets, embedding, dtype=dtype, name="target")
        self.cell = GRUCell(units, dtype=dtype, name="cell")
        self.attention = CrossAttention(heads, dtype=dtype, name="attention")
        self.joined = Dense(units, dtype=dtype, name="joined")
        self.scores = Dense(targets, dtype=dtype, name="scores")
        reading = self.source, self.encoder, self.mean, self.initial
        writing = self.target, self.cell, self.attention, self.joined, self.scores
        super().__init__(
            [*reading, *writing],
            name,
            rng,
            sources=self.source.config["count"],
            targets=self.target.config["count"],
            units=self.cell.units,
            embedding=self.source.config["units"],
            heads=self.attention.config["heads"],
            dtype=self.cell.config["dtype"],
        )

    @property
    def mark(self) -> int:
        """The number that stands before an answer, and behind it."""
        return self.config["targets"] - 1

    def apply(self, *inputs: Unit, training: Training | None) -> Unit:
        shapes = [x.shape for x in inputs]
        if [len(shape) for shape in shapes] != [2, 1, 2] or len({x[0] for x in shapes}) > 1:
            raise CircuitError(
                f"layer {self.called!r} takes a source (rows, steps), lengths (rows,) and a target "
                f"(rows, steps), got {', '.join(map(str, shapes))}"
            )
        source, lengths, target = inputs
        memory, h = self.read(source, lengths, training=training)
        return self.write(target, h, memory, lengths, training=training)[0]

    def read(
        self, source: Unit, lengths: Unit, *, training: Training | None = None
    ) -> tuple[Unit, Unit]:
        """The memory of a source (rows, steps), and the first state of the decoder."""
        x = self.source(source, training=training)
        memory = self.encoder(x, lengths, training=training)
        mean = self.mean(memory, lengths, training=training)
        return memory, tanh(self.initial(mean, training=training))

    def write(
        self,
        target: Unit,
        h: Unit,
        memory: Unit,
        lengths: Unit,
        *,
        training: Training | None = None,
    ) -> tuple[Unit, Unit]:
        """The scores of what follows each step of a target (rows, steps), and the last state."""
        x = self.target(target, training=training)
        if not self.cell.built:  # its parameters are made outside of the loop
            with watch():
                self.cell(np.zeros((*x.shape[:1], *x.shape[2:]), x.dtype), h)
        states, *_ = loop(lambda h, x: self.cell(x, h, training=training), h, swapaxes(x, 0, 1))
        last = states[-1] if target.shape[1] else h
        states = swapaxes(states, 0, 1)
        seen = self.attention(states, memory, lengths, training=training)
        joined = tanh(self.joined(concatenate([states, seen], axis=-1), training=training))
        return self.scores(joined, training=training), last

"""What every layer computes, written a second time: in NumPy and SciPy, never in gates.

A layer that is not in this table fails the tests: add its name, with at least one case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special
from tests.layers import attending, pictures, sequences, sounds, windows

import pullback as pb
from pullback.layers import (
    CRF,
    ELU,
    GELU,
    GRU,
    LSTM,
    MFCC,
    RNN,
    SELU,
    AveragePool1d,
    AveragePool2d,
    BatchNorm,
    CentreOverSteps,
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    CrossAttention,
    Cutout,
    Dense,
    DepthwiseConv2d,
    Dropout,
    DynamicRange,
    Embedding,
    Ensemble,
    Flatten,
    GlobalAveragePool,
    GlobalMaxPool,
    GroupNorm,
    GRUCell,
    Identity,
    LastStep,
    Layer,
    LayerNorm,
    LeakyReLU,
    LocalResponseNorm,
    LogMel,
    LSTMCell,
    Maxout,
    MaxOverSteps,
    MaxPool1d,
    MaxPool2d,
    MeanOverSteps,
    Padded,
    Parallel,
    PositionalEncoding,
    PositionEmbedding,
    PReLU,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomShift,
    Recurrent,
    ReLU,
    Reshape,
    Residual,
    RNNCell,
    SelfAttention,
    Sequential,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    SpatialDropout,
    Standardize,
    Tanh,
    TransformerBlock,
    Upsample2d,
)
from pullback.models import Seq2Seq, Tagger

F8 = {"dtype": "float64"}


@dataclass(frozen=True)
class Case:
    """A layer of double precision, the shape of a row of its input, and what it computes.

    `predicted` and `trained` are functions of the input and of the parameters and state by name;
    without `trained`, training is prediction. `integers` says below which number inputs are drawn.
    `others` makes what a layer takes besides, for so many rows, which the functions are given too;
    `output` is what is compared of what it makes.
    """

    make: Callable[[], Layer]
    row: tuple[int, ...]
    predicted: Callable[..., np.ndarray]
    trained: Callable[..., np.ndarray] | None = None
    integers: int = 0
    least_rows: int = 0  # that training takes
    others: Callable[[int], tuple[np.ndarray, ...]] = lambda rows: ()
    output: Callable[[Any], Any] = lambda y: y

    def inputs(self, rows: int, seed: int = 0) -> np.ndarray:
        """Numbers without a zero among them, where most kinks are."""
        rng = np.random.default_rng(seed)
        shape = (rows, *self.row)
        if self.integers:
            return rng.integers(self.integers, size=shape)
        return rng.choice((-1.0, 1.0), shape) * rng.uniform(0.1, 2.0, shape)

    def given(self, x: np.ndarray) -> tuple[np.ndarray, ...]:
        """All inputs, floats in the dtype of x."""
        others = self.others(len(x))
        return x, *(v.astype(x.dtype) if v.dtype.kind == x.dtype.kind == "f" else v for v in others)

    def reference(
        self, given: tuple[np.ndarray, ...], numbers: dict[str, np.ndarray], training: bool
    ) -> Any:
        function = self.trained if training and self.trained else self.predicted
        x, *others = given
        return function(x, numbers, *others)


def leaky(x, slope):
    return np.maximum(x, 0.0) + slope * np.minimum(x, 0.0)


def elu(x, alpha):
    return np.array([v if v > 0 else alpha * np.expm1(v) for v in x.ravel()]).reshape(x.shape)


def dense(x, p, name):
    return np.einsum("...i,ij->...j", x, p[f"{name}.weight"]) + p[f"{name}.bias"]


def ensemble(x, p, average):
    """Two dense layers of which the mean is taken, of their scores or their probabilities."""
    a, b = (dense(x, p, name) for name in ("dense1", "dense2"))
    if average == "scores":
        return (a + b) / 2
    if average == "softmax":
        return np.log((special.softmax(a, -1) + special.softmax(b, -1)) / 2)
    return special.logit((special.expit(a) + special.expit(b)) / 2)


def maxout(x, p, units, pieces):
    sums = dense(x, p, "maxout")
    return np.stack(
        [np.max(sums[..., k * pieces : (k + 1) * pieces], axis=-1) for k in range(units)], axis=-1
    )


def layer_norm(x, p, axes=1):
    rows = x.reshape(-1, *x.shape[x.ndim - axes :])
    y = [(v - v.mean()) / (v.std() ** 2 + 1e-5) ** 0.5 for v in rows]
    return np.reshape(y, x.shape) * p["layernorm.scale"] + p["layernorm.bias"]


def batch_norm(x, p):
    y = (x - p["batchnorm.mean"]) / (p["batchnorm.variance"] + 1e-5) ** 0.5
    return y * p["batchnorm.scale"] + p["batchnorm.bias"]


def batch_norm_trained(x, p):
    rows = x.reshape(-1, x.shape[-1])
    y = (x - rows.mean(0)) / (rows.var(0) + 1e-5) ** 0.5
    return y * p["batchnorm.scale"] + p["batchnorm.bias"]


def dropout(x, p):
    """By the reference of the generator, at seed, step and stream 0."""
    from tests.gates.reference import REFERENCES

    drawn = REFERENCES["random"](
        0, 0, shape=x.shape, stream=0, kind="uniform", dtype=np.dtype("float32")
    )
    return np.where(drawn >= 0.25, x / 0.75, 0.0)


def spatial_dropout(x, p):
    """As `dropout`, with one number for each channel of a row."""
    kept = dropout(np.ones((len(x), *[1] * (x.ndim - 2), x.shape[-1])), p)
    return x * kept


def chain(x, p):
    rows, steps, tags = x.shape
    y = np.empty((rows, steps + 1, tags, tags))
    for t, i, j in np.ndindex(steps, tags, tags):
        before = p["crf.transition"][i, j] if t else p["crf.start"][j]
        y[:, t, i, j] = before + x[:, t, j]
    for i, j in np.ndindex(tags, tags):
        y[:, steps, i, j] = p["crf.end"][i]
    return y


def biased(y, p, name):
    return y + p[f"{name}.bias"] if f"{name}.bias" in p else y


def convolution(kind, row, *told, **windows_told):
    """A case of a convolution of images: filters or none, the kernel, and where it lies."""
    groups = row[-1] if kind is DepthwiseConv2d else windows_told.get("groups", 1)
    name = kind.__name__.lower()
    function = windows.transposed if kind is ConvTranspose2d else windows.convolve
    static = {k: v for k, v in windows_told.items() if k not in ("bias", "groups", "multiplier")}

    def predicted(x, p):
        return biased(function(x, p[f"{name}.weight"], groups=groups, **static), p, name)

    return Case(lambda: kind(*told, **windows_told, **F8), row, predicted)


def convolution_1d(row, *told, **windows_told):
    static = {k: v for k, v in windows_told.items() if k != "bias"}

    def predicted(x, p):
        y = windows.in_a_row(windows.convolve, x, p["conv1d.weight"], **static)
        return biased(y, p, "conv1d")

    return Case(lambda: Conv1d(*told, **windows_told, **F8), row, predicted)


def pooling(kind, row, size, stride=None, padding="valid"):
    """A case of pooling, of images or of sequences."""
    function = windows.max_pool if kind in (MaxPool1d, MaxPool2d) else windows.average_pool
    told = {"size": size, "stride": stride or size, "padding": padding}

    def predicted(x, p):
        return windows.in_a_row(function, x, **told) if len(row) == 2 else function(x, **told)

    return Case(lambda: kind(size, stride, padding), row, predicted)


def group_norm(groups, row):
    return Case(
        lambda: GroupNorm(groups, **F8),
        row,
        lambda x, p: windows.group_norm(x, groups, p["groupnorm.scale"], p["groupnorm.bias"]),
    )


def local_response_norm(row, size, alpha, beta, k):
    told = (size, alpha, beta, k)
    return Case(
        lambda: LocalResponseNorm(*told), row, lambda x, p: windows.local_response_norm(x, *told)
    )


def log_mel(row, rate, bands, **told):
    return Case(
        lambda: LogMel(rate, bands, **told),
        row,
        lambda x, p: sounds.log_mel(x, rate, bands, **told),
    )


def mfcc(row, rate, coefficients, bands, **told):
    return Case(
        lambda: MFCC(rate, coefficients, bands, **told),
        row,
        lambda x, p: sounds.mfcc(x, coefficients, rate, bands, **told),
    )


def elementwise(make, function):
    return [Case(make, (3, 2), lambda x, p: function(x)), Case(make, (), lambda x, p: function(x))]


def augmented(make, function, row=(5, 4, 2), predicted=lambda x: x):
    """A layer that changes pictures in training."""
    return Case(make, row, lambda x, p: predicted(x), lambda x, p: function(x))


STEPS: dict[Any, Any] = {
    RNNCell: (sequences.rnn, 1),
    GRUCell: (sequences.gru, 1),
    LSTMCell: (sequences.lstm, 2),
}
STEPS |= {RNN: STEPS[RNNCell], GRU: STEPS[GRUCell], LSTM: STEPS[LSTMCell]}


def lengths_within(steps):
    """Of so many rows, from none to all of the steps."""
    return lambda rows: ((2 * np.arange(rows) + steps) % (steps + 1),)


def cells(kind, *told, **more):
    """Cases of a cell of three units, with a state and without."""
    step, pieces = STEPS[kind]

    def predicted(x, p, *state):
        state = state or (np.zeros((len(x), 3)),) * pieces
        return np.hstack(step(x, state, p, f"{kind.__name__.lower()}.", *told))

    def states(rows):
        rng = np.random.default_rng(5)
        return tuple(rng.normal(size=(2, rows, 3))[:pieces])

    def output(made):
        made = made if isinstance(made, tuple) else (made,)
        join = np.concatenate if isinstance(made[0], np.ndarray) else pb.concatenate
        return join(made[:pieces], axis=-1)

    return [
        Case(lambda: kind(3, *told, **more, **F8), (2,), predicted, others=others, output=output)
        for others in (states, lambda rows: ())
    ]


def recurrent(kind, row, *, padded=False, **told):
    step, pieces = STEPS[kind]

    def predicted(x, p, lengths=None):
        return sequences.run(step, pieces, x, p, "cell.", lengths, **told)

    others = lengths_within(row[0]) if padded else lambda rows: ()
    return Case(lambda: Recurrent(kind(3, **F8), **told), row, predicted, others=others)


def stack(kind, row, layers=1, *, padded=False, **told):
    step, pieces = STEPS[kind]

    def predicted(x, p, lengths=None):
        return sequences.stack(step, pieces, x, p, layers, lengths, **told)

    others = lengths_within(row[0]) if padded else lambda rows: ()
    return Case(lambda: kind(3, layers, **told, **F8), row, predicted, others=others)


def over_steps(kind, function):
    def predicted(x, p, lengths=None):
        return sequences.over_steps(x, lengths, function)

    return [
        Case(kind, (4, 3), predicted),
        Case(kind, (3, 2), predicted, others=lengths_within(3)),
        Case(kind, (3, 2, 1), predicted, others=lengths_within(3)),
        Case(kind, (1, 2), predicted, others=lengths_within(1)),
    ]


def centred(x, p, lengths=None):
    y = np.zeros_like(x)
    for row, sequence in enumerate(x):
        count = len(sequence) if lengths is None else lengths[row]
        if count:
            y[row, :count] = sequence[:count] - sequence[:count].mean(axis=0)
    return y


def ranged(x, p, lengths=None):
    y = np.zeros_like(x)
    for row, sequence in enumerate(x):
        count = len(sequence) if lengths is None else lengths[row]
        if count:
            y[row, :count] = np.maximum(sequence[:count], sequence[:count].max() - np.log(10) / 5)
    return y


def padded_model(x, p, lengths=None):
    y = np.eye(5)[x] @ p["embedding1.table"]
    y = sequences.stack(sequences.gru, 1, y, p, 1, lengths, at="gru1.")
    y = dense(np.tanh(y), p, "dense1")
    return sequences.over_steps(y, lengths, lambda v: v.mean(axis=0))


def tagged(x, p, characters, lengths=None):
    """What a `Tagger` of 4 characters computes: filters slide over a word with zeros around it."""
    weight = p["convolution.weight"]
    kernel = len(weight)
    spelled = np.zeros((*x.shape, weight.shape[2]))
    for at in np.ndindex(x.shape):
        word = [c for c in characters[at] if c < 4]
        if word:
            letters = np.pad(
                p["characters.table"][word], [((kernel - 1) // 2, kernel // 2), (0, 0)]
            )
            seen = [np.einsum("kc,kcf", letters[k : k + kernel], weight) for k in range(len(word))]
            spelled[at] = np.maximum(np.max(seen, axis=0) + p["convolution.bias"], 0.0)
    y = np.concatenate([p["words.table"][x], spelled], axis=2)
    y = sequences.stack(sequences.lstm, 2, y, p, 1, lengths, bidirectional=True, at="lstm.")
    return chain(dense(y, p, "dense"), p)


def tagger(steps, longest, kernel, *, padded=False):
    """A case of a `Tagger` that drops nothing, of words of no characters up to `longest`."""
    sizes = {"word_units": 1, "character_units": 2, "filters": 2, "kernel": kernel, "units": 1}

    def others(rows):
        rng = np.random.default_rng(rows)
        ends = rng.integers(longest + 1, size=(rows, steps, 1))
        letters = rng.integers(4, size=(rows, steps, longest))
        characters = np.where(np.arange(longest) < ends, letters, 4)
        return (characters, *(lengths_within(steps)(rows) if padded else ()))

    return Case(
        lambda: Tagger(3, 4, 2, **sizes, dropout=0.0, word_dropout=0.0, **F8),
        (steps,),
        tagged,
        integers=3,
        others=others,
    )


def seq2seq(source, target, heads):
    """A case of so many steps of source and target."""

    def others(rows):
        return *lengths_within(source)(rows), (np.arange(rows * target) % 3).reshape(rows, target)

    return Case(
        lambda: Seq2Seq(4, 3, 2, embedding=3, heads=heads, **F8),
        (source,),
        lambda x, p, lengths, y: sequences.seq2seq(x, p, lengths, y, heads),
        integers=4,
        others=others,
    )


CASES: dict[str, list[Case]] = {
    "AveragePool1d": [
        pooling(AveragePool1d, (6, 2), 2),
        pooling(AveragePool1d, (7, 1), 3, 2, "same"),
        pooling(AveragePool1d, (5, 2), 4, 1, (3, 0)),
        pooling(AveragePool1d, (1, 1), 1),
    ],
    "AveragePool2d": [
        pooling(AveragePool2d, (4, 6, 2), 2),
        pooling(AveragePool2d, (5, 4, 1), (3, 2), (2, 1), "same"),
        pooling(AveragePool2d, (5, 3, 2), 3, 2, ((2, 1), (0, 2))),
        pooling(AveragePool2d, (4, 5, 1), 2, 3, 1),
        pooling(AveragePool2d, (1, 1, 3), 1),
    ],
    "BatchNorm": [
        Case(lambda: BatchNorm(**F8), (3,), batch_norm, batch_norm_trained, least_rows=2),
        Case(lambda: BatchNorm(0.5, **F8), (2, 3), batch_norm, batch_norm_trained, least_rows=1),
    ],
    "CRF": [
        Case(lambda: CRF(**F8), (4, 3), chain),
        Case(lambda: CRF(**F8), (1, 2), chain),
        Case(lambda: CRF(**F8), (3, 1), chain),
    ],
    "CentreOverSteps": [
        Case(CentreOverSteps, (4, 3), centred),
        Case(CentreOverSteps, (3, 2), centred, others=lengths_within(3)),
        Case(CentreOverSteps, (3, 2, 2), centred, others=lengths_within(3)),
        Case(CentreOverSteps, (1, 2), centred, others=lengths_within(1)),
    ],
    "Conv1d": [
        convolution_1d((6, 2), 3, 3),
        convolution_1d((7, 2), 2, 2, stride=3, padding="same"),
        convolution_1d((5, 4), 2, 3, padding=(2, 0), dilation=2, groups=2, bias=False),
        convolution_1d((4, 1), 1, 4, padding=1),
    ],
    "Conv2d": [
        convolution(Conv2d, (4, 5, 2), 3, 3),
        convolution(Conv2d, (5, 4, 1), 2, (3, 2), stride=(2, 1), padding="same"),
        convolution(Conv2d, (5, 4, 4), 2, 2, padding=((1, 0), (0, 2)), groups=2, bias=False),
        convolution(Conv2d, (5, 6, 2), 2, 3, stride=2, padding=(1, 2), dilation=(1, 2)),
        convolution(Conv2d, (3, 4, 3), 6, 2, groups=3, dilation=2),
        convolution(Conv2d, (1, 1, 2), 3, 1),
        convolution(Conv2d, (2, 3, 1), 1, 3, stride=2, padding="same", dilation=2),
    ],
    "ConvTranspose2d": [
        convolution(ConvTranspose2d, (3, 2, 2), 3, 3),
        convolution(ConvTranspose2d, (2, 3, 2), 2, 4, stride=2, padding=1),
        convolution(ConvTranspose2d, (2, 2, 4), 2, (2, 3), stride=3, extra=(2, 1), groups=2),
        convolution(ConvTranspose2d, (3, 2, 1), 2, 3, stride=(2, 1), padding="same", bias=False),
        convolution(ConvTranspose2d, (2, 3, 2), 1, 2, dilation=(2, 1), padding=((1, 0), (0, 1))),
        convolution(ConvTranspose2d, (2, 1, 2), 4, 1, stride=2, padding="same", groups=2),
        convolution(ConvTranspose2d, (1, 1, 3), 3, 1, groups=3),
    ],
    "CrossAttention": [
        Case(
            lambda: Sequential(
                Parallel(Identity(), Dense(5, **F8), join="none"), CrossAttention(2, **F8)
            ),
            (3, 4),
            lambda x, p: attending.cross_attention(
                x, dense(x, p, "parallel1.dense1"), p, 2, name="crossattention1"
            ),
        ),
        Case(
            lambda: Sequential(
                Parallel(Dense(3, **F8), Identity(), join="none"),
                CrossAttention(1, bias=False, initializer="lecun", gain=0.5, **F8),
            ),
            (1, 2),
            lambda x, p: attending.cross_attention(
                dense(x, p, "parallel1.dense1"), x, p, 1, name="crossattention1"
            ),
        ),
    ],
    "Cutout": [
        augmented(lambda: Cutout(3), lambda x: pictures.cut_out(x, (3, 3))),
        augmented(
            lambda: Cutout((2, 1), "mean"),
            lambda x: pictures.cut_out(x, (2, 1), "mean"),
            (3, 4, 3),
        ),
    ],
    "Dense": [
        Case(lambda: Dense(4, **F8), (3,), lambda x, p: dense(x, p, "dense")),
        Case(lambda: Dense(1, **F8), (5, 2), lambda x, p: dense(x, p, "dense")),
        Case(
            lambda: Dense(4, bias=False, initializer="orthogonal", **F8),
            (3,),
            lambda x, p: np.tensordot(x, p["dense.weight"], 1),
        ),
    ],
    "DepthwiseConv2d": [
        convolution(DepthwiseConv2d, (4, 4, 3), 3, padding="same"),
        convolution(DepthwiseConv2d, (4, 5, 2), (2, 3), multiplier=2, stride=(1, 2)),
        convolution(DepthwiseConv2d, (5, 3, 2), 2, padding=((0, 1), (2, 0)), dilation=2),
        convolution(DepthwiseConv2d, (3, 3, 1), 2, multiplier=3, bias=False),
    ],
    "Dropout": [
        Case(lambda: Dropout(0.25), (3,), lambda x, p: x, dropout),
        Case(lambda: Dropout(0.0), (3,), lambda x, p: x),
    ],
    "DynamicRange": [
        Case(lambda: DynamicRange(2.0), (4, 3), ranged),
        Case(lambda: DynamicRange(2.0), (3, 2), ranged, others=lengths_within(3)),
        Case(lambda: DynamicRange(2.0), (1, 2), ranged, others=lengths_within(1)),
    ],
    "ELU": elementwise(lambda: ELU(0.7), lambda x: elu(x, 0.7)),
    "Embedding": [
        Case(
            lambda: Embedding(7, 3, **F8),
            row,
            lambda x, p: np.eye(7)[x] @ p["embedding.table"],
            integers=7,
        )
        for row in [(), (4,)]
    ],
    "Ensemble": [
        Case(
            lambda average=average: Ensemble(Dense(3, **F8), Dense(3, **F8), average=average),
            (2,),
            lambda x, p, average=average: ensemble(x, p, average),
        )
        for average in ("scores", "softmax", "sigmoid")
    ],
    "Flatten": [
        Case(Flatten, (2, 3), lambda x, p: np.array([v.ravel() for v in x]).reshape(len(x), 6)),
        Case(Flatten, (), lambda x, p: x[:, None]),
    ],
    "GELU": [
        *elementwise(GELU, lambda x: x * special.ndtr(x)),
        *elementwise(
            lambda: GELU(approximate=True),
            lambda x: x / 2 * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3))),
        ),
    ],
    "GRU": [
        stack(GRU, (3, 2)),
        stack(GRU, (4, 1), 2, padded=True, bidirectional=True),
        stack(GRU, (2, 2), last=True, padded=True, bidirectional=True),
    ],
    "GRUCell": cells(GRUCell),
    "GlobalAveragePool": [
        Case(GlobalAveragePool, (3, 2, 2), lambda x, p: np.einsum("nhwc->nc", x) / 6),
        Case(GlobalAveragePool, (5, 1), lambda x, p: np.einsum("nlc->nc", x) / 5),
        Case(GlobalAveragePool, (1, 1, 2), lambda x, p: x[:, 0, 0]),
    ],
    "GlobalMaxPool": [
        Case(GlobalMaxPool, (3, 2, 2), lambda x, p: np.sort(x.reshape(len(x), 6, 2), 1)[:, -1]),
        Case(GlobalMaxPool, (5, 1), lambda x, p: np.sort(x, 1)[:, -1]),
        Case(GlobalMaxPool, (2, 1, 2, 2), lambda x, p: x.reshape(len(x), 4, 2).max(1)),
    ],
    "GroupNorm": [
        group_norm(2, (3, 2, 4)),
        group_norm(1, (5, 3)),
        group_norm(3, (2, 2, 3)),
        group_norm(2, (6,)),
    ],
    "Identity": elementwise(Identity, lambda x: x),
    "LSTM": [
        stack(LSTM, (3, 2)),
        stack(LSTM, (3, 2), 2, bidirectional=True),
        stack(LSTM, (4, 1), 2, last=True, padded=True),
    ],
    "LSTMCell": cells(LSTMCell, forget_bias=0.5),
    "LastStep": over_steps(LastStep, lambda v: v[-1]),
    "LayerNorm": [
        Case(lambda: LayerNorm(**F8), (5,), layer_norm),
        Case(lambda: LayerNorm(**F8), (2, 3), layer_norm),
        Case(lambda: LayerNorm(axes=3, **F8), (3, 2, 2), lambda x, p: layer_norm(x, p, 3)),
        Case(lambda: LayerNorm(axes=2, **F8), (2, 3, 2), lambda x, p: layer_norm(x, p, 2)),
    ],
    "LeakyReLU": elementwise(lambda: LeakyReLU(0.2), lambda x: leaky(x, 0.2)),
    "LocalResponseNorm": [
        local_response_norm((2, 2, 5), 3, 0.9, 0.75, 1.0),
        local_response_norm((6,), 4, 0.5, 0.6, 2.0),
        local_response_norm((2, 3), 7, 2.0, 1.0, 0.5),
        local_response_norm((3, 2), 1, 0.3, 0.5, 1.0),
    ],
    "MaxOverSteps": over_steps(MaxOverSteps, lambda v: np.sort(v, axis=0)[-1]),
    "LogMel": [
        log_mel((40,), 1000, 3, window=0.016, step=0.005),
        log_mel((37,), 1000, 2, window=0.011, step=0.007, scale="htk", centre=False),
        log_mel((23,), 4000, 4, window=0.004, step=0.001, low=100.0, high=1500.0, points=33),
        log_mel((1,), 500, 1, window=0.012, step=0.02, floor=0.5),
    ],
    "MFCC": [
        mfcc((40,), 1000, 2, 3, window=0.016, step=0.005),
        mfcc((37,), 1000, 3, 3, window=0.016, step=0.01, scale="htk", points=64),
    ],
    "MaxPool1d": [
        pooling(MaxPool1d, (6, 2), 2),
        pooling(MaxPool1d, (7, 1), 3, 2, "same"),
        pooling(MaxPool1d, (5, 2), 3, 1, (2, 0)),
    ],
    "MaxPool2d": [
        pooling(MaxPool2d, (4, 6, 2), 2),
        pooling(MaxPool2d, (5, 4, 1), (3, 2), (2, 1), "same"),
        pooling(MaxPool2d, (5, 3, 2), 3, 2, ((2, 1), (0, 2))),
        pooling(MaxPool2d, (4, 5, 1), 2, 3, 1),
        pooling(MaxPool2d, (1, 1, 3), 1),
    ],
    "Maxout": [
        Case(lambda: Maxout(3, **F8), (4,), lambda x, p: maxout(x, p, 3, 2)),
        Case(lambda: Maxout(2, 5, **F8), (2, 3), lambda x, p: maxout(x, p, 2, 5)),
        Case(
            lambda: Maxout(pieces=3),
            (2, 6),
            lambda x, p: np.stack([x[..., :3].max(-1), x[..., 3:].max(-1)], axis=-1),
        ),
    ],
    "MeanOverSteps": over_steps(MeanOverSteps, lambda v: v.mean(axis=0)),
    "Padded": [
        Case(
            lambda: Padded(
                *(Embedding(5, 2, **F8), GRU(3, **F8), Tanh(), Dense(2, **F8), MeanOverSteps())
            ),
            (4,),
            padded_model,
            integers=5,
            others=others,
        )
        for others in (lengths_within(4), lambda rows: ())
    ],
    "PReLU": [Case(lambda: PReLU(**F8), (3,), lambda x, p: leaky(x, p["prelu.slope"]))],
    "Parallel": [
        Case(
            lambda: Parallel(Dense(2, **F8), Tanh()),
            (3,),
            lambda x, p: np.hstack([dense(x, p, "dense1"), np.tanh(x)]),
        ),
        Case(
            lambda: Parallel(Dense(2, **F8), Dense(2, **F8), join="add"),
            (3,),
            lambda x, p: dense(x, p, "dense1") + dense(x, p, "dense2"),
        ),
    ],
    "RNN": [
        stack(RNN, (3, 2)),
        stack(RNN, (3, 2), 3, bidirectional=True),
        stack(RNN, (4, 2), 2, padded=True),
    ],
    "RNNCell": [*cells(RNNCell), *cells(RNNCell, "relu")],
    "PositionEmbedding": [
        Case(
            lambda: PositionEmbedding(5, **F8),
            (3, 2),
            lambda x, p: x + p["positionembedding.table"][:3],
        ),
        Case(
            lambda: PositionEmbedding(2, initializer="uniform", **F8),
            (2, 1),
            lambda x, p: x + p["positionembedding.table"],
        ),
    ],
    "PositionalEncoding": [
        Case(PositionalEncoding, row, lambda x, p: attending.waves(x))
        for row in [(3, 4), (7, 5), (1, 1)]
    ],
    "RandomBrightness": [
        augmented(lambda: RandomBrightness(0.3), lambda x: pictures.brightened(x, 0.3)),
        augmented(
            lambda: RandomBrightness(0.7, limits=(-1.0, 1.5)),
            lambda x: pictures.brightened(x, 0.7, (-1.0, 1.5)),
            (2, 3, 1),
        ),
    ],
    "RandomContrast": [
        augmented(lambda: RandomContrast(0.5), lambda x: pictures.contrasted(x, 0.5)),
        augmented(
            lambda: RandomContrast(1, (-1, 1.5)),
            lambda x: pictures.contrasted(x, 1, (-1, 1.5)),
            (2, 3, 1),
        ),
    ],
    "RandomCrop": [
        augmented(
            lambda: RandomCrop((4, 3), padding=1),
            lambda x: pictures.cropped(x, (4, 3), (1, 1)),
            predicted=lambda x: pictures.middle(x, (4, 3)),
        ),
        augmented(
            lambda: RandomCrop(2),
            lambda x: pictures.cropped(x, (2, 2)),
            (3, 5, 1),
            lambda x: pictures.middle(x, (2, 2)),
        ),
        augmented(
            lambda: RandomCrop(4, (1, 2), fill="edge"),
            lambda x: pictures.cropped(x, (4, 4), (1, 2), "edge"),
            (2, 1, 3),
            lambda x: pictures.middle(x, (4, 4), (1, 2), "edge"),
        ),
    ],
    "RandomErasing": [
        augmented(lambda: RandomErasing(), pictures.erased),
        augmented(
            lambda: RandomErasing(0.9, (0.3, 0.9), (0.2, 2.0), "mean"),
            lambda x: pictures.erased(x, 0.9, (0.3, 0.9), (0.2, 2.0), "mean"),
            (3, 4, 1),
        ),
    ],
    "RandomFlip": [
        augmented(RandomFlip, pictures.flipped),
        augmented(
            lambda: RandomFlip(vertical=True),
            lambda x: pictures.flipped(x, vertical=True),
            (3, 4, 3),
        ),
        augmented(
            lambda: RandomFlip(False, True), lambda x: pictures.flipped(x, False, True), (3, 2, 1)
        ),
    ],
    "RandomRotation": [
        augmented(lambda: RandomRotation(30), lambda x: pictures.rotated(x, 30)),
        augmented(
            lambda: RandomRotation(180, fill=1.5),
            lambda x: pictures.rotated(x, 180, 1.5),
            (3, 6, 1),
        ),
        augmented(
            lambda: RandomRotation(90, "edge"), lambda x: pictures.rotated(x, 90, "edge"), (4, 4, 3)
        ),
    ],
    "RandomShift": [
        augmented(lambda: RandomShift(2, 1), lambda x: pictures.shifted(x, 2, 1)),
        augmented(
            lambda: RandomShift(0.4, 0, fill=-2.0),
            lambda x: pictures.shifted(x, 1, 0, -2.0),
            (3, 2, 1),
        ),
        augmented(
            lambda: RandomShift(4, 0.5, "edge"),
            lambda x: pictures.shifted(x, 4, 2, "edge"),
            (2, 4, 3),
        ),
    ],
    "ReLU": elementwise(ReLU, lambda x: x * (x > 0)),
    "Recurrent": [
        recurrent(GRUCell, (4, 2)),
        recurrent(LSTMCell, (3, 2), padded=True, reverse=True),
        recurrent(RNNCell, (3, 1), padded=True, last=True),
        recurrent(LSTMCell, (1, 2), last=True, reverse=True),
    ],
    "Reshape": [
        Case(lambda: Reshape((3, -1)), (2, 6), lambda x, p: x.reshape(len(x), 3, 4)),
        Case(lambda: Reshape([]), (1,), lambda x, p: x[:, 0]),
    ],
    "Residual": [
        Case(
            lambda: Residual(Dense(3, **F8), Tanh()),
            (3,),
            lambda x, p: x + np.tanh(dense(x, p, "dense1")),
        ),
        Case(
            lambda: Residual(Dense(4, **F8), project=True, **F8),
            (3,),
            lambda x, p: x @ p["projection"] + dense(x, p, "dense1"),
        ),
        Case(
            lambda: Residual(
                Conv2d(3, 3, stride=2, padding="same", **F8),
                Tanh(),
                around=Conv2d(3, 1, stride=2, **F8),
            ),
            (4, 3, 2),
            lambda x, p: (
                np.tanh(biased(windows.convolve(x, p["conv2d1.weight"], 2, "same"), p, "conv2d1"))
                + biased(windows.convolve(x, p["conv2d2.weight"], 2), p, "conv2d2")
            ),
        ),
    ],
    "SELU": elementwise(SELU, lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772)),
    "SelfAttention": [
        Case(
            lambda: SelfAttention(2, **F8),
            (3, 4),
            lambda x, p: attending.self_attention(x, p, 2),
        ),
        Case(
            lambda: SelfAttention(1, causal=True, bias=False, initializer="lecun", gain=0.5, **F8),
            (4, 3),
            lambda x, p: attending.self_attention(x, p, 1, causal=True),
        ),
        Case(
            lambda: SelfAttention(3, causal=True, dropout=attending.RATE, **F8),
            (2, 3),
            lambda x, p: attending.self_attention(x, p, 3, causal=True),
            lambda x, p: attending.self_attention(x, p, 3, causal=True, drop=True),
        ),
        Case(
            lambda: SelfAttention(2, **F8), (1, 2), lambda x, p: attending.self_attention(x, p, 2)
        ),
    ],
    "Seq2Seq": [seq2seq(4, 3, 1), seq2seq(3, 2, 2), seq2seq(1, 1, 1)],
    "Sequential": [
        Case(
            lambda: Sequential(Dense(4, **F8), Sigmoid(), Sequential(Dense(2, **F8)), rng=3),
            (3,),
            lambda x, p: dense(special.expit(dense(x, p, "dense1")), p, "sequential1.dense1"),
        )
    ],
    "SiLU": elementwise(SiLU, lambda x: x / (1 + np.exp(-x))),
    "Sigmoid": elementwise(Sigmoid, special.expit),
    "Softmax": [Case(Softmax, (5,), lambda x, p: special.softmax(x, axis=-1))],
    "Softplus": elementwise(Softplus, lambda x: np.logaddexp(x, 0)),
    "SpatialDropout": [
        Case(lambda: SpatialDropout(0.25), (2, 3, 4), lambda x, p: x, spatial_dropout),
        Case(lambda: SpatialDropout(0.25), (5,), lambda x, p: x, spatial_dropout),
        Case(lambda: SpatialDropout(0.0), (2, 3), lambda x, p: x),
    ],
    "Standardize": [
        Case(lambda: Standardize(0.5, 2.0), (3,), lambda x, p: (x - 0.5) / 2.0),
        Case(
            lambda: Standardize([0.1, -2.0], [0.5, 3.0]),
            (2, 3, 2),
            lambda x, p: (x - [0.1, -2.0]) / [0.5, 3.0],
        ),
    ],
    "Tagger": [tagger(2, 3, 2), tagger(3, 4, 3, padded=True)],
    "Tanh": elementwise(Tanh, np.tanh),
    "TransformerBlock": [
        Case(
            lambda: TransformerBlock(2, 5, **F8),
            (3, 4),
            lambda x, p: attending.block(x, p, 2, attending.gelu),
        ),
        Case(
            lambda: TransformerBlock(
                1, causal=True, dropout=attending.RATE, activation="tanh", gain=0.7, **F8
            ),
            (3, 2),
            lambda x, p: attending.block(x, p, 1, np.tanh, causal=True),
            lambda x, p: attending.block(x, p, 1, np.tanh, causal=True, drop=True),
        ),
    ],
    "Upsample2d": [
        Case(lambda: Upsample2d(2), (2, 3, 2), lambda x, p: x.repeat(2, axis=1).repeat(2, axis=2)),
        Case(lambda: Upsample2d((1, 3)), (2, 2, 1), lambda x, p: x.repeat(3, axis=2)),
        Case(lambda: Upsample2d(2, "bilinear"), (3, 2, 2), lambda x, p: windows.bilinear(x, 2)),
        Case(
            lambda: Upsample2d((3, 1), "bilinear"),
            (2, 1, 1),
            lambda x, p: windows.bilinear(x, (3, 1)),
        ),
    ],
}

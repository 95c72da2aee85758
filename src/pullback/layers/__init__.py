"""Layers: functions of wires that own parameters, one kind a file."""

from pullback.layers.activations import (
    ELU,
    GELU,
    SELU,
    Identity,
    LeakyReLU,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from pullback.layers.attention import (
    CrossAttention,
    PositionalEncoding,
    PositionEmbedding,
    SelfAttention,
    TransformerBlock,
    attention_weights,
)
from pullback.layers.augmentation import (
    Cutout,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomShift,
)
from pullback.layers.batch_norm import BatchNorm
from pullback.layers.centre import CentreOverSteps
from pullback.layers.convolution import (
    AveragePool1d,
    AveragePool2d,
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    DepthwiseConv2d,
    GlobalAveragePool,
    GlobalMaxPool,
    MaxPool1d,
    MaxPool2d,
    Upsample2d,
)
from pullback.layers.crf import CRF
from pullback.layers.dense import Dense
from pullback.layers.description import LAYERS
from pullback.layers.dropout import Dropout, SpatialDropout
from pullback.layers.embedding import Embedding
from pullback.layers.ensemble import Ensemble
from pullback.layers.group_norm import GroupNorm
from pullback.layers.initializers import INITIALIZERS
from pullback.layers.layer import Layer
from pullback.layers.layer_norm import LayerNorm
from pullback.layers.local_response_norm import LocalResponseNorm
from pullback.layers.lsuv import initialize_lsuv
from pullback.layers.maxout import Maxout
from pullback.layers.model import Model
from pullback.layers.over_steps import LastStep, MaxOverSteps, MeanOverSteps
from pullback.layers.padded import Padded
from pullback.layers.parallel import Parallel
from pullback.layers.pruning import prune
from pullback.layers.recurrent import GRU, LSTM, RNN, GRUCell, LSTMCell, Recurrent, RNNCell
from pullback.layers.reshaping import Flatten, Reshape
from pullback.layers.residual import Residual
from pullback.layers.sequential import Sequential
from pullback.layers.sound import MFCC, DynamicRange, LogMel
from pullback.layers.standardize import Standardize
from pullback.layers.training import Training

__all__ = [
    "CRF",
    "ELU",
    "GELU",
    "GRU",
    "INITIALIZERS",
    "LAYERS",
    "LSTM",
    "MFCC",
    "RNN",
    "SELU",
    "AveragePool1d",
    "AveragePool2d",
    "BatchNorm",
    "CentreOverSteps",
    "Conv1d",
    "Conv2d",
    "ConvTranspose2d",
    "CrossAttention",
    "Cutout",
    "Dense",
    "DepthwiseConv2d",
    "Dropout",
    "DynamicRange",
    "Embedding",
    "Ensemble",
    "Flatten",
    "GRUCell",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "GroupNorm",
    "Identity",
    "LSTMCell",
    "LastStep",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "LocalResponseNorm",
    "LogMel",
    "MaxOverSteps",
    "MaxPool1d",
    "MaxPool2d",
    "Maxout",
    "MeanOverSteps",
    "Model",
    "PReLU",
    "Padded",
    "Parallel",
    "PositionEmbedding",
    "PositionalEncoding",
    "RNNCell",
    "RandomBrightness",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomRotation",
    "RandomShift",
    "ReLU",
    "Recurrent",
    "Reshape",
    "Residual",
    "SelfAttention",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "SpatialDropout",
    "Standardize",
    "Tanh",
    "Training",
    "TransformerBlock",
    "Upsample2d",
    "attention_weights",
    "initialize_lsuv",
    "prune",
]

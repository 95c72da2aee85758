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
from pullback.layers.batch_norm import BatchNorm
from pullback.layers.dense import Dense
from pullback.layers.description import LAYERS
from pullback.layers.dropout import Dropout
from pullback.layers.embedding import Embedding
from pullback.layers.initializers import INITIALIZERS
from pullback.layers.layer import Layer
from pullback.layers.layer_norm import LayerNorm
from pullback.layers.maxout import Maxout
from pullback.layers.model import Model
from pullback.layers.parallel import Parallel
from pullback.layers.reshaping import Flatten, Reshape
from pullback.layers.residual import Residual
from pullback.layers.sequential import Sequential
from pullback.layers.training import Training

__all__ = [
    "ELU",
    "GELU",
    "INITIALIZERS",
    "LAYERS",
    "SELU",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "Identity",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Maxout",
    "Model",
    "PReLU",
    "Parallel",
    "ReLU",
    "Reshape",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "Training",
]

"""Layers for images (N, H, W, C) and sequences (N, L, C), channels last: one kind a file."""

from pullback.layers.convolution.conv import Conv1d, Conv2d, DepthwiseConv2d
from pullback.layers.convolution.pooling import (
    AveragePool1d,
    AveragePool2d,
    GlobalAveragePool,
    GlobalMaxPool,
    MaxPool1d,
    MaxPool2d,
)
from pullback.layers.convolution.transposed import ConvTranspose2d
from pullback.layers.convolution.upsample import Upsample2d

__all__ = [
    "AveragePool1d",
    "AveragePool2d",
    "Conv1d",
    "Conv2d",
    "ConvTranspose2d",
    "DepthwiseConv2d",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "MaxPool1d",
    "MaxPool2d",
    "Upsample2d",
]

"""Layers: functions of wires that own parameters, one kind a file."""

from pullback.layers.activations import ReLU, Sigmoid, Tanh
from pullback.layers.dense import Dense
from pullback.layers.layer import LAYERS, Layer
from pullback.layers.sequential import Sequential

__all__ = ["LAYERS", "Dense", "Layer", "ReLU", "Sequential", "Sigmoid", "Tanh"]

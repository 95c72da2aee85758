"""Layers that go through sequences (rows, steps, features) step by step, and remember."""

from pullback.layers.recurrent.cells import GRUCell, LSTMCell, RNNCell
from pullback.layers.recurrent.recurrent import Recurrent
from pullback.layers.recurrent.stacks import GRU, LSTM, RNN

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell", "Recurrent"]

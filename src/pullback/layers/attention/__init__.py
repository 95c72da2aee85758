"""Layers of attention, by which steps of sequences look at each other, one kind a file.

In the order in which they stand on each other:

    heads              features in parts, and what each part looks at
    weights            how much each step looks at each other one
    self_attention     steps that look at those of the same sequence
    cross_attention    steps that look at those of another one
    positions          where in its sequence a step stands
    transformer_block  self-attention and two dense layers, with a way around each
"""

from pullback.layers.attention.cross_attention import CrossAttention
from pullback.layers.attention.positions import PositionalEncoding, PositionEmbedding
from pullback.layers.attention.self_attention import SelfAttention
from pullback.layers.attention.transformer_block import TransformerBlock
from pullback.layers.attention.weights import attention_weights

__all__ = [
    "CrossAttention",
    "PositionEmbedding",
    "PositionalEncoding",
    "SelfAttention",
    "TransformerBlock",
    "attention_weights",
]

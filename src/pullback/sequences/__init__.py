"""Sequences: decoding what models answer for them."""

"""Sequences: text and speech, read, made into numbers, learned from, and made again."""

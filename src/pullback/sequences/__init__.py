"""Sequences: text and speech, from files to what networks take, and back."""

"""Wires, gates, and the walks over circuits made of them. Knows no particular gate."""

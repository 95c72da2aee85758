"""How a recording is seen: its loudness in bands of frequencies over time, and what was heard when.

In: a sound, and, if wanted, what a network says of it. Out: a figure by matplotlib (extra `plot`),
which is a `matplotlib.figure.Figure` of its own, without pyplot: a notebook shows it as the last
line of a cell, and `figure.savefig("seen.png")` keeps it.
"""

from pullback.sequences.sound.seeing.heard import Heard, heard_when
from pullback.sequences.sound.seeing.spectrum import spectrogram

__all__ = ["Heard", "heard_when", "spectrogram"]

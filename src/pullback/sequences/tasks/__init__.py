"""What is learned from sequences, each task a file: data and a recipe in, a trained model out.

Those that are imported here are known to `TrainedSequences.load`.
"""

from pullback.sequences.tasks.hearing import HearingStudy
from pullback.sequences.tasks.recipe import SequenceRecipe
from pullback.sequences.tasks.recognizer import Recognizer
from pullback.sequences.tasks.trained import TrainedSequences
from pullback.sequences.tasks.writing import Writer, WritingStudy

__all__ = [
    "HearingStudy",
    "Recognizer",
    "SequenceRecipe",
    "TrainedSequences",
    "Writer",
    "WritingStudy",
]

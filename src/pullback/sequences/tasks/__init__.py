"""What is learned from sequences, each task a file: data and a recipe in, a trained model out.

Those that are imported here are known to `TrainedSequences.load`.
"""

from pullback.sequences.tasks.classifier import TextClassifier
from pullback.sequences.tasks.classifying import ClassifyingStudy
from pullback.sequences.tasks.hearing import HearingStudy
from pullback.sequences.tasks.recipe import SequenceRecipe
from pullback.sequences.tasks.recognizer import Recognizer
from pullback.sequences.tasks.tagger import SequenceTagger
from pullback.sequences.tasks.tagging import TaggingStudy
from pullback.sequences.tasks.trained import TrainedSequences
from pullback.sequences.tasks.writer import Writer
from pullback.sequences.tasks.writing import WritingStudy

__all__ = [
    "ClassifyingStudy",
    "HearingStudy",
    "Recognizer",
    "SequenceRecipe",
    "SequenceTagger",
    "TaggingStudy",
    "TextClassifier",
    "TrainedSequences",
    "Writer",
    "WritingStudy",
]

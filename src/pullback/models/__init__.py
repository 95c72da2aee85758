"""The guide's systems, each a short file."""

from pullback.models.perceptron import two_layer_network
from pullback.models.scalar_classifier import ScalarClassifier
from pullback.models.svm import svm

__all__ = ["ScalarClassifier", "svm", "two_layer_network"]

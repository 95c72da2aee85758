"""The guide's systems, each a short file."""

from pullback.models.alexnet import alexnet, small_alexnet
from pullback.models.autoencoder import autoencoder
from pullback.models.convnet import convnetjs_cifar10, convnetjs_mnist, lenet5
from pullback.models.denoiser import denoiser
from pullback.models.energy import (
    ContrastiveDivergence,
    Descent,
    EnergyModel,
    Enumeration,
    Viterbi,
)
from pullback.models.fasttext import fasttext
from pullback.models.language_model import language_model
from pullback.models.painter import painted, painter, pixels
from pullback.models.perceptron import two_layer_network
from pullback.models.rbm import rbm
from pullback.models.recognizer import spoken_string, spoken_word
from pullback.models.resnet import resnet
from pullback.models.scalar_classifier import ScalarClassifier
from pullback.models.seq2seq import Seq2Seq
from pullback.models.svm import svm
from pullback.models.tagger import Tagger
from pullback.models.text_classifier import text_classifier
from pullback.models.transformer import transformer
from pullback.models.vgg import vgg

__all__ = [
    "ContrastiveDivergence",
    "Descent",
    "EnergyModel",
    "Enumeration",
    "ScalarClassifier",
    "Seq2Seq",
    "Tagger",
    "Viterbi",
    "alexnet",
    "autoencoder",
    "convnetjs_cifar10",
    "convnetjs_mnist",
    "denoiser",
    "fasttext",
    "language_model",
    "lenet5",
    "painted",
    "painter",
    "pixels",
    "rbm",
    "resnet",
    "small_alexnet",
    "spoken_string",
    "spoken_word",
    "svm",
    "text_classifier",
    "transformer",
    "two_layer_network",
    "vgg",
]

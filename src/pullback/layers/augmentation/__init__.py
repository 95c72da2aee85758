"""Layers that change pictures (N, H, W, C) at random in training, and leave them in prediction."""

from pullback.layers.augmentation.brightness import RandomBrightness, RandomContrast
from pullback.layers.augmentation.crop import RandomCrop, RandomShift
from pullback.layers.augmentation.erasing import Cutout, RandomErasing
from pullback.layers.augmentation.flip import RandomFlip
from pullback.layers.augmentation.rotation import RandomRotation

__all__ = [
    "Cutout",
    "RandomBrightness",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomRotation",
    "RandomShift",
]

"""Layers that make features of sound: how loud it is in which band of frequencies, when."""

from pullback.layers.sound.dynamic_range import DynamicRange
from pullback.layers.sound.log_mel import LogMel
from pullback.layers.sound.mfcc import MFCC

__all__ = ["MFCC", "DynamicRange", "LogMel"]

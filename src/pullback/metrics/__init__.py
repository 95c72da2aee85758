"""Metrics of classes that do not lie where some are rare: thresholds, calibration, and measures."""

from pullback.metrics.calibration import Calibration, calibrate, calibrated, with_priors
from pullback.metrics.classes import CLASS_METRICS, class_metrics
from pullback.metrics.misleading import misleading_accuracy
from pullback.metrics.reliability import Reliability, reliability
from pullback.metrics.threshold import Threshold, choose_threshold

__all__ = [
    "CLASS_METRICS",
    "Calibration",
    "Reliability",
    "Threshold",
    "calibrate",
    "calibrated",
    "choose_threshold",
    "class_metrics",
    "misleading_accuracy",
    "reliability",
    "with_priors",
]

"""Why a net does not train: what is amiss, by name, with the evidence, the cure and the proof."""

from pullback.diagnosis.checks import Check
from pullback.diagnosis.diagnose import doctor
from pullback.diagnosis.disease import DISEASES, Disease, disease
from pullback.diagnosis.finding import Cure, Finding, Proof
from pullback.diagnosis.report import Report

__all__ = [
    "DISEASES",
    "Check",
    "Cure",
    "Disease",
    "Finding",
    "Proof",
    "Report",
    "disease",
    "doctor",
]

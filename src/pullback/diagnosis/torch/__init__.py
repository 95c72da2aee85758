"""A doctor for modules of PyTorch: the same diseases, with cures in PyTorch."""

from pullback.diagnosis.torch.admission import Case, admitted_module
from pullback.diagnosis.torch.library import is_module
from pullback.diagnosis.torch.parts import TorchParts

__all__ = ["Case", "TorchParts", "admitted_module", "is_module"]

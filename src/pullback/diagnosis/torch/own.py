"""In: what looks at modules of PyTorch alone. Out: the registry of it, by name of disease."""

from __future__ import annotations

from pullback.core.registry import Registry
from pullback.diagnosis.disease import Disease

OWN: Registry[Disease] = Registry("disease of PyTorch")

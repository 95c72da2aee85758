"""Tests that draw at random draw the same, whichever ran before them in the same process."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _drawn_anew(request):
    if hasattr(request.module, "RNG"):
        request.module.RNG = np.random.default_rng(0)

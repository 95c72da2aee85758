"""Compares the float32 functions with double precision for all 2^32 arguments: not a test.

    python -m tests.engines.native.every_float32 [name …]

Some two minutes a function. Prints the largest error in ulp, where it is, and how many results
differ in being NaN, infinite or negative.
"""

import sys

import numpy as np
from tests.engines.native.test_functions import EXACT, computed

STEP = 1 << 20


def errors(x, y, exact):
    """The error of each in ulp, and whether each is of the wrong kind."""
    rounded = exact.astype(np.float32)
    fits = np.isfinite(rounded)
    kind = np.isnan(y) == np.isnan(rounded)
    kind &= fits | np.isnan(rounded) | (y == rounded) | (abs(y) == np.finfo(np.float32).max)
    kind &= np.isnan(rounded) | (np.signbit(y) == np.signbit(rounded))
    ulp = abs(y - exact) / np.spacing(abs(np.where(fits, rounded, np.float32(1))))
    return np.where(fits, np.nan_to_num(ulp, nan=np.inf), 0), ~kind


def main(names):
    np.seterr(all="ignore")
    for name in names or EXACT:
        worst, where, wrong = 0.0, None, 0
        for first in range(0, 1 << 32, STEP):
            x = np.arange(first, first + STEP, dtype=np.uint64).astype(np.uint32).view(np.float32)
            ulp, kind = errors(x, computed(name, x), EXACT[name](x.astype(np.float64)))
            wrong += int(kind.sum())
            if ulp.max() > worst:
                worst, where = float(ulp.max()), x[ulp.argmax()]
        print(f"{name:9} at most {worst:.2f} ulp, at {where}; {wrong} of another kind", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

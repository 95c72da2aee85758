"""In: where points lie in a map. Out: how all others push each of them away.

One way a file, and all of one shape: `exact` sums over all pairs, `barnes_hut` lets what is far
away push as one, and `interpolation` goes by way of a grid.
"""

from pullback.maps.repulsion.choice import METHODS, repulsion_by
from pullback.maps.repulsion.force import Repel, Repulsion

__all__ = ["METHODS", "Repel", "Repulsion", "repulsion_by"]

"""Maps: many dimensions laid out in the plane, so that what is alike lies together.

`TSNE` lays points out, with forces that are circuits: `models.tsne` has them. A `Map` is what came
of it, as plain data to look at.
"""

from pullback.maps.map import Frame, Map
from pullback.maps.parametric import ParametricTSNE
from pullback.maps.tsne import TSNE

__all__ = ["TSNE", "Frame", "Map", "ParametricTSNE"]

"""In: many points of many features. Out: a map of them, on which near ones lie together.

`TSNE` makes it, with forces that are circuits: `models.tsne` has them.
"""

from pullback.maps.tsne import TSNE

__all__ = ["TSNE"]

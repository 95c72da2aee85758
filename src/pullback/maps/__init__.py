"""Maps: many dimensions laid out in the plane, so that what is alike lies together.

`TSNE` lays points out, with forces that are circuits: `models.tsne` has them. A `Map` is what came
of it, as plain data to look at.
"""

from typing import TYPE_CHECKING, Any

from pullback.maps.map import Frame, Map

if TYPE_CHECKING:
    from pullback.maps.tsne import TSNE

__all__ = ["TSNE", "Frame", "Map"]


def __getattr__(name: str) -> Any:
    if name == "TSNE":
        from pullback.maps.tsne import TSNE  # scikit-learn takes long to import

        return TSNE
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Maps: many dimensions laid out in the plane, so that what is alike lies together."""

from pullback.maps.map import Frame, Map

__all__ = ["Frame", "Map"]

"""Pictures: read from files, learned from, and what networks of convolutions see of them."""

from pullback.images.batches import PictureBatches
from pullback.images.folder import list_folder, read_folder
from pullback.images.listed import list_csv, read_listed
from pullback.images.listing import Listing
from pullback.images.pictures import Pictures
from pullback.images.reading import read_picture, resized

__all__ = [
    "Listing",
    "PictureBatches",
    "Pictures",
    "list_csv",
    "list_folder",
    "read_folder",
    "read_listed",
    "read_picture",
    "resized",
]

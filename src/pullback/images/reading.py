"""In: a file. Out: its picture upright, in grey or colour, as whole numbers from 0 to 255."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.errors import CircuitError
from pullback.files.listing import Kind

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")  # no other code of Pillow's runs
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)
READABLE = "JPEG, PNG, BMP, GIF, WebP, TIFF and PPM"
PICTURES = Kind("picture", SUFFIXES, READABLE)
HOW = ("crop", "stretch")
MODES = {1: "L", 3: "RGB"}  # Pillow's, by channels

_ORIENTATION = 0x0112  # the tag in EXIF data
_TURNS = {  # how a camera was held, and what turns its picture upright
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
_SIDEWAYS = 5  # from here on, width and height change places
_BEGINNINGS = (b"\xff\xd8", b"\x89PNG", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"BM")
_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis")


@dataclass(frozen=True)
class Head:
    """What the beginning of a file tells of its picture, as it will stand upright.

    `several` tells whether more pictures follow, of an animation or of pages.
    """

    height: int
    width: int
    channels: int
    several: bool


def read_picture(
    path: str | os.PathLike[str],
    channels: int | None = None,
    size: int | tuple[int, int] | None = None,
    how: str = "crop",
) -> np.ndarray:
    """The picture in a file: uint8 of shape (height, width, channels).

    It is turned upright as its EXIF data say, set on white where it is transparent, and the first
    one where a file holds several. `channels` is 1 for grey (by ITU-R 601's weights) or 3 for
    colour, by default what the file holds. Grey of 16 bits is scaled to 8, not cut off. `size` and
    `how` are those of `resized`; of a large JPEG only as much is decoded as they need.

    Raises `CircuitError`, naming file and cure, where it holds no picture, or not all of it.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (4, 3), "red").save(f"{folder}/red.png")
    ...     picture = read_picture(f"{folder}/red.png")
    >>> picture.shape, picture[0, 0].tolist()
    ((3, 4, 3), [255, 0, 0])
    """
    checked_channels(channels)
    wanted = None if size is None else checked_size(size, how)
    with quiet():
        return decoded(Path(path), channels, wanted, how)


def resized(picture: np.ndarray, size: int | tuple[int, int], how: str = "crop") -> np.ndarray:
    """A picture (H, W, C) of uint8 in another size: (height, width), or one number for a square.

    "crop" scales it until it fills the size, and cuts what stands out at both ends; "stretch" takes
    all of it, and changes its proportions. Pixels are averaged by Lanczos' window of three lobes,
    as wide as the scale asks for: nothing flickers when a picture becomes small.

    Raises `CircuitError` for what is no picture or no size.

    >>> resized(np.zeros((30, 60, 3), np.uint8), 16).shape
    (16, 16, 3)
    """
    from PIL import Image

    height, width = checked_size(size, how)
    x = np.asarray(picture)
    if x.ndim != 3 or x.shape[2] not in MODES or x.dtype != np.uint8 or not x.size:
        raise CircuitError(
            f"a picture is uint8 of shape (H, W, 1) or (H, W, 3), got {x.dtype} of {x.shape}"
        )
    image = Image.fromarray(x[:, :, 0] if x.shape[2] == 1 else x)
    return _array(_fitted(image, height, width, how))


def read_head(path: Path) -> Head:
    """What the beginning of a file tells.

    Raises `CircuitError` as `read_picture` does, where it shows already there.
    """
    with _opened(path) as image:
        width, height = image.size
        if _orientation(image) >= _SIDEWAYS:
            width, height = height, width
        several = image.format in ("GIF", "WEBP", "PNG", "TIFF") and getattr(
            image, "is_animated", False
        )
        return Head(height, width, _channels(image), several)


def decoded(path: Path, channels: int | None, size: tuple[int, int] | None, how: str) -> np.ndarray:
    """What `read_picture` gives, for arguments that were checked, and without `quiet`."""
    with _opened(path) as image:
        channels = channels or _channels(image)
        if size is not None and image.format in ("JPEG", "MPO"):
            image.draft(None, _enough(image, *size, how))
        image.load()
        turn = _TURNS.get(_orientation(image, loaded=True))
        plain = _plain(image, channels)
    if turn is not None:
        from PIL import Image

        plain = plain.transpose(Image.Transpose[turn])
    return _array(plain if size is None else _fitted(plain, *size, how))


@contextmanager
def quiet() -> Iterator[None]:
    """While inside, Pillow does not warn: it does of damaged EXIF data, not of damaged pixels."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        yield


def checked_channels(channels: Any) -> None:
    """Raises `CircuitError` where these are no channels that a picture is read in."""
    if channels is not None and channels not in MODES:
        raise CircuitError(f"channels are 1 for grey or 3 for colour, got {channels!r}")


def checked_size(size: Any, how: str = "crop") -> tuple[int, int]:
    """A height and a width, of what may be one number for both.

    Raises `CircuitError` where they are not whole numbers above 0, or there is no such `how`.

    >>> checked_size(32), checked_size((24, 32))
    ((32, 32), (24, 32))
    """
    if how not in HOW:
        raise CircuitError(f"how is one of {', '.join(map(repr, HOW))}, got {how!r}")
    try:
        sides = [index(n) for n in (size if isinstance(size, tuple | list) else [size])]
    except TypeError:
        sides = []
    if len(sides) not in (1, 2) or min(sides) < 1:
        raise CircuitError(f"a size is a whole number above 0, or (height, width), got {size!r}")
    return sides[0], sides[-1]


# Files -------------------------------------------------------------------------------------------


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The picture in a file, its pixels not read yet; what goes wrong inside, as a sentence."""
    from PIL import Image, UnidentifiedImageError

    if path.is_dir():
        raise CircuitError(f"cannot read {path}: it is a folder, not a picture")
    try:
        with Image.open(path, formats=FORMATS) as image:
            yield image
    except MemoryError:
        raise
    except CircuitError as error:
        raise CircuitError(f"cannot read {path}: {error}") from None
    except UnidentifiedImageError:
        raise CircuitError(f"cannot read {path}: {_what_it_is(path)}") from None
    except Image.DecompressionBombError:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        raise CircuitError(
            f"cannot read {path}: it tells of more than {most:,} pixels; make it smaller first"
        ) from None
    except OSError as error:
        reason = _damaged(error) if error.errno is None else error.strerror
        raise CircuitError(f"cannot read {path}: {reason}") from None
    except Exception as error:  # a damaged file shows in Pillow by many kinds of them
        raise CircuitError(f"cannot read {path}: {_damaged(error)}") from None


def _damaged(error: Exception) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    return f"it is damaged or cut off ({words}); copy it again, or remove it"


def _what_it_is(path: Path) -> str:
    """What a file is that is no picture, and the cure."""
    with open(path, "rb") as file:
        start = file.read(12)
    if not start:
        return "it is empty; copy it again, or remove it"
    if start.startswith(_BEGINNINGS):
        return "it is damaged or cut off near its beginning; copy it again, or remove it"
    if start[4:8] == b"ftyp" and start[8:12] in _BRANDS:
        return "it is an HEIC or AVIF picture; save it as JPEG or PNG"
    return f"it is no picture, whatever its name says; read are {READABLE}"


# Pictures of Pillow's ----------------------------------------------------------------------------


def _channels(image: Image.Image) -> int:
    """1 for grey, 3 for colour, of a file whose pixels need not be read yet."""
    if image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;16"):
        return 1
    palette = image.palette
    if image.mode != "P" or palette is None or palette.rawmode not in (None, "RGB"):
        return 3
    colours = np.frombuffer(bytes(palette.palette), np.uint8)
    greys = colours[: len(colours) // 3 * 3].reshape(-1, 3)
    return 1 if palette.mode == "RGB" and (greys == greys[:, :1]).all() else 3


def _orientation(image: Image.Image, loaded: bool = False) -> int:
    """How the camera was held, from 1 (upright) to 8; data that cannot be read tell nothing.

    Pillow turns TIFF files itself, and EXIF data at a PNG file's end are found with its pixels.
    """
    waits = image.format == "PNG" and "exif" not in image.info and not loaded
    if image.format == "TIFF" or waits:
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:
        return 1


def _enough(image: Image.Image, height: int, width: int, how: str) -> tuple[int, int]:
    """The least width and height to decode, twice what is wanted of the picture in the end."""
    if _orientation(image) >= _SIDEWAYS:
        height, width = width, height
    across, down = width / image.width, height / image.height
    if how == "crop":
        across = down = max(across, down)
    return int(np.ceil(2 * across * image.width)), int(np.ceil(2 * down * image.height))


def _plain(image: Image.Image, channels: int) -> Image.Image:
    """The same in grey or colour of 8 bits, without palette or transparency."""
    from PIL import Image

    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        image = _narrow(image)
    elif image.has_transparency_data:
        over = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)
    elif image.mode == "LAB":
        raise CircuitError("its colours are told as LAB; save it in RGB")
    elif image.mode not in ("1", "L", "P"):
        image = image.convert("RGB")
    return image.convert(MODES[channels])


def _narrow(image: Image.Image) -> Image.Image:
    """Wide grey in 8 bits. What has no known range is refused: any guess would differ by file."""
    from PIL import Image

    if not image.mode.startswith("I;16") and image.format != "PPM":
        raise CircuitError(
            "its pixels are numbers of 32 bits, whose range it does not tell; save it in 8 or 16 "
            "bits"
        )
    wide = np.asarray(image).astype(np.uint32)
    grey = ((wide + 128) // 257).astype(np.uint8)  # 65535 becomes 255
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        grey[wide == clear] = 255
    return Image.fromarray(grey)


def _fitted(image: Image.Image, height: int, width: int, how: str) -> Image.Image:
    """A picture in grey or colour, resized."""
    from PIL import Image

    if image.size == (width, height):
        return image
    box = (0.0, 0.0, float(image.width), float(image.height))
    if how == "crop":
        scale = min(image.width / width, image.height / height)
        left = max(0.0, (image.width - width * scale) / 2)
        top = max(0.0, (image.height - height * scale) / 2)
        box = (left, top, image.width - left, image.height - top)
    return image.resize((width, height), Image.Resampling.LANCZOS, box)


def _array(image: Image.Image) -> np.ndarray:
    x = np.array(image)
    return x[:, :, None] if x.ndim == 2 else x

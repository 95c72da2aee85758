"""Pictures from files of every kind: their pixels are what the file means, or it is refused."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageFile

import pullback as pb
from pullback.images import read_picture, resized
from pullback.images.reading import decoded, read_head

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (20, 31, 3), np.uint8)
GREY = RNG.integers(0, 256, (7, 5), np.uint8)
SMOOTH = np.stack(  # what JPEG keeps nearly as it is
    np.broadcast_arrays(
        np.linspace(0, 250, 40)[:, None], np.linspace(250, 0, 64)[None, :], np.full((40, 64), 90.0)
    ),
    axis=2,
).astype(np.uint8)
LOSSLESS = {"png": {}, "bmp": {}, "tif": {}, "ppm": {}, "webp": {"lossless": True}}


def saved(folder, name, image, **how):
    path = folder / name
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **how)
    return path


@pytest.mark.parametrize("ending", LOSSLESS)
def test_colour_is_read_as_it_is(tmp_path, ending):
    path = saved(tmp_path, f"a.{ending}", COLOUR, **LOSSLESS[ending])
    np.testing.assert_array_equal(read_picture(path), COLOUR)
    np.testing.assert_array_equal(read_picture(str(path)), COLOUR)


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "pgm", "gif"])
def test_grey_is_read_as_it_is(tmp_path, ending):
    path = saved(tmp_path, f"a.{ending}", GREY)
    np.testing.assert_array_equal(read_picture(path), GREY[..., None])
    np.testing.assert_array_equal(read_picture(path, 3), np.repeat(GREY[..., None], 3, axis=2))


def test_jpeg_is_read_nearly_as_it_was(tmp_path):
    path = saved(tmp_path, "a.jpg", SMOOTH, quality=95, subsampling=0)
    assert np.abs(read_picture(path).astype(int) - SMOOTH).max() <= 6
    path = saved(tmp_path, "b.jpeg", SMOOTH[..., 0], quality=95)
    assert read_picture(path).shape == (40, 64, 1)


def test_colour_becomes_grey_by_the_weights_of_luminance(tmp_path):
    path = saved(tmp_path, "a.png", COLOUR)
    wanted = COLOUR.astype(float) @ [0.299, 0.587, 0.114]
    found = read_picture(path, channels=1)
    assert found.shape == (20, 31, 1)
    assert np.abs(found[..., 0] - wanted).max() <= 0.51


def test_the_content_decides_not_the_name(tmp_path):
    path = saved(tmp_path, "a.jpg", COLOUR, format="PNG")
    np.testing.assert_array_equal(read_picture(path), COLOUR)


UPRIGHT = {  # what a viewer does, by NumPy alone: rows and columns of the file are told by EXIF 2.3
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
    8: lambda x: np.rot90(x, 1),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("ending", ["png", "tif", "webp", "jpg"])
def test_pictures_stand_upright(tmp_path, ending, orientation):
    told = Image.Exif()
    told[0x0112] = orientation
    x = SMOOTH if ending == "jpg" else COLOUR
    how = {"quality": 95, "subsampling": 0} if ending == "jpg" else LOSSLESS[ending]
    path = saved(tmp_path, f"a.{ending}", x, exif=told, **how)
    found, wanted = read_picture(path), UPRIGHT[orientation](x)
    assert found.shape == wanted.shape
    assert np.abs(found.astype(int) - wanted).max() <= (6 if ending == "jpg" else 0)
    head = read_head(path)
    assert (head.height, head.width, head.channels) == wanted.shape
    small = read_picture(path, size=(8, 12), how="stretch").astype(float)
    same = resized(np.ascontiguousarray(wanted), (8, 12), "stretch")
    assert np.abs(small - same).max() <= (8 if ending == "jpg" else 0)


def test_damaged_exif_data_turn_nothing_and_warn_of_nothing(tmp_path):
    for exif in (b"Exif\0\0nonsense", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b""):
        path = saved(tmp_path, "a.jpg", SMOOTH, exif=exif)
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            assert read_picture(path).shape == SMOOTH.shape
        assert found == []


def test_palettes(tmp_path):
    image = Image.fromarray(RNG.integers(0, 4, (6, 9), np.uint8))
    image = image.convert("P")
    colours = [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30]
    image.putpalette(colours)
    wanted = np.array(colours, np.uint8).reshape(4, 3)[np.asarray(image)]
    for ending in ("png", "gif", "bmp", "tif"):
        np.testing.assert_array_equal(read_picture(saved(tmp_path, f"a.{ending}", image)), wanted)
    clear = saved(tmp_path, "clear.png", image, transparency=bytes([255, 0, 128, 255]))
    alpha = np.array([1.0, 0.0, 128 / 255, 1.0])[np.asarray(image)][..., None]
    over = wanted * alpha + 255 * (1 - alpha)
    assert np.abs(read_picture(clear) - over).max() <= 1
    one = saved(tmp_path, "one.gif", image, transparency=2)
    blank = np.where((np.asarray(image) == 2)[..., None], 255, wanted)
    np.testing.assert_array_equal(read_picture(one), blank)


def test_a_palette_of_greys_is_grey(tmp_path):
    image = Image.fromarray(RNG.integers(0, 2, (6, 9), np.uint8)).convert("P")
    image.putpalette([7, 7, 7, 200, 200, 200])
    found = read_picture(saved(tmp_path, "a.png", image))
    np.testing.assert_array_equal(found[..., 0], np.where(np.asarray(image) == 1, 200, 7))
    assert found.shape == (6, 9, 1)


@pytest.mark.parametrize("ending", ["png", "tif", "webp"])
def test_what_is_transparent_is_set_on_white(tmp_path, ending):
    x = RNG.integers(0, 256, (6, 9, 4), np.uint8)
    x[0, 0] = (200, 10, 30, 0)
    x[0, 1] = (200, 10, 30, 255)
    how = {"lossless": True, "exact": True} if ending == "webp" else {}
    found = read_picture(saved(tmp_path, f"a.{ending}", x, **how))
    alpha = x[..., 3:] / 255
    assert np.abs(found - (x[..., :3] * alpha + 255 * (1 - alpha))).max() <= 1
    assert found[0, 0].tolist() == [255, 255, 255]
    assert found[0, 1].tolist() == [200, 10, 30]


def test_grey_and_transparent(tmp_path):
    x = RNG.integers(0, 256, (6, 9, 2), np.uint8)
    found = read_picture(saved(tmp_path, "a.png", Image.fromarray(x)))
    alpha = x[..., 1:] / 255
    assert found.shape == (6, 9, 1)
    assert np.abs(found - (x[..., :1] * alpha + 255 * (1 - alpha))).max() <= 1
    one = read_picture(saved(tmp_path, "b.png", GREY, transparency=int(GREY[0, 0])))
    np.testing.assert_array_equal(one[..., 0], np.where(GREY[0, 0] == GREY, 255, GREY))


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_grey_of_16_bits_is_scaled(tmp_path, ending):
    x = np.array([[0, 1, 128, 129, 256, 257], [32767, 32768, 65278, 65407, 65534, 65535]])
    path = saved(tmp_path, f"a.{ending}", x.astype(np.uint16))
    found = read_picture(path)
    np.testing.assert_array_equal(found[..., 0], np.rint(x * 255 / 65535))
    assert read_picture(path, 3).shape == (2, 6, 3)


def test_16_bits_with_the_high_byte_first(tmp_path):
    x = np.array([[0, 257, 30000, 65535]], ">u2")
    path = saved(tmp_path, "a.tif", Image.frombytes("I;16B", (4, 1), x.tobytes()))
    assert read_picture(path)[0, :, 0].tolist() == [0, 1, 117, 255]


def test_one_level_of_16_bits_may_be_transparent(tmp_path):
    x = np.array([[0, 1000, 40000]], np.uint16)
    found = read_picture(saved(tmp_path, "a.png", x, transparency=1000))
    assert found[0, :, 0].tolist() == [0, 255, 156]


def test_numbers_of_unknown_range_are_refused(tmp_path):
    for name, x in {
        "a.tif": np.ones((3, 3), np.float32),
        "b.tif": np.ones((3, 3), np.int32),
    }.items():
        path = saved(tmp_path, name, x)
        with pytest.raises(pb.CircuitError, match=rf"{name}: .* 32 bits, whose range .* 8 or 16"):
            read_picture(path)


def test_colours_that_need_a_profile_are_refused(tmp_path):
    path = saved(tmp_path, "a.tif", Image.new("LAB", (4, 3)))
    with pytest.raises(pb.CircuitError, match=r"a\.tif: its colours are told as LAB; save it in"):
        read_picture(path)


def test_one_bit_and_printers_colours(tmp_path):
    black = RNG.integers(0, 2, (6, 9)).astype(bool)
    for ending in ("png", "bmp", "tif", "pbm", "gif"):
        found = read_picture(saved(tmp_path, f"a.{ending}", Image.fromarray(black)))
        np.testing.assert_array_equal(found[..., 0], np.where(black, 255, 0))
    ink = Image.new("CMYK", (4, 3), (255, 0, 0, 0))
    assert read_picture(saved(tmp_path, "b.tif", ink))[0, 0].tolist() == [0, 255, 255]
    found = read_picture(saved(tmp_path, "b.jpg", ink, quality=95))[0, 0]
    assert np.abs(found - np.array([0.0, 255.0, 255.0])).max() <= 3
    assert read_picture(tmp_path / "b.tif", 1).shape == (3, 4, 1)


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_the_first_picture_of_an_animation(tmp_path, ending):
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "blue", "lime")]
    how = {"lossless": True} if ending == "webp" else {}
    path = saved(tmp_path, f"a.{ending}", frames[0], save_all=True, append_images=frames[1:], **how)
    np.testing.assert_array_equal(read_picture(path), np.asarray(frames[0]))
    assert read_head(path).several
    assert not read_head(saved(tmp_path, f"b.{ending}", frames[0])).several


def test_pictures_of_two_lenses_and_pages(tmp_path):
    frames = [Image.fromarray(SMOOTH), Image.new("RGB", (64, 40), "blue")]
    both = {"save_all": True, "append_images": frames[1:]}
    path = saved(tmp_path, "a.jpg", frames[0], format="MPO", quality=95, subsampling=0, **both)
    assert np.abs(read_picture(path).astype(int) - SMOOTH).max() <= 6
    assert read_picture(path, size=8).shape == (8, 8, 3)
    path = tmp_path / "a.tif"
    pages = [Image.new("RGB", (64, 40), "blue") for _ in range(2)]
    Image.fromarray(SMOOTH).save(path, save_all=True, append_images=pages)
    np.testing.assert_array_equal(read_picture(path), SMOOTH)
    assert read_head(path).several


# Refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["jpg", "png", "gif", "bmp", "tif", "webp", "ppm"])
def test_a_file_that_is_cut_off_is_refused_unless_all_its_pixels_are_there(tmp_path, ending):
    path = saved(tmp_path, f"a.{ending}", SMOOTH if ending == "jpg" else COLOUR)
    whole, data = read_picture(path), path.read_bytes()
    refused = []
    for length in {*range(1, 40), *range(40, len(data), 37), *range(len(data) - 30, len(data))}:
        path.write_bytes(data[:length])
        try:
            found = read_picture(path)
        except pb.CircuitError as error:
            refused.append(str(error))
        else:
            np.testing.assert_array_equal(found, whole)
            assert length > len(data) // 2
    assert len(refused) > 40
    assert all(words.startswith(f"cannot read {path}: it is ") for words in refused)
    assert not any(".py" in words for words in refused)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(pb.CircuitError, match=r"damaged or cut off.*; copy it again, or remove it"):
        read_picture(path)


def test_bytes_changed_at_random_give_pixels_or_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    rng, said = np.random.default_rng(1), []
    for ending in ("jpg", "png", "gif", "bmp", "tif", "webp"):
        path = saved(tmp_path, f"a.{ending}", COLOUR)
        data = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(60):
            changed = data.copy()
            changed[rng.integers(0, min(len(data), 200), 4)] = rng.integers(0, 256, 4)
            path.write_bytes(changed.tobytes())
            try:
                found = read_picture(path)
            except pb.CircuitError as error:
                said.append(str(error))
            else:
                assert found.dtype == np.uint8
    assert len(said) > 100
    assert all(words.startswith("cannot read ") and ": it " in words for words in said)


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("This is not a picture, it is a text.")
    (tmp_path / "phone.jpg").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    (tmp_path / "print.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    (tmp_path / "folder.png").mkdir()
    for name, words in {
        "empty.png": "it is empty; copy it again, or remove it",
        "text.png": "it is no picture, whatever its name says; read are JPEG, PNG",
        "phone.jpg": "it is an HEIC or AVIF picture; save it as JPEG or PNG",
        "print.png": "it is no picture",
        "folder.png": "it is a folder, not a picture",
        "missing.png": "No such file or directory",
    }.items():
        with pytest.raises(pb.CircuitError, match=f"^cannot read .*{name}: {words}"):
            read_picture(tmp_path / name)


def test_a_file_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    path = saved(tmp_path, "a.png", COLOUR)  # 620 pixels
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 320)
    np.testing.assert_array_equal(read_picture(path), COLOUR)  # large, and no bomb yet
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)
    with pytest.raises(pb.CircuitError, match=r"a\.png: it tells of more than 600 pixels; make it"):
        read_picture(path)


def test_half_a_picture_is_never_asked_of_pillow():
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_arguments_are_refused(tmp_path):
    path = saved(tmp_path, "a.png", COLOUR)
    for told, words in {
        (("channels", 2),): "channels are 1 for grey or 3 for colour, got 2",
        (("channels", "rgb"),): "channels are 1 for grey or 3 for colour, got 'rgb'",
        (("size", 0),): "a size is a whole number above 0, or .height, width., got 0",
        (("size", (1, 2, 3)),): "got .1, 2, 3.",
        (("size", 2.5),): "got 2.5",
        (("size", 2), ("how", "squeeze")): "how is one of 'crop', 'stretch', got 'squeeze'",
    }.items():
        with pytest.raises(pb.CircuitError, match=words):
            read_picture(path, **dict(told))


# Sizes -------------------------------------------------------------------------------------------


def lanczos(n, m, start=0.0, end=None):
    """The weights (m, n) by which m pixels average n, from `start` to `end`: Lanczos' window."""
    end = n if end is None else end
    scale = (end - start) / m
    centres = start + (np.arange(m)[:, None] + 0.5) * scale
    at = (np.arange(n)[None, :] + 0.5 - centres) / max(scale, 1.0)
    weights = np.where(np.abs(at) < 3.0, np.sinc(at) * np.sinc(at / 3.0), 0.0)
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("size", "how"),
    [((5, 7), "stretch"), ((40, 62), "stretch"), ((8, 8), "crop"), ((30, 9), "crop")],
)
def test_resized_averages_by_lanczos(size, how):
    x = RNG.integers(60, 196, (20, 31, 3), np.uint8)  # no overshoot is cut off
    height, width = size
    top = left = 0.0
    if how == "crop":
        scale = min(20 / height, 31 / width)
        top, left = (20 - scale * height) / 2, (31 - scale * width) / 2
    down, across = lanczos(20, height, top, 20 - top), lanczos(31, width, left, 31 - left)
    wanted = np.einsum("hi,ijc,wj->hwc", down, x.astype(float), across)
    found = resized(x, size, how)
    assert found.shape == (*size, 3)
    assert np.abs(found - np.clip(wanted, 0, 255)).max() <= 2
    grey = resized(x[..., :1], size, how)
    np.testing.assert_array_equal(grey[..., 0], found[..., 0])


def test_small_wide_and_equal_pictures():
    dot = np.full((1, 1, 3), 77, np.uint8)
    np.testing.assert_array_equal(resized(dot, 16), np.full((16, 16, 3), 77))
    wide = np.zeros((4, 2000, 1), np.uint8)
    wide[:, 998:1002] = 255  # the middle square, as wide as the picture is high
    assert resized(wide, 4)[:, 1:3].min() == 255
    np.testing.assert_array_equal(resized(wide, (4, 2000)), wide)
    assert resized(wide, 1).shape == resized(wide, 1, "stretch").shape == (1, 1, 1)
    assert resized(wide, 1)[0, 0, 0] > resized(wide, 1, "stretch")[0, 0, 0]
    for bad in (
        np.zeros((2, 2), np.uint8),
        np.zeros((2, 2, 4), np.uint8),
        np.zeros((2, 2, 1)),
        np.zeros((0, 2, 1), np.uint8),
    ):
        with pytest.raises(pb.CircuitError, match="a picture is uint8 of shape"):
            resized(bad, 2)


@pytest.mark.parametrize("shape", [(600, 800), (801, 599), (100, 3000), (17, 19)])
@pytest.mark.parametrize("how", ["crop", "stretch"])
def test_a_large_jpeg_decoded_in_part_is_nearly_the_same(tmp_path, shape, how):
    y, x = np.mgrid[: shape[0], : shape[1]]
    picture = np.stack([127 + 100 * np.sin(x / 90), 127 + 100 * np.cos(y / 70), x * 0 + 60], axis=2)
    path = saved(tmp_path, "a.jpg", picture.astype(np.uint8), quality=95, subsampling=0)
    found = read_picture(path, size=(32, 40), how=how).astype(float)
    assert np.abs(found - resized(read_picture(path), (32, 40), how)).max() <= 8
    assert np.abs(found - resized(read_picture(path), (32, 40), how)).mean() <= 1.5


def test_reading_by_threads_needs_no_state(tmp_path):
    paths = [saved(tmp_path, f"{k}.png", np.roll(COLOUR, k, 0)) for k in range(12)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda path: decoded(path, 3, None, "crop"), paths))
    for k, picture in enumerate(found):
        np.testing.assert_array_equal(picture, np.roll(COLOUR, k, 0))

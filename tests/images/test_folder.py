"""Folders of pictures: what is found in them, in which order, and what is said of the rest."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from PIL import Image

import pullback as pb
from pullback.images import Pictures, list_folder, read_folder
from pullback.images import gather as gathering
from pullback.images.gather import choose_size
from pullback.images.reading import Head, read_picture


def fill(root, *names, size=(6, 8), colour=None, first=10, **how):
    """Pictures of these names, each of one level that tells which it is."""
    for k, name in enumerate(names, start=first):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        height, width = size
        image = (
            Image.new("L", (width, height), k)
            if colour is None
            else (Image.new("RGB", (width, height), colour))
        )
        image.save(path, **how)


def names_of(listing, root):
    return [path.relative_to(root).as_posix() for path in listing.files]


def test_one_folder_a_class(tmp_path):
    fill(tmp_path, "dogs/2.png", "dogs/10.png", "cats/a.png", "dogs/1.png", "cats/B.PNG")
    data = read_folder(tmp_path)
    assert isinstance(data, Pictures)
    assert data.name == tmp_path.name
    assert data.classes == ("cats", "dogs")
    assert [f"{p.parent.name}/{p.name}" for p in data.files] == (
        ["cats/a.png", "cats/B.PNG", "dogs/1.png", "dogs/2.png", "dogs/10.png"]
    )
    assert data.labels.tolist() == [0, 0, 1, 1, 1]
    assert data.images[:, 0, 0, 0].tolist() == [12, 14, 13, 10, 11]
    assert data.images.shape == (5, 6, 8, 1)
    assert data.source == f"the folder {tmp_path}"
    assert (data.notes, data.test, data.validation) == ((), None, None)


def test_classes_that_are_numbers_are_in_their_order(tmp_path):
    fill(tmp_path, *(f"{k}/x.png" for k in (10, 9, 1, 2, 0)))
    assert list_folder(tmp_path).classes == ("0", "1", "2", "9", "10")


def test_pictures_at_any_depth_and_through_links(tmp_path):
    root = tmp_path / "set"
    fill(root, "a/1.png", "a/deep/er/2.png", "b/3.png")
    fill(tmp_path, "elsewhere/4.png")
    (root / "c").symlink_to(tmp_path / "elsewhere")
    (root / "a" / "circle").symlink_to(root / "a")
    listing = list_folder(root)
    assert names_of(listing, root) == ["a/1.png", "a/deep/er/2.png", "b/3.png", "c/4.png"]
    assert listing.labels.tolist() == [0, 0, 1, 2]


def test_what_systems_leave_behind_is_passed_over_and_counted(tmp_path):
    fill(tmp_path, "a/1.png", "b/2.png", "a/._1.png", ".ipynb_checkpoints/3.png", "a/.thumbs/4.png")
    fill(tmp_path, "__MACOSX/a/1.png", "beside.png")
    for name in ("a/Thumbs.db", "b/.DS_Store", "b/notes.txt", "b/more.TXT", "README", "a/x.heic"):
        (tmp_path / name).write_text("no picture")
    listing = list_folder(tmp_path)
    assert names_of(listing, tmp_path) == ["a/1.png", "b/2.png"]
    assert listing.classes == ("a", "b")
    left = f"left out in {tmp_path.name}: "
    assert listing.notes == (
        f"{left}2 .txt files, 1 file without an ending, 1 .heic file, 6 hidden files or folders; "
        "read are JPEG, PNG, BMP, GIF, WebP, TIFF and PPM",
        f"{left}1 picture in no folder of a class",
    )


def test_train_and_test(tmp_path):
    fill(
        tmp_path,
        "train/a/1.png",
        "train/b/2.png",
        "train/b/3.png",
        "test/b/4.png",
        "test/c.txt/5.png",
    )
    with pytest.raises(pb.CircuitError, match=r"test has class 'c\.txt', which train lacks: .*'b'"):
        list_folder(tmp_path)
    os.remove(tmp_path / "test/c.txt/5.png")
    data = read_folder(tmp_path)
    assert data.classes == data.test.classes == ("a", "b")
    assert (data.labels.tolist(), data.test.labels.tolist()) == ([0, 1, 1], [1])
    assert data.test.images[0, 0, 0, 0] == 13
    assert [path.name for path in data.test.files] == ["4.png"]
    assert data.notes == ("test has no picture of a",)
    assert data.validation is None
    assert data.rows([0]).test is None


@pytest.mark.parametrize("name", ["val", "valid", "Validation", "TEST", "testing"])
def test_a_second_part_is_to_test(tmp_path, name):
    fill(tmp_path, "train/a/1.png", "train/b/2.png", f"{name}/a/3.png", f"{name}/b/4.png")
    listing = list_folder(tmp_path)
    assert names_of(listing.test, tmp_path) == [f"{name}/a/3.png", f"{name}/b/4.png"]


def test_three_parts(tmp_path):
    fill(tmp_path, "train/a/1.png", "train/b/2.png", "val/a/3.png", "test/b/4.png", "notes/x.png")
    data = read_folder(tmp_path)
    found = [part.images[:, 0, 0, 0].tolist() for part in (data, data.validation, data.test)]
    assert found == [[10, 11], [12], [13]]
    assert data.notes[0] == "left out, as they are beside train: notes"


def test_pictures_to_test_without_classes_are_left_out(tmp_path):
    fill(tmp_path, "train/a/1.png", "train/b/2.png", "test/3.png")
    listing = list_folder(tmp_path)
    assert listing.test is None
    assert listing.notes == ("test holds no folders of classes: left out",)


def test_folders_named_train_may_be_classes(tmp_path):
    fill(tmp_path, "car/1.png", "train/2.png")
    assert list_folder(tmp_path).classes == ("car", "train")
    fill(tmp_path / "loose", "train/1.png", "test/2.png")
    with pytest.raises(pb.CircuitError, match="train holds no folders: put the pictures of each"):
        list_folder(tmp_path / "loose")
    fill(tmp_path / "twice", "train/a/1.png", "train/b/1.png", "val/a/2.png", "valid/a/2.png")
    with pytest.raises(pb.CircuitError, match="mean the same: train, val, valid; keep one"):
        list_folder(tmp_path / "twice")


def test_a_folder_around_the_folder(tmp_path):
    fill(tmp_path, "set/set/a/1.png", "set/set/b/2.png", "__MACOSX/set/x.png")
    listing = list_folder(tmp_path)
    assert listing.classes == ("a", "b")
    assert listing.notes == (f"what is read are the folders in {os.path.join('set', 'set')}",)


def test_what_cannot_be_learned_from_is_refused_before_work(tmp_path):
    def refused(name, words):
        with pytest.raises(pb.CircuitError, match=words):
            list_folder(tmp_path / name)

    refused("nowhere", "nowhere: there is no such folder")
    (tmp_path / "file").write_text("x")
    refused("file", "file: it is a file, not a folder of folders")
    (tmp_path / "empty").mkdir()
    refused("empty", "there are no pictures in .*empty; read are JPEG")
    (tmp_path / "texts" / "a").mkdir(parents=True)
    (tmp_path / "texts" / "a" / "x.txt").write_text("x")
    refused("texts", r"no pictures in .*texts; it holds 1 \.txt file; read are JPEG")
    fill(tmp_path / "loose", "1.png", "2.png")
    refused(
        "loose", "loose holds 2 pictures and no folders with any: put the pictures of each class"
    )
    fill(tmp_path / "one", "a/1.png")
    refused("one", "only one class in .*one, 'a': to tell classes apart takes two")
    fill(tmp_path / "lacks", "a/1.png", "b/2.png")
    (tmp_path / "lacks" / "c").mkdir()
    refused("lacks", "no picture is in class 'c' of .*lacks; add some, or remove the folder")
    (tmp_path / "lacks" / "d").mkdir()
    (tmp_path / "lacks" / "d" / "x.heic").write_text("x")
    refused("lacks", r"in the classes 'c', 'd' of .*lacks, but 1 \.heic file; add")


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    fill(tmp_path, "a/1.png", "b/deep/2.png")
    truly = os.scandir

    def closed(path):
        if os.fspath(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return truly(path)

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(pb.CircuitError, match=r"cannot read .*deep: Permission denied"):
        list_folder(tmp_path)


def test_classes_that_differ_in_case_alone_are_told(tmp_path):
    fill(tmp_path, "Cat/1.png", "cat/2.png", "dog/3.png")
    assert list_folder(tmp_path).notes == ("these classes look nearly the same: Cat, cat",)


def test_classes_whose_accents_are_written_in_two_ways_are_told(tmp_path):
    fill(tmp_path, "caf\u00e9/1.png", "cafe\u0301/2.png", "the/3.png")
    if len(listing := list_folder(tmp_path)) < 3 or len(listing.classes) < 3:
        pytest.skip("this file system takes both names for one")
    assert listing.notes == ("these classes look nearly the same: cafe\u0301, caf\u00e9",)


def test_names_that_are_no_text_are_read_and_escaped(tmp_path):
    fill(tmp_path, "a/1.png", "b/2.png", "b/3.png")
    try:
        os.rename(os.fsencode(tmp_path) + b"/b", os.fsencode(tmp_path) + b"/b\xe9")
    except OSError:
        pytest.skip("this file system takes text alone")
    data = read_folder(tmp_path)
    assert data.classes == ("a", r"b\udce9")
    assert data.images[:, 0, 0, 0].tolist() == [10, 11, 12]


def test_pictures_that_are_the_same_as_another_are_told(tmp_path):
    fill(tmp_path, "train/a/1.png", "train/a/2.png", "train/b/1.png", "test/a/5.png")
    fill(tmp_path, "test/b/7.png", first=20)
    assert read_folder(tmp_path).notes == ()
    shutil.copy(tmp_path / "train/a/2.png", tmp_path / "train/a/3.png")
    assert read_folder(tmp_path).notes == (
        "1 picture has the pixels of another: train/a/3.png those of train/a/2.png",
    )
    shutil.copy(tmp_path / "train/a/1.png", tmp_path / "test/a/6.png")
    shutil.copy(tmp_path / "train/a/1.png", tmp_path / "train/b/8.png")
    (tmp_path / "train/b/0.png").write_bytes(b"")
    assert read_folder(tmp_path, skip_broken=True).notes[-1] == (
        "3 pictures have the pixels of another, 1 of them of one in another part, 1 of one in "
        "another class: train/b/8.png those of train/a/1.png"
    )


# Reading -----------------------------------------------------------------------------------------


def test_mixed_channels_are_colour(tmp_path):
    fill(tmp_path, "a/1.png", "a/2.png")
    fill(tmp_path, "b/3.png", colour="red")
    data = read_folder(tmp_path)
    assert data.shape == (6, 8, 3)
    assert data.images[:, 0, 0].tolist() == [[10] * 3, [11] * 3, [255, 0, 0]]
    assert data.notes == (
        "2 pictures of 3 are grey: all are read in colour; channels=1 reads all in grey",
    )
    grey = read_folder(tmp_path, channels=1)
    assert grey.images[:, 0, 0, 0].tolist() == [10, 11, 76]
    assert grey.notes == ()


def test_mixed_sizes_become_one(tmp_path):
    fill(tmp_path, "a/1.png", "a/2.png", "b/3.png", size=(20, 24))
    fill(tmp_path, "b/4.png", size=(100, 90), first=20)
    data = read_folder(tmp_path)
    assert data.shape == (20, 24, 1)
    assert data.notes == (
        "the pictures have 2 sizes, from 20x24 to 100x90 (height x width): all are read as 20x24, "
        "as most of them are, 3 of 4, scaled until they fill it and cut; size= takes another",
    )
    fill(tmp_path, "b/5.png", "b/6.png", size=(45, 90), first=30)
    data = read_folder(tmp_path, how="stretch")
    assert data.shape == (32, 32, 1)
    assert "the median of their shorter sides being 32, stretched" in data.notes[0]
    assert read_folder(tmp_path, size=(9, 7)).shape == (9, 7, 1)
    assert read_folder(tmp_path, size=5).notes == ()


def test_pictures_are_those_that_are_read_alone(tmp_path):
    rng = np.random.default_rng(0)
    for k in range(40):
        path = tmp_path / "ab"[k % 2] / f"{k}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (5 + k, 30, 3), np.uint8)).save(path)
    for threads in (1, 3, None):
        data = read_folder(tmp_path, size=(11, 13), threads=threads)
        for path, picture in zip(data.files, data.images, strict=True):
            np.testing.assert_array_equal(picture, read_picture(path, 3, (11, 13)))


def test_one_size_is_kept_unless_it_is_too_much(monkeypatch):
    heads = [Head(300, 400, 3, False)] * 4
    size, notes = choose_size(heads, 3, None, "crop")
    assert size == (300, 400)
    assert notes == [
        "all pictures are 300x400 (height x width), and are learned from so; size=128 makes them "
        "smaller, and training far quicker"
    ]
    assert choose_size([Head(32, 400, 3, False)] * 4, 3, None, "crop") == ((32, 400), [])
    monkeypatch.setattr(gathering, "MOST_BYTES", 4 * 300 * 400 * 3 - 1)
    size, notes = choose_size(heads, 3, None, "crop")
    assert size == (128, 128)
    assert notes[0].startswith(
        "all pictures are 300x400 (height x width), too much for memory: all"
    )
    assert choose_size([Head(5, 9, 1, False), Head(6, 7, 1, False)], 1, None, "crop")[0] == (5, 5)


def test_more_than_memory_holds_is_refused(tmp_path, monkeypatch):
    fill(tmp_path, "a/1.png", "b/2.png")
    monkeypatch.setattr(gathering, "machine_memory", lambda: 10**6)
    with pytest.raises(pb.CircuitError, match=r"2 pictures of 9000x9000 take 0\.2 GB of memory"):
        read_folder(tmp_path, size=9000)


def test_files_with_several_pictures_are_told(tmp_path):
    fill(tmp_path, "a/1.png", "b/2.png")
    frames = [Image.new("L", (8, 6), k) for k in (0, 255)]
    frames[0].save(tmp_path / "a" / "3.gif", save_all=True, append_images=frames[1:])
    assert read_folder(tmp_path).notes == (
        "of 1 file with several pictures each, the first is read",
    )


def test_files_that_cannot_be_read_are_all_named(tmp_path):
    fill(tmp_path, *(f"a/{k}.png" for k in range(6)), *(f"b/{k}.png" for k in range(4)))
    whole = (tmp_path / "a" / "1.png").read_bytes()
    (tmp_path / "a" / "1.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        pb.CircuitError, match=r"^cannot read .*1\.png: it is damaged.*leaves it out$"
    ):
        read_folder(tmp_path)
    (tmp_path / "a" / "0.png").write_bytes(b"")
    with pytest.raises(pb.CircuitError) as caught:
        read_folder(tmp_path)
    said = str(caught.value).replace(os.sep, "/")
    assert said.startswith(
        "2 of 10 files cannot be read: a/0.png (it is empty), a/1.png (it is dam"
    )
    assert said.endswith("); mend or remove them; skip_broken=True leaves them out")
    data = read_folder(tmp_path, skip_broken=True)
    assert [path.name for path in data.files] == [
        "2.png",
        "3.png",
        "4.png",
        "5.png",
        *(f"{k}.png" for k in range(4)),
    ]
    assert data.images[:, 0, 0, 0].tolist() == [12, 13, 14, 15, 16, 17, 18, 19]
    assert data.labels.tolist() == [0] * 4 + [1] * 4
    assert data.notes[0].startswith("left out: 2 of 10 files cannot be read: a")
    for k in range(6):
        (tmp_path / "a" / f"{k}.png").write_text("no picture")
    with pytest.raises(pb.CircuitError, match=r"6 of 10 .* and 1 more; mend or remove them; skip"):
        read_folder(tmp_path)
    with pytest.raises(pb.CircuitError, match="no picture can be read of 'a'; 6 of 10 files"):
        read_folder(tmp_path, skip_broken=True)
    for k in range(4):
        (tmp_path / "b" / f"{k}.png").write_text("no picture")
    with pytest.raises(pb.CircuitError, match="10 of 10 files cannot be read"):
        read_folder(tmp_path, skip_broken=True)


def test_broken_files_of_a_test_part_are_left_out_there(tmp_path):
    fill(tmp_path, "train/a/1.png", "train/b/2.png", "test/a/3.png", "test/a/4.png", "test/b/5.png")
    (tmp_path / "test/a/3.png").write_text("no picture")
    data = read_folder(tmp_path, skip_broken=True)
    assert (len(data), data.test.labels.tolist()) == (2, [0, 1])
    assert data.test.images[:, 0, 0, 0].tolist() == [13, 14]


def test_arguments_are_refused_before_work(tmp_path):
    fill(tmp_path, "a/1.png", "b/2.png")
    for told, words in {
        ("channels", 4): "channels are 1 for grey or 3 for colour, got 4",
        ("size", -3): "a size is a whole number above 0",
        ("how", "pad"): "how is one of 'crop', 'stretch', got 'pad'",
        ("threads", 0): "threads are a whole number of at least 1, got 0",
    }.items():
        with pytest.raises(pb.CircuitError, match=words):
            read_folder(tmp_path, **dict([told]))


def test_progress_is_shown_where_it_is_asked_for(tmp_path, capsys):
    fill(tmp_path, "a/1.png", "b/2.png")
    read_folder(tmp_path)
    assert capsys.readouterr().err == ""
    read_folder(tmp_path, progress=True)
    assert "reading pictures" in capsys.readouterr().err

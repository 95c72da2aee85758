"""Lists of pictures in CSV files: which column is which, and what is said of it."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

import pullback as pb
from pullback.images import list_csv, read_listed


@pytest.fixture
def folder(tmp_path):
    for k in range(8):
        (tmp_path / "deep").mkdir(exist_ok=True)
        Image.new("L", (8, 6), 10 * k).save(tmp_path / "deep" / f"{k}.png")
    return tmp_path


def write(folder, *rows, name="list.csv", encoding="utf-8"):
    (folder / name).write_text("\n".join(rows) + "\n", encoding=encoding)
    return folder / name


def test_two_columns(folder):
    path = write(
        folder, "name,what", "deep/3.png,b", "deep/1.png,a", "deep/0.png,b", "deep/7.png,a"
    )
    data = read_listed(path)
    assert data.name == "list"
    assert data.classes == ("a", "b")
    assert data.labels.tolist() == [1, 0, 1, 0]
    assert data.images[:, 0, 0, 0].tolist() == [30, 10, 0, 70]
    assert data.files[0] == folder / "deep" / "3.png"
    assert data.source == f"the pictures that {path} lists"
    assert data.notes == ("files are in column 'name'; file= names another",)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_separators_and_marks(folder, separator, encoding):
    rows = [
        "x,file,label",
        "1,deep/3.png,10",
        "2,deep/1.png,9",
        "3,deep/0.png,10",
        "4,deep/7.png,é",
        "5,deep/6.png,é",
        "6,deep/5.png,9",
    ]
    path = write(folder, *(row.replace(",", separator) for row in rows), encoding=encoding)
    listing = list_csv(path)
    assert listing.classes == ("9", "10", "é")
    assert listing.labels.tolist() == [1, 0, 1, 2, 2, 0]
    assert listing.notes == (
        "files are in column 'file'; file= names another",
        "labels are in column 'label'; label= names another",
    )


def test_columns_are_found(folder):
    rows = [f"{k},deep/{k}.png,{'ab'[k % 2]},{'xyz'[k % 3]}" for k in range(8)]
    path = write(folder, "number,path,side,kind", *rows)
    listing = list_csv(path)
    assert listing.classes == ("a", "b")  # of the fewest labels
    assert listing.notes[1] == "labels are in column 'side'; label= names another"
    assert list_csv(path, label="kind").classes == ("x", "y", "z")
    named = write(folder, "number,path,side,Class", *rows, name="named.csv")
    assert list_csv(named).classes == ("x", "y", "z")
    bare = write(folder, *(row.partition(",")[2] for row in rows), name="bare.csv")
    assert len(list_csv(bare)) == 8
    assert list_csv(bare).notes[0] == "files are in column 'column 1'; file= names another"
    assert list_csv(bare, label="column 3").classes == ("x", "y", "z")


@pytest.mark.parametrize(("yes", "no"), [("1", "0"), ("1.0", "0.0")])
def test_columns_that_mark_the_class_are_its_name(folder, yes, no):
    marks = f"{no},{yes},{no}", f"{yes},{no},{no}"
    rows = [f"deep/{k}.png,{marks[k % 2]}" for k in range(4)]
    listing = list_csv(write(folder, "image,mel,nv,bcc", *rows))
    assert (listing.classes, listing.labels.tolist()) == (("mel", "nv"), [1, 0, 1, 0])
    assert "labels are the names of the columns mel, nv; label= names another" in listing.notes
    assert list_csv(folder / "list.csv", label="nv").classes == (no, yes)


@pytest.mark.parametrize(
    ("head", "rows"),
    [
        ("image,a,b", ("1,1", "0,1", "1,0")),  # two at once
        ("image,a,b", ("0,0", "0,1", "1,0")),  # none
        ("image,a,b,label", ("1,0,1", "0,1,0", "1,0,1")),  # and a column that is named
    ],
)
def test_other_columns_of_marks_are_labels_of_their_own(folder, head, rows):
    path = write(folder, head, *(f"deep/{k}.png,{row}" for k, row in enumerate(rows)))
    assert list_csv(path).classes == ("0", "1")


def test_a_column_tells_the_parts(folder):
    rows = ["a,train", "b,Train", "a,test", "b,val", ",val", "a,train", "b,test"]
    rows = [f"deep/{k}.png,{row}" for k, row in enumerate(rows)]
    path = write(folder, "file,label,split", *rows)
    data = read_listed(path)
    assert data.notes[-1] == "parts are told by column 'split'"
    assert data.test is not None
    assert data.validation is not None
    parts = (data, data.validation, data.test)
    assert [[file.stem for file in part.files] for part in parts] == [
        list("015"),
        ["3"],
        list("26"),
    ]
    assert [part.labels.tolist() for part in parts] == [[0, 1, 0], [1], [0, 1]]
    assert data.images[:, 0, 0, 0].tolist() == [0, 10, 50]
    of_two = list_csv(write(folder, "file,label,split", rows[0], rows[1], rows[3]))
    assert (of_two.validation, of_two.test is None) == (None, False)
    alone = list_csv(write(folder, "file,label", "deep/0.png,train", "deep/1.png,test"))
    assert (alone.classes, alone.test) == (("test", "train"), None)
    with pytest.raises(pb.CircuitError, match=r"by column 'split', .* nothing to train on of 'b'"):
        list_csv(write(folder, "file,label,split", rows[0], rows[2], rows[3]))


def test_files_may_be_elsewhere_and_written_in_another_way(folder, tmp_path_factory):
    away = tmp_path_factory.mktemp("away")
    rows = ["file,label", *(f"deep\\{k}.png,{k % 2}" for k in range(8))]
    assert len(list_csv(write(folder, *rows))) == 8
    assert len(list_csv(write(away, *rows), folder=folder)) == 8
    whole = ["file,label", *(f"{folder / 'deep' / str(k)}.png,{k % 2}" for k in range(8))]
    assert len(read_listed(write(away, *whole))) == 8


def test_names_may_lack_their_endings(folder):
    path = write(folder, "id,breed", *(f"{k},{'ab'[k % 2]}" for k in (5, 2, 4, 3)))
    listing = list_csv(path, folder=folder / "deep")
    assert [file.name for file in listing.files] == ["5.png", "2.png", "4.png", "3.png"]
    assert listing.notes == ("files are in column 'id', with .png added; file= names another",)
    assert len(list_csv(path, folder=folder / "deep", file="id")) == 4
    bare = write(folder, *(f"{k},{'ab'[k % 2]}" for k in (5, 2, 4, 3)), name="bare.csv")
    assert list_csv(bare, folder=folder / "deep").labels.tolist() == [1, 0, 0, 1]
    with pytest.raises(pb.CircuitError, match=r"no column of .* its first row is 'b'; folder="):
        list_csv(path, folder=folder / "deep", file="breed")


def test_rows_that_are_not_whole_and_files_listed_twice_are_told(folder):
    path = write(
        folder,
        *("file,label", "deep/0.png,a", "deep/1.png,b", "deep/2.png,", ",a", "deep/0.png,b"),
        *("deep/1.png,b", "", "deep/3.png,a"),
    )
    listing = list_csv(path)
    assert listing.labels.tolist() == [0, 1, 1, 1, 0]
    assert listing.notes[1:] == (
        "2 rows without a file or a label left out",
        "2 files are listed more than once, 1 with different labels",
    )


def test_what_cannot_be_read_is_refused(folder):
    good = ["deep/0.png,a", "deep/1.png,b", "deep/2.png,a", "deep/3.png,b"]

    def refused(words, *rows, **how):
        with pytest.raises(pb.CircuitError, match=words):
            list_csv(write(folder, *rows), **how)

    refused(
        "list.csv lists 2 files of 6 that are not in .*: x.png, y.png; folder= tells",
        "file,label",
        *good,
        "x.png,a",
        "y.png,b",
    )
    refused(
        "no column .* names files in .*: its first row is 'nine', 'a'; folder= tells",
        "id,label",
        "nine,a",
        "1,b",
    )
    refused("has no column 'what'; there are 'file', 'label'", "file,label", *good, label="what")
    refused("column 'label' of .* has only one class, 'a'", "file,label", good[0], good[2])
    refused("column 'label' of .* has no label", "file,label", "deep/0.png,", "deep/1.png,")
    refused(
        "'label' of .* has 5 labels in 5 rows, too many to be classes",
        "file,label",
        *(f"deep/{k}.png,{k / 7}" for k in range(5)),
    )
    refused("row 3 of .* has 3 cells, and the first has 2", "file,label", good[0], "deep/1.png,b,c")
    refused("has no rows below", "file,label")
    refused("has no rows below", "")
    refused("has one column", "file", "deep/0.png")
    long = "a sentence of what is seen, " * 20
    assert (
        len(
            list_csv(
                write(
                    folder,
                    "file,seen,label",
                    *(f'{row.partition(",")[0]},"{long}",{row[-1]}' for row in good),
                )
            )
        )
        == 4
    )
    refused("it is no CSV file", "file,label", *good, '"' + "x" * 200_000)
    with pytest.raises(pb.CircuitError, match=r"cannot read .*nowhere\.csv: No such file"):
        list_csv(folder / "nowhere.csv")
    (folder / "bytes.csv").write_bytes(b"file,label\n\xff\xfe,a\n")
    with pytest.raises(pb.CircuitError, match=r"bytes\.csv: it is no text in UTF-8; save it so"):
        list_csv(folder / "bytes.csv")


def test_broken_pictures_are_named_as_they_are_listed(folder):
    path = write(folder, "file,label", *(f"deep/{k}.png,{k % 2}" for k in range(8)))
    for k in (2, 3):
        (folder / "deep" / f"{k}.png").write_text("no picture")
    with pytest.raises(pb.CircuitError) as caught:
        read_listed(path)
    assert "2 of 8 files cannot be read: deep/2.png (it is no picture, whatever its name" in str(
        caught.value
    ).replace(os.sep, "/")
    data = read_listed(path, skip_broken=True)
    np.testing.assert_array_equal(data.labels, [0, 1, 0, 1, 0, 1])

"""Published pictures: read from small files in their formats, fetched only as published."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import pickle
import re
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pooch
import pytest
import requests

import pullback as pb
from pullback.datasets import DATASETS, load_dataset, load_table
from pullback.datasets import download as downloading
from pullback.datasets.download import Published, local_file
from pullback.datasets.formats import read_cifar, read_idx
from pullback.datasets.images import CIFAR10, FASHION_MNIST, MNIST, PictureSet
from pullback.images import Pictures

RNG = np.random.default_rng(0)
SMALL = replace(FASHION_MNIST, rows=(7, 3))
IDX = {
    "train-images-idx3-ubyte.gz": RNG.integers(0, 256, (7, 28, 28), np.uint8),
    "train-labels-idx1-ubyte.gz": np.array([9, 0, 1, 2, 3, 4, 5], np.uint8),
    "t10k-images-idx3-ubyte.gz": RNG.integers(0, 256, (3, 28, 28), np.uint8),
    "t10k-labels-idx1-ubyte.gz": np.array([1, 2, 3], np.uint8),
}


def idx(x: np.ndarray) -> bytes:
    return bytes([0, 0, 8, x.ndim]) + np.array(x.shape, ">u4").tobytes() + x.tobytes()


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A person's own folder, with a small Fashion-MNIST."""
    monkeypatch.setenv("PULLBACK_DATA", str(tmp_path))
    (tmp_path / "fashion-mnist").mkdir()
    for name, x in IDX.items():
        (tmp_path / "fashion-mnist" / name).write_bytes(gzip.compress(idx(x)))
    return tmp_path


def test_idx_files_of_ones_own(own):
    data = SMALL()
    assert isinstance(data, Pictures)
    assert (data.name, data.classes[0], data.classes[9]) == (
        *("fashion-mnist", "T-shirt/top", "Ankle boot"),
    )
    np.testing.assert_array_equal(data.images[..., 0], IDX["train-images-idx3-ubyte.gz"])
    np.testing.assert_array_equal(data.test.images[..., 0], IDX["t10k-images-idx3-ubyte.gz"])
    assert data.labels.tolist() == [9, 0, 1, 2, 3, 4, 5]
    assert data.test.labels.tolist() == [1, 2, 3]
    assert data.images.shape == (7, 28, 28, 1)
    assert data.files == ()
    assert data.source == data.test.source == FASHION_MNIST.source


@pytest.mark.parametrize("spelled", ["train-images-idx3-ubyte", "train-images.idx3-ubyte"])
def test_files_may_be_decompressed(own, spelled):
    folder = own / "fashion-mnist"
    packed = folder / "train-images-idx3-ubyte.gz"
    (folder / spelled).write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    np.testing.assert_array_equal(SMALL().images[..., 0], IDX[packed.name])


def test_damaged_idx_files_are_named(tmp_path):
    x = RNG.integers(0, 256, (3, 4, 5), np.uint8)
    whole = idx(x)
    path = tmp_path / "x-idx3-ubyte"
    packed = tmp_path / "x-idx3-ubyte.gz"

    def refused(path, data, words, shape=(3, 4, 5)):
        path.write_bytes(data)
        with pytest.raises(pb.CircuitError, match=rf"{re.escape(str(path))}.*{words}"):
            read_idx(path, shape)

    path.write_bytes(whole)
    np.testing.assert_array_equal(read_idx(path, (3, 4, 5)), x)
    for length in (0, 1, 3, 15):
        refused(path, whole[:length], "; it is damaged, or another file: put the published one")
    refused(path, whole[:-1], "holds less bytes than its beginning tells")
    refused(path, whole + b"x", "holds more bytes than its beginning tells")
    refused(path, whole, r"holds \(3, 4, 5\) numbers, not \(3, 4, 6\)", (3, 4, 6))
    refused(path, whole, "is no IDX file of 1 axes of bytes", (60,))
    refused(path, b"\0\0\x0d\3" + whole[4:], "is no IDX file of 3 axes")  # of float32
    refused(path, pickle.dumps(x), "is no IDX file")
    for length in (0, 5, 20, 50, len(gzip.compress(whole)) - 1):
        refused(packed, gzip.compress(whole)[:length], "damaged, or another file")
    refused(packed, b"not compressed", "Not a gzipped file.*damaged")
    changed = bytearray(gzip.compress(whole))
    changed[40] ^= 255
    refused(packed, bytes(changed), "damaged")
    refused(packed, gzip.compress(whole + bytes(10**7)), "holds more bytes")
    with pytest.raises(pb.CircuitError, match=r"cannot read .*nowhere: No such file"):
        read_idx(tmp_path / "nowhere", (1,))


def test_labels_of_other_classes_are_refused(own):
    path = own / "fashion-mnist" / "train-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(idx(np.full(7, 10, np.uint8))))
    with pytest.raises(pb.CircuitError, match="a label of fashion-mnist is 10, and there are 10"):
        SMALL()


# CIFAR-10 ----------------------------------------------------------------------------------------

COLOUR = RNG.integers(0, 256, (12, 32, 32, 3), np.uint8)
LABELS = RNG.integers(0, 10, 12).astype(np.uint8)


def records(rows: slice) -> bytes:
    """In the format that its page describes: a label, then each plane row by row."""
    return b"".join(
        bytes([label]) + b"".join(picture[:, :, c].tobytes() for c in range(3))
        for label, picture in zip(LABELS[rows], COLOUR[rows], strict=True)
    )


MEMBERS = {
    **{f"data_batch_{k + 1}.bin": records(slice(2 * k, 2 * k + 2)) for k in range(5)},
    "test_batch.bin": records(slice(10, 12)),
    "batches.meta.txt": b"airplane\n",
}


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for name, data in reversed(members.items()):  # in any order
            told = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            told.size = len(data)
            file.addfile(told, io.BytesIO(data))
    return path


def test_cifar_from_its_archive_or_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PULLBACK_DATA", str(tmp_path))
    (tmp_path / "cifar10").mkdir()
    path = archive(tmp_path / "cifar10" / "cifar-10-binary.tar.gz", MEMBERS)
    small = replace(CIFAR10, rows=(10, 2))
    for _ in range(2):
        data = small()
        np.testing.assert_array_equal(data.images, COLOUR[:10])
        np.testing.assert_array_equal(data.labels, LABELS[:10])
        np.testing.assert_array_equal(data.test.images, COLOUR[10:])
        np.testing.assert_array_equal(data.test.labels, LABELS[10:])
        assert data.images.flags.c_contiguous
        if path.exists():
            path.unlink()
            folder = tmp_path / "cifar10" / "cifar-10-batches-bin"
            folder.mkdir()
            for name, content in MEMBERS.items():
                (folder / name).write_bytes(content)
    assert sorted(os.listdir(tmp_path / "cifar10")) == ["cifar-10-batches-bin"]
    os.remove(folder / "data_batch_3.bin")
    with pytest.raises(pb.CircuitError, match=r"cannot read .*: No such file"):
        small()


def test_damaged_archives_are_named(tmp_path):
    names = [f"data_batch_{k}.bin" for k in range(1, 6)]

    def refused(path, words, rows=10):
        with pytest.raises(pb.CircuitError, match=rf"{re.escape(str(path))} ?.*{words}"):
            read_cifar(path, names, rows)

    path = archive(tmp_path / "a.tar.gz", MEMBERS)
    refused(path, "holds 30,730 bytes of pictures, and 11 pictures take 33,803; it is damaged", 11)
    refused(path, "holds 30,730 bytes of pictures, and 9 pictures take", 9)
    data = path.read_bytes()
    for length in (0, 10, 1000, len(data) // 2):
        path.write_bytes(data[:length])
        refused(path, "damaged, or another file")
    path.write_text("no archive")
    refused(path, "damaged, or another file")
    lacking = {name: data for name, data in MEMBERS.items() if name != "data_batch_4.bin"}
    refused(archive(path, lacking), r"lacks data_batch_4\.bin; it is damaged")
    pickled = {name: pickle.dumps(data) for name, data in MEMBERS.items()}
    refused(archive(path, pickled), "damaged, or another file")


# Where files are ---------------------------------------------------------------------------------


def test_what_is_not_in_ones_own_folder_is_not_fetched(own, monkeypatch):
    monkeypatch.setattr(pooch, "retrieve", None)
    with pytest.raises(pb.CircuitError) as caught:
        load_dataset("mnist")
    assert str(caught.value) == (
        f"PULLBACK_DATA is {own}, and there is no {own / 'mnist' / 'train-images-idx3-ubyte.gz'}: "
        "put it there from https://ossci-datasets.s3.amazonaws.com/mnist/, or unset PULLBACK_DATA "
        "to have it fetched"
    )


class Answer:
    """What a server answers."""

    def __init__(self, content):
        self.content = content
        self.headers = {"content-length": str(len(content))}

    def raise_for_status(self): ...

    def iter_content(self, chunk_size):
        yield from (
            self.content[k : k + chunk_size] for k in range(0, len(self.content), chunk_size)
        )


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Files by their address, as if they were published; and what was asked for."""
    monkeypatch.delenv("PULLBACK_DATA", raising=False)
    monkeypatch.setenv("PULLBACK_CACHE", str(tmp_path / "cache"))
    contents, asked = {}, []

    def get(url, **_):
        asked.append(url)
        if url not in contents:
            raise requests.ConnectionError("no network")
        return Answer(contents[url])

    monkeypatch.setattr(requests, "get", get)
    return contents, asked


def published(content: bytes, name: str = "x.gz") -> Published:
    return Published(name, "https://example.org/", hashlib.md5(content).hexdigest())


def test_files_are_fetched_once_and_kept(served, tmp_path, caplog, capsys):
    contents, asked = served
    content = bytes(range(256)) * 1000
    contents["https://example.org/x.gz"] = content
    path = local_file("some", published(content))
    assert path == tmp_path / "cache" / "datasets" / "some" / "x.gz"
    assert path.read_bytes() == content
    assert local_file("some", published(content)) == path
    assert len(asked) == 1
    assert (caplog.text, capsys.readouterr().err) == ("", "")
    path.write_bytes(content[:-1])  # a disk that was full, say
    assert local_file("some", published(content)).read_bytes() == content
    assert len(asked) == 2


def test_a_whole_set_is_fetched(served):
    contents, asked = served
    files = []
    for name, x in IDX.items():
        contents[f"https://example.org/{name}"] = content = gzip.compress(idx(x))
        files.append(published(content, name))
    data = replace(SMALL, files=tuple(files))()
    np.testing.assert_array_equal(data.images[..., 0], IDX["train-images-idx3-ubyte.gz"])
    assert len(asked) == 4


def test_no_network_is_a_sentence_with_the_cure(served, tmp_path):
    with pytest.raises(pb.CircuitError) as caught:
        load_dataset("fashion-mnist")
    url = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-images-idx3-ubyte.gz"
    assert str(caught.value) == (
        f"cannot fetch {url} (ConnectionError): fetch it by other means and put it into "
        f"{tmp_path / 'cache' / 'datasets' / 'fashion-mnist'}, or set PULLBACK_DATA to a folder "
        "that holds fashion-mnist/train-images-idx3-ubyte.gz"
    )


def test_another_file_than_the_published_one_is_not_kept(served, tmp_path):
    contents, _ = served
    contents["https://example.org/x.gz"] = b"a page that asks to log in"
    with pytest.raises(
        pb.CircuitError, match=r"org/x\.gz sent is not the published file.*checksum"
    ):
        local_file("some", published(b"data"))
    assert os.listdir(tmp_path / "cache" / "datasets" / "some") == []


def test_a_cache_that_cannot_be_written_to_is_a_sentence(served, tmp_path):
    (tmp_path / "cache").write_text("a file, where a folder should be")
    with pytest.raises(pb.CircuitError, match=r"cannot fetch .*x\.gz .*set PULLBACK_DATA to a"):
        local_file("some", published(b"data"))


def test_a_download_tells_how_far_it_is(served, monkeypatch):
    contents, _ = served
    content = bytes(10_000)
    contents["https://example.org/x.gz"] = content
    told = []

    class Line:
        def advance(self, n):
            told.append(n)

        def expect(self, total):
            assert total == 10_000

    class Working:
        def __init__(self, words, total, in_bytes):
            assert (words, total, in_bytes) == ("fetching x.gz", None, True)

        def __enter__(self):
            return Line()

        def __exit__(self, *_): ...

    monkeypatch.setattr(downloading, "working", Working)
    local_file("some", published(content))
    assert sum(told) == 10_000
    assert len(told) > 5


def test_without_a_folder_of_its_own_the_cache_is_the_users(monkeypatch):
    monkeypatch.delenv("PULLBACK_CACHE", raising=False)
    assert downloading.kept_in().parts[-2:] == ("pullback", "datasets")


# Names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [MNIST, FASHION_MNIST, CIFAR10])
def test_the_sets_are_registered(data):
    assert DATASETS[data.name] is data
    assert len(data.classes) == len(set(data.classes)) == 10
    assert all(re.fullmatch("[0-9a-f]{32}", file.md5) for file in data.files)
    assert all(file.home.endswith("/") for file in data.files)


@pytest.mark.parametrize(
    "name", sorted(name for name, entry in DATASETS.items() if isinstance(entry, PictureSet))
)
def test_what_takes_tables_refuses_pictures_before_they_are_fetched(name, monkeypatch):
    monkeypatch.setattr(downloading, "local_file", None)
    with pytest.raises(
        pb.CircuitError, match=rf"^{name} holds pictures, and this takes tables; .*ir"
    ):
        load_table(name)
    with pytest.raises(pb.CircuitError, match="so leave out target, task, kinds"):
        load_dataset(name, target="x")


def test_a_folder_is_read_by_its_path(tmp_path):
    from PIL import Image

    for k in range(4):
        (tmp_path / "ab"[k % 2]).mkdir(exist_ok=True)
        Image.new("L", (8, 6), k).save(tmp_path / "ab"[k % 2] / f"{k}.png")
    data = load_dataset(tmp_path)
    assert isinstance(data, Pictures)
    assert data.images[:, 0, 0, 0].tolist() == [0, 2, 1, 3]
    with pytest.raises(pb.CircuitError, match="is a folder, so leave out target"):
        load_dataset(tmp_path, target="x")
    with pytest.raises(pb.CircuitError, match="is a folder, and this takes tables: name a"):
        load_table(tmp_path)


@pytest.mark.skipif(
    not (Path(os.environ.get("PULLBACK_DATA") or "nowhere") / "fashion-mnist").is_dir(),
    reason="PULLBACK_DATA names no folder with fashion-mnist",
)
def test_fashion_mnist_itself():
    data = load_dataset("fashion-mnist")
    assert (data.images.shape, data.test.images.shape) == ((60_000, 28, 28, 1), (10_000, 28, 28, 1))
    assert np.bincount(data.labels).tolist() == [6_000] * 10
    assert np.bincount(data.test.labels).tolist() == [1_000] * 10
    # the mean and spread of its pixels that everybody standardizes by
    assert data.inputs.mean(dtype=np.float64) == pytest.approx(0.2860, abs=5e-5)
    assert data.inputs.std(dtype=np.float64) == pytest.approx(0.3530, abs=5e-5)
    train, validation = data.split(0.9, 0.1)
    assert np.bincount(validation.labels).tolist() == [600] * 10
    assert train.test is None
    trousers = data.images[data.labels == data.classes.index("Trouser")]
    assert trousers[:, :, 12:16].mean() > trousers[:, :, :4].mean()

"""Folders and lists of recordings: what is found, at which rate it is read, what is said of it."""

from __future__ import annotations

import os

import numpy as np
import pytest

import pullback as pb
from pullback.datasets import load_dataset
from pullback.sequences.sound import Recordings, list_recordings, read_recording, recordings_in
from pullback.sequences.sound import listing as listings

soundfile = pytest.importorskip("soundfile", reason="soundfile is in the extra `sound`")


def fill(root, *names, rate=8000, channels=1, samples=400):
    """Noises of these names, each of a length that tells which it is."""
    for k, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        x = np.random.default_rng(k).uniform(-0.5, 0.5, (samples + k, channels))
        soundfile.write(path, x, rate)


def test_a_folder_for_each_class(tmp_path):
    fill(tmp_path, "no/10.wav", "no/9.flac", "yes/deep/1.wav", "yes/2.WAV")
    (tmp_path / "yes" / "notes.txt").write_text("who spoke")
    data = recordings_in(tmp_path)
    assert isinstance(data, Recordings)
    assert (data.classes, data.labels.tolist()) == (("no", "yes"), [0, 0, 1, 1])
    assert [path.name for path in data.files] == ["9.flac", "10.wav", "2.WAV", "1.wav"]
    assert (data.lengths.tolist(), data.rate) == ([401, 400, 403, 402], 8000)
    assert data.notes == (f"left out in {tmp_path.name}: 1 .txt file; read are WAV and FLAC",)
    for path, sound in zip(data.files, data.sounds, strict=True):
        np.testing.assert_array_equal(sound, read_recording(path).samples)


def test_parts_of_their_own(tmp_path):
    fill(tmp_path, "train/a/1.wav", "train/b/2.wav", "val/a/3.wav", "test/a/4.wav", "test/b/5.wav")
    data = recordings_in(tmp_path)
    assert [data.lengths.tolist(), data.validation.lengths.tolist()] == [[400, 401], [402]]
    assert (data.test.lengths.tolist(), data.test.labels.tolist()) == ([403, 404], [0, 1])
    assert "val has no recording of b" in data.notes


def test_a_list(tmp_path):
    fill(tmp_path, "1.wav", "2.wav", "3.flac", "4.wav")
    path = tmp_path / "list.csv"
    path.write_text("file,label\n1.wav,no\n2.wav,yes\n3.flac,yes\n4.wav,no\n")
    data = recordings_in(path)
    assert (data.classes, data.labels.tolist()) == (("no", "yes"), [0, 1, 1, 0])
    assert data.source == f"the recordings that {path} lists"
    path.write_text("sound;who\n1.wav;a\n2.wav;b\n")
    (tmp_path / "list.csv").rename(tmp_path.parent / "moved.csv")
    moved = tmp_path.parent / "moved.csv"
    assert recordings_in(moved, file="sound", label="who", folder=tmp_path).classes == ("a", "b")
    with pytest.raises(pb.CircuitError, match="only of one can file, label, folder be told"):
        list_recordings(tmp_path, label="who")


def test_the_commonest_rate_is_taken_and_told(tmp_path):
    fill(tmp_path, "a/1.wav", "b/2.wav", samples=800)
    fill(tmp_path, "a/3.wav", "b/4.wav", "b/5.wav", rate=16000, samples=1600)
    fill(tmp_path, "b/6.wav", rate=44100, channels=2, samples=4410)
    data = recordings_in(tmp_path)
    assert (data.rate, data.lengths.tolist()) == (16000, [1600, 1600, 1602, 1601, 1602, 1600])
    assert data.notes == (
        "3 recordings of 6 are resampled from 8,000 to 44,100 Hz to 16,000 Hz; rate= takes another",
        "1 recording of 6 has several channels, which are mixed down to one",
    )
    data = recordings_in(tmp_path, 8000)
    assert (data.rate, data.lengths.tolist()) == (8000, [800, 800, 801, 801, 801, 800])
    assert data.notes[0] == "4 recordings of 6 are resampled from 16,000 to 44,100 Hz to 8,000 Hz"
    for path, sound in zip(data.files, data.sounds, strict=True):
        np.testing.assert_array_equal(sound, read_recording(path, 8000).samples)


def test_the_same_with_any_number_of_threads(tmp_path):
    fill(tmp_path, *(f"{'ab'[k % 2]}/{k}.wav" for k in range(30)), rate=11025)
    one, three = (recordings_in(tmp_path, 8000, threads=n) for n in (1, 3))
    for x, y in zip(one.sounds, three.sounds, strict=True):
        np.testing.assert_array_equal(x, y)


def test_all_that_cannot_be_read_is_named(tmp_path):
    fill(tmp_path, "a/1.wav", "a/2.wav", "a/3.wav", "b/4.wav", "b/5.wav")
    (tmp_path / "a" / "1.wav").write_bytes(b"")
    with pytest.raises(pb.CircuitError, match=r"^cannot read .*1\.wav: it is empty; .* leaves it"):
        recordings_in(tmp_path)
    soundfile.write(tmp_path / "a" / "2.wav", np.zeros(300), 8000)
    whole = (tmp_path / "b" / "4.wav").read_bytes()
    (tmp_path / "b" / "4.wav").write_bytes(whole[:-100])
    with pytest.raises(pb.CircuitError) as caught:
        recordings_in(tmp_path)
    assert str(caught.value).replace(os.sep, "/") == (
        "3 of 5 files cannot be read: a/1.wav (it is empty), a/2.wav (it is silent), b/4.wav (it "
        "is cut off: 100 bytes are missing at its end); mend or remove them; skip_broken=True "
        "leaves them out"
    )
    data = recordings_in(tmp_path, skip_broken=True)
    assert ([path.name for path in data.files], data.labels.tolist()) == (
        ["3.wav", "5.wav"],
        [0, 1],
    )
    assert data.notes[-1].startswith("left out: 3 of 5 files cannot be read: a")
    (tmp_path / "b" / "5.wav").write_text("no recording")
    with pytest.raises(pb.CircuitError, match="no recording can be read of 'b'; 4 of 5 files"):
        recordings_in(tmp_path, skip_broken=True)
    (tmp_path / "a" / "3.wav").write_text("no recording")
    with pytest.raises(pb.CircuitError, match="5 of 5 files cannot be read"):
        recordings_in(tmp_path, skip_broken=True)


def test_folders_that_cannot_be_learned_from(tmp_path):
    with pytest.raises(pb.CircuitError, match="there is no such folder"):
        recordings_in(tmp_path / "none")
    with pytest.raises(pb.CircuitError, match=r"there are no recordings in .*; read are WAV and"):
        recordings_in(tmp_path)
    fill(tmp_path, "loose.wav")
    with pytest.raises(pb.CircuitError, match="holds 1 recording and no folders with any: put the"):
        recordings_in(tmp_path)
    fill(tmp_path, "a/1.wav")
    with pytest.raises(pb.CircuitError, match=r"there is only one class in .*, 'a'"):
        recordings_in(tmp_path)
    (tmp_path / "b").mkdir()
    with pytest.raises(pb.CircuitError, match="no recording is in class 'b'"):
        recordings_in(tmp_path)


def test_more_than_memory_holds_is_refused(tmp_path, monkeypatch):
    fill(tmp_path, "a/1.wav", "b/2.wav", samples=8000)
    monkeypatch.setattr(listings, "machine_memory", lambda: 100_000)
    with pytest.raises(pb.CircuitError, match=r"2 recordings at 16,000 Hz take 0\.0 GB of memory"):
        recordings_in(tmp_path, 16000)
    assert len(recordings_in(tmp_path)) == 2


def test_arguments_are_refused_before_work(tmp_path):
    fill(tmp_path, "a/1.wav", "b/2.wav")
    with pytest.raises(pb.CircuitError, match="a rate is a whole number of samples a second"):
        recordings_in(tmp_path, 0)
    with pytest.raises(pb.CircuitError, match="threads are a whole number of at least 1, got 0"):
        recordings_in(tmp_path, threads=0)


def test_in_one_folder_names_may_tell_the_classes(tmp_path):
    names = ["10_b_1.wav", "9_a_1.flac", "9_a_0.wav", "10_a_0.wav"]
    fill(tmp_path, *names)
    (tmp_path / "about.txt").write_text("digits")
    data = recordings_in(tmp_path)
    assert (data.classes, data.labels.tolist()) == (("9", "10"), [0, 0, 1, 1])
    found = [path.name for path in data.files]
    assert found == ["9_a_0.wav", "9_a_1.flac", "10_a_0.wav", "10_b_1.wav"]
    assert data.notes[0].startswith("classes are told by the names of the files")
    assert load_dataset(tmp_path).labels.tolist() == data.labels.tolist()


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("a_1.wav", "a_2.wav", "b.wav"), "but b.wav does not"),
        (("a_1.wav", "a_2.wav", "_b.wav", "_c.wav"), "but _b.wav, _c.wav do not"),
        (("a_1.wav", "a_2.wav"), "but there is 1 beginning"),
        (("a_1.wav", "a_2.wav", "b_1.wav"), "but of b there is one recording alone"),
        (tuple(f"{k // 2}_{k}.wav" for k in range(202)), "but there are 101 beginnings"),
    ],
)
def test_names_that_tell_no_classes_are_refused(tmp_path, names, why):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(pb.CircuitError, match=rf"named by it, or let names begin .*; {why}"):
        list_recordings(tmp_path)

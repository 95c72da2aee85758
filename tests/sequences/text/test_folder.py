"""Texts in folders: a file for each class, or a folder."""

import pytest

from pullback import CircuitError
from pullback.datasets import load_dataset
from pullback.datasets.load import holds_texts, load_table
from pullback.sequences.text.folder import texts_in, whole_text


def write(folder, files, encoding="utf-8"):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding=encoding)
    return folder


def test_a_file_for_each_class(tmp_path):
    data = texts_in(write(tmp_path / "films", {"good.txt": "fine\n\n so good \n", "bad.txt": "no"}))
    assert data.classes == ("bad", "good")
    assert data.texts == ("no", "fine", "so good")
    assert data.labels.tolist() == [0, 1, 1]
    assert not data.by_file
    assert data.name == "films"


def test_a_folder_for_each_class(tmp_path):
    files = {
        "good/2.txt": "two\nlines",
        "good/10.txt": "ten",
        "bad/1.txt": "\ufeffno",
        "bad/2.txt": " \n",
        "README.md": "about",
    }
    data = texts_in(write(tmp_path, files))
    assert data.texts == ("no", "two\nlines", "ten")
    assert data.labels.tolist() == [0, 1, 1]
    assert data.by_file
    assert any("1 empty file" in note for note in data.notes)
    assert any(".md" in note for note in data.notes)


def test_parts_of_its_own_without_what_has_no_class(tmp_path):
    files = {
        f"{part}/{name}/{k}_7.txt": f"{part} {name} {k}"
        for part in ("train", "test")
        for name in ("neg", "pos")
        for k in range(2)
    }
    more = {"train/unsup/1_0.txt": "which?", "train/urls.txt": "x", "imdb.vocab": "a"}
    data = texts_in(write(tmp_path, files | more))
    assert data.classes == ("neg", "pos")
    assert data.texts == ("train neg 0", "train neg 1", "train pos 0", "train pos 1")
    assert data.validation is None
    assert data.test.texts == ("test neg 0", "test neg 1", "test pos 0", "test pos 1")
    assert data.test.labels.tolist() == [0, 0, 1, 1]
    assert sum("unsup" in note for note in data.notes) == 1


def test_in_another_encoding(tmp_path):
    write(tmp_path, {"a.txt": "café\n", "b.txt": "thé\n"}, "latin-1")
    with pytest.raises(CircuitError, match=r"a.txt, line 1: it is not text in utf-8; give"):
        texts_in(tmp_path)
    assert texts_in(tmp_path, "latin-1").texts == ("café", "thé")
    with pytest.raises(CircuitError, match="there is no encoding 'klingon'"):
        texts_in(tmp_path, "klingon")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.txt": "one"}, "there is only one text in .*, a.txt: to tell classes apart takes"),
        ({"a/1.txt": "one"}, "only one class in .*, 'a'"),
        ({"a.txt": "one", "b.txt": "\n"}, "b.txt holds no sentence"),
        ({"a/1.txt": "", "b/1.txt": ""}, "there is no text in the files of"),
        ({"a/1.txt": "one", "b/1.md": ""}, "no text is in class 'b' of .*, but 1 .md file"),
        ({"a.md": "one"}, "there are no texts in"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(tmp_path, files, message):
    with pytest.raises(CircuitError, match=message):
        texts_in(write(tmp_path, files))


def test_no_such_folder(tmp_path):
    with pytest.raises(CircuitError, match="there is no such folder"):
        texts_in(tmp_path / "none")


def test_what_a_folder_holds(tmp_path):
    assert holds_texts(write(tmp_path / "texts", {"a.txt": "one", "b.txt": "two"}))
    mixed = write(tmp_path / "mixed", {"README.txt": "of pictures", "cats/1.png": ""})
    assert not holds_texts(mixed)
    assert not holds_texts(tmp_path / "none")
    assert load_dataset(tmp_path / "texts").classes == ("a", "b")


def test_a_whole_text_is_stripped(tmp_path):
    path = write(tmp_path, {"a.txt": "\ufeff\n one\n two \n"}) / "a.txt"
    assert whole_text(path) == "one\n two"


def test_data_are_loaded_by_what_they_are(tmp_path):
    line = "\t".join(["1", "go", "_", "VERB", *"______"])
    path = write(tmp_path, {"a.conllu": f"{line}\n\n"}) / "a.conllu"
    assert load_dataset(path).words == (("go",),)
    with pytest.raises(CircuitError, match=r"a.conllu holds tagged sentences, so leave out targe"):
        load_dataset(path, target="x")
    with pytest.raises(CircuitError, match=r"a.conllu holds tagged sentences, and this takes tab"):
        load_table(path)
    with pytest.raises(CircuitError, match=r"cannot read none.conllu: No such file"):
        load_dataset("none.conllu")

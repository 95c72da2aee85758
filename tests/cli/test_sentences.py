"""The command line on texts with a class and on tagged sentences: trained on, described, asked."""

import csv
import gzip
import io
import json

import numpy as np
import pytest
from tests.cli.command import run

QUICK = ("--engine", "eager", "--epochs", 2, "--hidden", 6, "--batch-size", 16)


def row(k, word, tag):
    return "\t".join([str(k), word, "_", tag, *"______"])


def conllu(count=40):
    words = [("the", "DET"), ("cat", "NOUN"), ("sees", "VERB"), ("it", "PRON"), ("!", "PUNCT")]
    lines = []
    for k in range(count):
        kept = words[: 3 + k % 3]
        lines += [*(row(n, *pair) for n, pair in enumerate(kept, start=1)), ""]
    return "\n".join([*lines, ""])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("sentences")
    (root / "tagged.conllu").write_text(conllu())
    (root / "tagged.conllu.gz").write_bytes(gzip.compress(conllu().encode()))
    (root / "broken.conllu").write_text(conllu() + "1\tthe\tDET\n")
    (root / "untagged.conllu").write_text(conllu().replace("DET", "_"))
    (root / "empty.conllu").write_text("")
    rng = np.random.default_rng(0)
    said = {"good": ("fine", "great", "lovely"), "bad": ("dull", "awful", "poor")}
    for folder in ("films", "latin", "single", "files", "pictures"):
        (root / folder).mkdir()
    for name, words in said.items():
        lines = [f"a {' '.join(rng.choice(words, 2))} film, it was" for _ in range(40)]
        (root / "films" / f"{name}.txt").write_text("\n".join(lines) + "\n")
        (root / "latin" / f"{name}.txt").write_text("très café\n" * 12, encoding="latin-1")
        (root / "files" / name).mkdir()
        for k, line in enumerate(lines[:20]):
            (root / "files" / name / f"{k}.txt").write_text(line + "\nand so on\n")
    (root / "single" / "good.txt").write_text("fine\n")
    (root / "pictures" / "README.md").write_text("none")
    return root


@pytest.fixture(scope="module")
def films(data):
    path = data / "films.safetensors"
    done = run("train", data / "films", *QUICK, "--epochs", 20, "--save", path)
    assert done.returncode == 0, done.stderr
    return path, done


@pytest.fixture(scope="module")
def tagger(data):
    path = data / "tagger.safetensors"
    done = run("train", data / "tagged.conllu.gz", *QUICK, "--learning-rate", 0.02, "--save", path)
    assert done.returncode == 0, done.stderr
    return path, done


def test_texts_are_trained_on_and_reported(films):
    _, done = films
    for words in (
        "a file for each class",
        "80 texts: 56 to train on, 8 to validate, 16 to test",
        "2 classes: bad, good",
        "logistic regression on words",
        "always bad",
        "rows: true class, columns: predicted",
    ):
        assert words in " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_sentences_are_trained_on_and_reported(tagger):
    _, done = tagger
    for words in (
        "40 sentences: 28 to train on, 4 to validate, 8 to test",
        "5 tags: DET, NOUN, PRON, PUNCT, VERB",
        "words right",
        "the commonest tag of each word",
        "sentences entirely right",
    ):
        assert words in " ".join(done.stdout.split())
    assert "new words right" not in done.stdout  # there are none
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_folder_of_folders_is_trained_on(data):
    done = run("train", data / "files", *QUICK, "--model", "gru", "--json")
    assert done.returncode == 0, done.stderr
    plain = json.loads(done.stdout)
    assert plain["texts"] == {"train": 28, "validation": 4, "test": 8}
    assert plain["classes"] == ["bad", "good"]
    assert "test_accuracy" in plain


def test_they_are_described(films, tagger):
    said = " ".join(run("describe", films[0]).stdout.split())
    assert "tells which of 2 classes a text is of: bad, good" in said
    said = " ".join(run("describe", tagger[0]).stdout.split())
    assert "tells the tag of each word of a sentence, of 5" in said
    plain = json.loads(run("describe", tagger[0], "--json").stdout)
    assert plain["task"] == "tagging"


def test_texts_are_answered(films, data):
    path = data / "asked.txt"
    path.write_text('a great film\n\n"awful", it was\n')
    done = run("predict", films[0], path)
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [x["text"] for x in rows] == ["a great film", '"awful", it was']
    assert [x["prediction"] for x in rows] == ["good", "bad"]
    assert float(rows[0]["probability bad"]) + float(rows[0]["probability good"]) == pytest.approx(
        1
    )
    whole = run("predict", films[0], data / "films")
    assert "by the file names of 80 texts: accuracy" in whole.message


def test_words_are_answered(tagger, data):
    done = run("predict", tagger[0], data / "tagged.conllu", "--json")
    plain = json.loads(done.stdout)
    assert plain["metrics"]["words right"] > 0.5
    assert plain["rows"][0].keys() == {"file", "sentence", "word", "tag", "probability"}
    assert len(plain["rows"]) == 40 * 3 + 13 + 2 * 13


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["broken.conllu"], "broken.conllu, line 200: it has 3 columns with tabs between them"),
        (["untagged.conllu"], "has no sentence whose words all have a tag"),
        (["empty.conllu"], "holds no sentence in CoNLL-U"),
        (["none.conllu"], "No such file"),
        (["tagged.conllu", "--encoding", "latin-1"], "--encoding says nothing about"),
        (["tagged.conllu", "--tokenizer", "words"], "--tokenizer says nothing about tagged"),
        (["tagged.conllu", "--model", "mlp"], "no model of tagged sentences 'mlp'"),
        (["tagged.conllu", "--target", "x"], "--target is for tables"),
        (["single"], "only one text in"),
        (
            ["latin"],
            "line 1: it is not text in utf-8; give the encoding that it is in, such as --enc",
        ),
        (["latin", "--encoding", "klingon"], "there is no encoding 'klingon'"),
        (["films", "--model", "transformer"], "there are: fasttext, lstm, gru"),
        (["films", "--rate", 8000], "--rate says nothing about texts with a class"),
        (["films", "--size", 8], "--size is for pictures"),
        (["pictures", "--hidden", "4"], "there are no pictures, recordings or texts in"),
    ],
)
def test_mistakes_are_told_in_a_sentence(data, arguments, message):
    done = run("train", data / arguments[0], *arguments[1:])
    assert done.returncode == 2, done.stdout
    assert message in done.message
    assert done.stdout == ""


def test_another_encoding_is_read(data):
    done = run("train", data / "latin", "--encoding", "latin-1", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "12 texts" in done.stdout or "1 text stands in several classes" in done.stdout


def test_a_text_itself_is_answered(films, tagger):
    done = run("predict", films[0], "--text", "a great film", "--text", "dull, and poor")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["prediction"] for row in rows] == ["good", "bad"]
    assert rows[0]["text"] == "a great film"
    done = run("predict", tagger[0], "--text", "the cat sees it")
    assert [row["word"] for row in csv.DictReader(io.StringIO(done.stdout))] == [
        "the", "cat", "sees", "it"
    ]  # fmt: skip
    assert "there are no words in ' '" in run("predict", tagger[0], "--text", " ").message
    assert "leave out files" in run("predict", films[0], "a.txt", "--text", "b").message


def test_texts_are_read_as_those_of_the_training_were(data):
    path = data / "latin.safetensors"
    how = ("--encoding", "latin-1", "--save", path)
    assert run("train", data / "latin", *QUICK, *how).returncode == 0
    done = run("predict", path, data / "latin" / "good.txt")
    assert "très café" in done.stdout
    other = data / "other.txt"
    other.write_text("très café\n", encoding="utf-8")
    assert "très café" in run("predict", path, other, "--encoding", "utf-8").stdout

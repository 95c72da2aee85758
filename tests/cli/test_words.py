"""`pullback embed words` and `pullback similar`: from a text to vectors, and what is near."""

import json
import warnings

import numpy as np
import pytest
from tests.cli.command import run

import pullback as pb
from pullback.cli import words_report
from pullback.words import Word2Vec, WordVectors

TEXT = "The cat drinks milk and the dog drinks water.\n\nKings rule New York; cats rule kings.\n\n"
FEW = ("--epochs", "2", "--dimensions", "8", "--sample", "0", "--min-count", "2")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a text, questions, and vectors made by hand."""
    folder = tmp_path_factory.mktemp("words")
    (folder / "a.txt").write_text(TEXT * 30)
    (folder / "pairs.csv").write_text("cat,dog,8\nmilk,water,7\ncat,york,1\ncat,zebra,2\n")
    (folder / "questions.txt").write_text(": s\ncat milk dog water\nman king woman queen\n")
    words = ["man", "woman", "king", "queen", "tea"]
    matrix = [[1, 0, 0], [1, 1, 0], [1, 0, 2], [1, 1, 2], [-1, 0.5, 0]]
    WordVectors(words, matrix).save(folder / "hand.vec")
    (folder / "novel.txt").write_text("It was a long night.\n" * 13 + "so, then, 1851\na b c d\n")
    (folder / "latin.txt").write_bytes("café".encode("latin-1"))
    return folder


def test_from_a_text_to_what_is_near(place):
    saved = place / "v.safetensors"
    done = run("embed", "words", place / "a.txt", "--save", saved, *FEW, "--phrases", "1",
               "--evaluate", place / "pairs.csv", "--evaluate", place / "questions.txt",
               "--watch", "cat", "--figure", place / "cat.png")  # fmt: skip
    assert done.returncode == 0, done.stderr
    for said in (
        "a.txt: 1 file, 2.6 kB",
        "skip-gram, negative sampling, 8 dimensions",
        "phrases none was found",
        "words a second",
        "after 2 epochs",
        "of 4 pairs could be asked",
        "analogies of questions.txt",
        "what moved cat",
        "pullback similar",
    ):
        assert said in " ".join(done.stdout.split())
    assert (place / "cat.png").read_bytes().startswith(b"\x89PNG")
    vectors = WordVectors.load(saved)
    assert vectors.dimensions == 8
    near = run("similar", saved, "cat", "--count", "3")
    wanted = [word for word, _ in vectors.nearest("cat", 3)]
    assert [line.split()[0] for line in near.stdout.splitlines()[1:]] == wanted
    told = run("describe", saved).stdout
    assert f"words     {len(vectors)}: drinks" in told
    assert json.loads(run("describe", saved, "--json").stdout)["dimensions"] == 8
    assert "`pullback similar` asks" in run("predict", saved, place / "a.txt").message


def test_json(place, monkeypatch):
    monkeypatch.setattr(words_report, "_FREQUENT", 1.0)  # of so few words, each is frequent
    done = run("embed", "words", place / "a.txt", *FEW, "--json", "--lines", "--evaluate",
               place / "pairs.csv", "--evaluate", place / "questions.txt",
               "--watch", "cat")  # fmt: skip
    told = json.loads(done.stdout)
    assert told["words"] == len(set(TEXT.lower().replace(".", "").replace(";", "").split()))
    assert [row["epoch"] for row in told["history"]] == [1, 2]
    assert told["similarities"]["pairs.csv"]["asked"] == 3
    assert told["analogies"]["questions.txt"] == {
        "accuracy": pytest.approx(told["analogies"]["questions.txt"]["accuracy"]),
        "asked": 1,
    }
    assert told["saved"] is None
    assert len(told["nearest"]) == 5
    assert all(len(near) == 6 and word not in near for word, near in told["nearest"].items())
    movers = told["watched"]["cat"]
    assert [m["distance"] for m in movers] == sorted((m["distance"] for m in movers), reverse=True)
    assert "drinks" in {m["word"] for m in movers if m["near"]}


def test_what_was_learned_until_ctrl_c_is_saved_and_told(place, monkeypatch):
    def cut_short(self, *arguments, **more):
        vectors = whole(self, *arguments, **more)
        self.history.ended = "interrupted in epoch 2"
        return vectors

    whole = Word2Vec.fit
    monkeypatch.setattr(Word2Vec, "fit", cut_short)
    done = run("embed", "words", place / "a.txt", "--save", place / "cut.bin", *FEW)
    assert done.returncode == 130
    assert "interrupted in epoch 2" in done.stdout
    assert len(WordVectors.load(place / "cut.bin")) > 2


def test_ctrl_c_before_anything_was_learned_is_told(place, monkeypatch):
    def pressed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Word2Vec, "fit", pressed)
    done = run("embed", "words", place / "a.txt", "--save", place / "none.bin", *FEW)
    assert done.returncode == 130
    assert "interrupted before anything was learned; nothing is saved" in done.message
    assert not (place / "none.bin").exists()


def test_without_pairs_it_is_said_how_to_keep_them(tmp_path):
    (tmp_path / "tiny.txt").write_text("hello world\n")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        done = run("embed", "words", tmp_path / "tiny.txt", "--min-count", "1", "--json")
    assert done.returncode == 2
    assert "note: --sample 0.001 drops frequent words" in done.message
    assert "no pairs of words were left" in done.message
    assert "--sample 0 keeps all" in done.message
    assert "nan" not in done.stdout


def test_a_pass_without_pairs_has_no_loss_in_json(place, monkeypatch):
    def lacking(self, *arguments, **more):
        vectors = whole(self, *arguments, **more)
        self.history.rows[0].update(pairs=0.0, loss=float("nan"))
        return vectors

    whole = Word2Vec.fit
    monkeypatch.setattr(Word2Vec, "fit", lacking)
    told = json.loads(run("embed", "words", place / "a.txt", *FEW, "--json").stdout)
    assert told["history"][0]["loss"] is None
    assert told["history"][1]["loss"] > 0
    assert "nan" not in run("embed", "words", place / "a.txt", *FEW).stdout


def test_subwords_make_vectors_of_unseen_words(place):
    saved = place / "s.safetensors"
    how = ("--subwords", "2-3", "--architecture", "cbow")
    assert run("embed", "words", place / "a.txt", "--save", saved, *FEW, *how).returncode == 0
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        unseen, other_case = run("similar", saved, "kitten"), run("similar", saved, "Cat")
        seen = run("similar", saved, "cat")
    assert "near kitten" in unseen.stdout
    assert "'kitten' itself is not among those of the vectors" in unseen.message
    assert "made of n-grams; 'cat' is there" in other_case.message
    assert not seen.message


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.txt"], "missing.txt is no file"),
        (["."], "is a folder"),
        (["iris"], "iris holds no plain text"),
        (["shakespeare", "a.txt"], "give it alone"),
        (["a.txt", "--save", "v.foo"], "tells no format by its ending"),
        (["a.txt", "--save", "missing/v.bin"], "no folder"),
        (["a.txt", "--save", "a.txt"], "is read"),
        (["a.txt", "--evaluate", "missing.csv"], "cannot read"),
        (["a.txt", "--evaluate", "a.txt"], "no line of four words"),
        (["a.txt", "--subwords", "3"], "as 3-6"),
        (["a.txt", "--phrases", "-1"], "--phrases"),
        (["a.txt", "--figure", "x.png"], "--watch"),
        (["a.txt", "--figure", "x.txt", "--watch", "cat"], "name it x.png"),
        (["a.txt", "--loss", "hinge"], "negative sampling"),
        (["a.txt", "--loss", "hs"], "did you mean 'hierarchical softmax'?"),
        (["a.txt", "--architecture", "sg"], "--architecture is 'skip-gram' or 'cbow', got 'sg'"),
        (["a.txt", "--min-count", "0"], "--min-count must be"),
        (["a.txt", "--evaluate", "novel.txt"], "novel.txt holds no questions: of 15 lines"),
        (["latin.txt"], "such as --encoding latin-1"),
        (["shakespear"], "did you mean the built-in set 'shakespeare'?"),
        (["hand.vec"], "is no text, but word vectors: `pullback similar`"),
        (["a.txt", "--min-count", "2", "--watch", "drink"], "did you mean 'drinks'?"),
        (["a.txt", "--min-count", "1000"], "--min-count 60 would keep"),
        (["a.txt", "--min-count", "2", "--watch", "zebra"], "zebra"),
    ],
)
def test_mistakes_before_training(arguments, said, place, monkeypatch):
    monkeypatch.chdir(place)
    done = run("embed", "words", *arguments)
    assert done.returncode == 2
    assert said in done.message


def test_questions(place):
    model = place / "hand.vec"
    near = run("similar", model, "king", columns=40).stdout.splitlines()
    assert near[0] == "near king"
    assert [line.split()[0] for line in near[1:]] == ["queen", "man", "woman", "tea"]
    assert "█" in near[1]
    assert "█" not in near[4]
    assert max(map(len, near)) <= 40
    assert (
        run("similar", model, "--analogy", "man", "king", "woman")
        .stdout.split("\n")[1]
        .startswith("queen")
    )
    assert "tea is the odd one out" in run("similar", model, "--odd", "king", "queen", "tea").stdout
    assert "their own cosine is 0.913" in run("similar", model, "king", "queen").stdout
    far = json.loads(run("similar", model, "--away-from", "tea", "--json", "--count", "1").stdout)
    assert far["asked"] == "far from tea"
    assert far["nearest"][0]["word"] == "man"
    odd = run("similar", model, "--odd", "king", "queen", "tea", "--json").stdout
    assert json.loads(odd) == {"asked": ["king", "queen", "tea"], "odd": "tea"}
    assert run("similar", model, "king", "--save", place / "k.svg").returncode == 0
    assert "<svg" in (place / "k.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.vec", "king"], "missing.vec: No such file"),
        (["a.txt", "king"], "begins neither with"),
        (["layers.safetensors", "king"], "no word vectors: it is layers alone"),
        (["hand.vec"], "Name a word"),
        (["hand.vec", "King"], "'king' is there"),
        (["hand.vec", "qeen"], "did you mean 'queen'?"),
        (["hand.vec", "coffee"], "--subwords 3-6"),
        (["hand.vec", "king", "--count", "-1"], "--count"),
        (["hand.vec", "king", "--count", "0"], "--count is a whole number from 1 on, got 0"),
        (["hand.vec", "king", "--save", "k.txt"], "name it k.png"),
        (["hand.vec", "king", "--save", "missing/k.png"], "no folder"),
        (["hand.vec", "king", "--analogy"], "three words"),
        (["hand.vec", "king", "tea", "--odd"], "three words or more"),
        (["hand.vec", "king", "man", "tea", "--odd", "--analogy"], "one at a time"),
        (["hand.vec", "a", "b", "c", "--odd", "--save", "k.png"], "--odd names one"),
        (["hand.vec", "a", "b", "c", "--odd", "--away-from", "d"], "by itself"),
        (["hand.vec", "king", "--away-from", "king"], "no direction"),
    ],
)
def test_mistakes_in_asking(arguments, said, place, monkeypatch):
    monkeypatch.chdir(place)
    model = pb.Sequential(pb.Dense(3))
    model(np.zeros((1, 2), np.float32))
    model.save("layers.safetensors")
    done = run("similar", *arguments)
    assert done.returncode == 2
    assert said in done.message

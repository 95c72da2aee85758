"""Answers to analogies and similarities: by hand, one at a time, and as gensim answers."""

import numpy as np
import pytest

from pullback import CircuitError
from pullback.words import WordVectors
from pullback.words.evaluation import Analogies, Similarities, analogies, evaluate, similarities

WORDS = [f"w{k}" for k in range(60)]


def some(words=WORDS, seed=0):
    matrix = np.random.default_rng(seed).normal(size=(len(words), 4)).astype(np.float32)
    return WordVectors(words, matrix)


def put(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def questions(tmp_path):
    """Random ones, of which every third has the right answer, some unknown words and odd lines."""
    vectors, rng = some(), np.random.default_rng(1)
    lines = []
    for name in ("one", "two", "three"):
        lines.append(f": {name}")
        for k in range(40):
            a, b, c, d = (f"w{j}" for j in rng.choice(70, 4, replace=False))
            if k % 3 == 0 and all(word in vectors for word in (a, b, c)):
                d = vectors.analogy(a, b, c, 1)[0][0]
            lines.append(f"{a} {b.upper()} {c}  {d}")
    lines += ["", "three words only", ": empty"]
    return put(tmp_path / "questions.txt", "\n".join(lines))


@pytest.fixture
def pairs(tmp_path):
    rng = np.random.default_rng(2)
    rows = [f"w{a}\tW{b}\t{x:.2f}" for a, b, x in rng.integers(0, 70, size=(80, 3))]
    return put(
        tmp_path / "pairs.tsv", "\n".join(["# a comment", "one\ttwo\tmean", *rows, *rows[:5]])
    )


@pytest.mark.parametrize("among", [300_000, 60, 31, 0])
def test_analogies_are_those_asked_one_at_a_time(questions, among):
    vectors = some()
    found = analogies(vectors, questions, among=among)
    known = set(WORDS[:among])
    right, asked, total = {}, {}, {}
    for line in questions.read_text().lower().splitlines():
        words = line.split()
        if line.startswith(":"):
            name = line[2:]
            right[name] = asked[name] = total[name] = 0
        elif len(words) == 4:
            total[name] += 1
            if known.issuperset(words):
                asked[name] += 1
                answer = vectors.analogy(*words[:3], 1, among=among)[0][0]
                right[name] += answer == words[3]
    assert [(s.name, s.right, s.asked, s.total) for s in found.sections] == [
        (name, right[name], asked[name], total[name]) for name in total
    ]
    assert found.total.right == sum(right.values())
    assert found.accuracy == (found.total.right / found.total.asked if among else None)
    assert found.notes == ("of another form than four words: line 125",)
    for wrong in found.total.wrong:
        assert vectors.analogy(wrong.a, wrong.b, wrong.c, 1, among=among)[0][0] == wrong.answer
    assert len(found.total.wrong) == found.total.asked - found.total.right


def test_the_same_word_in_another_case_is_no_answer(tmp_path):
    words = ["man", "king", "woman", "queen", "tea", "WOMAN"]
    matrix = np.array([[1, 0, 0], [0.6, 0, 0.8], [0.6, 0.8, 0], [0, 1, 1], [9, 1, 1], [0, 0, 0]])
    matrix[5] = matrix[1] - matrix[0] + matrix[2]  # just what is looked for
    path = put(tmp_path / "q.txt", ": s\nman king woman queen\n")
    assert analogies(WordVectors(words, matrix), path, any_case=True).total.right == 1
    found = analogies(WordVectors(words, matrix), path)  # words in both cases: they are different
    assert [wrong.answer for wrong in found.total.wrong] == ["WOMAN"]


def test_similarities_by_hand(tmp_path):
    vectors = WordVectors("abcd", [[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [-1.0, 0.2]])
    text = "word1,word2,score\na,b,9\na,c,2\nA,d,0.5\nb,c,9.5\na,unseen,3\n"
    found = similarities(vectors, put(tmp_path / "s.csv", text))
    cosines = [vectors.similarity(*pair) for pair in ("ab", "ac", "ad", "bc")]
    assert found.pearson == pytest.approx(np.corrcoef([9, 2, 0.5, 9.5], cosines)[0, 1])
    ranks = np.argsort(np.argsort([9, 2, 0.5, 9.5])), [2.5, 1, 0, 2.5]
    assert found.spearman == pytest.approx(np.corrcoef(ranks[0], ranks[1])[0, 1], abs=1e-6)
    assert (found.asked, found.total, found.notes) == (4, 5, ())


@pytest.mark.parametrize(
    "text",
    [
        "w1\tw2\t3\nw3\tw4\t5\nw5\tw6\t1\n",
        "w1,w2,3\nw3,w4,5\nw5,w6,1",
        "w1;w2;3\nw3;w4;5\n\nw5;w6;1",
        "w1 w2 3\r\nw3 w4 5\r\nw5 w6 1\r\n",
        "\ufeffw1, w2, 3\nw3, w4, 5\nw5, w6, 1",
        "word1\tword2\tPOS\tSimLex999\tmore\nw1\tw2\tA\t3\t7\nw3\tw4\tN\t5\t8\nw5\tw6\tV\t1\t2\n",
    ],
)
def test_forms_of_similarity_files(text, tmp_path):
    found = evaluate(some(), put(tmp_path / "s.txt", text))
    assert isinstance(found, Similarities)
    plain = similarities(some(), put(tmp_path / "p.tsv", "w1\tw2\t3\nw3\tw4\t5\nw5\tw6\t1\n"))
    assert (found.pearson, found.spearman, found.asked) == (plain.pearson, plain.spearman, 3)


def test_nothing_that_can_be_asked_is_no_number(tmp_path):
    found = evaluate(some(), put(tmp_path / "s.tsv", "cat\tdog\t3\nw1\tw2\t7\n"))
    assert (found.pearson, found.spearman, found.asked) == (None, None, 1)
    assert "Spearman –" in str(found)
    same = evaluate(some(), put(tmp_path / "s.tsv", "w3\tw4\t7\nw1\tw2\t7\n"))
    assert (same.pearson, same.spearman) == (None, None)
    found = evaluate(some(), put(tmp_path / "q.txt", "a b c d\n"))
    assert isinstance(found, Analogies)
    assert found.accuracy is None
    assert str(found).splitlines()[2].split() == ["(no", "section)", "–", "0", "1"]
    zero = WordVectors(["w1", "w2", "w3", "w4"], np.zeros((4, 2)))
    assert similarities(zero, put(tmp_path / "s.tsv", "w3\tw4\t7\nw1\tw2\t5\n")).pearson is None


@pytest.mark.parametrize("ask", [analogies, similarities, evaluate])
def test_mistakes(ask, tmp_path):
    for text in ("", "# only this\n", "one\n", ": a section\n"):
        with pytest.raises(CircuitError, match="has no line of"):
            ask(some(), put(tmp_path / "f.txt", text))
    with pytest.raises(CircuitError, match="No such file"):
        ask(some(), tmp_path / "missing.txt")
    (tmp_path / "f.txt").write_bytes(b"\xff\xfe\x00 a b c")
    with pytest.raises(CircuitError, match="no text"):
        ask(some(), tmp_path / "f.txt")


@pytest.mark.parametrize("ask", [analogies, similarities, evaluate])
def test_what_are_no_vectors_is_refused(ask, tmp_path):
    file = put(tmp_path / "f.txt", "a b c d\n" if ask is not similarities else "a,b,7\n")
    with pytest.raises(CircuitError, match="what is judged are WordVectors"):
        ask("all.safetensors", file)


def test_a_novel_is_no_file_of_questions(tmp_path):
    novel = "It was a long and dark night.\n" * 4 + "so, then, 1851\n" + "a b c d\n"
    with pytest.raises(CircuitError, match="holds no questions: of 6 lines, 1 have four words"):
        evaluate(some(), put(tmp_path / "f.txt", novel))


def of_gensim(vectors, tmp_path):
    models = pytest.importorskip("gensim.models")
    vectors.save(tmp_path / "v.bin")
    return models.KeyedVectors.load_word2vec_format(str(tmp_path / "v.bin"), binary=True)


@pytest.mark.parametrize("words", [WORDS, [*WORDS[:50], *(w.upper() for w in WORDS[:10])]])
@pytest.mark.parametrize("among", [300_000, 55])
def test_as_gensim(words, among, questions, pairs, tmp_path):
    vectors = some(words)
    peer = of_gensim(vectors, tmp_path)
    accuracy, sections = peer.evaluate_word_analogies(str(questions), restrict_vocab=among)
    found = analogies(vectors, questions, among=among, any_case=True)
    assert found.accuracy == pytest.approx(accuracy)
    assert [(s.name, s.right, s.asked - s.right) for s in found.sections] == [
        (s["section"], len(s["correct"]), len(s["incorrect"])) for s in sections[:-1]
    ]
    pearson, spearman, unknown = peer.evaluate_word_pairs(str(pairs), restrict_vocab=among)
    found = similarities(vectors, pairs, among=among, any_case=True)
    assert found.pearson == pytest.approx(pearson.statistic, abs=1e-6)
    assert found.spearman == pytest.approx(spearman.statistic, abs=1e-6)
    assert 1.0 - found.asked / found.total == pytest.approx(unknown / 100.0)

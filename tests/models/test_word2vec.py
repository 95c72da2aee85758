"""The circuits of Word2Vec: gradients, and a step written from the papers' formulas."""

import numpy as np
import pytest

import pullback as pb
from pullback.models.word2vec import hierarchical_softmax, mean_of, negative_sampling
from pullback.words.settings import Settings
from pullback.words.step import Tables, recorded
from pullback.words.subwords import Subwords
from pullback.words.tree import huffman

V, D, WINDOW, K = 7, 3, 2, 2
RATE = 0.3
B, G = 2, 3


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def settings(architecture="skip-gram", loss="negative sampling", subwords=None):
    return Settings(
        D, WINDOW, 1, None, K, 0.0, architecture, loss, subwords, RATE, 1, 0, None, "eager", ()
    )


def drawn(seed=0):
    """Tables, and a batch with gaps, a window without a centre, and noise that is a word itself."""
    rng = np.random.default_rng(seed)
    centre = rng.integers(0, V, (B, G))
    context = rng.integers(-1, V, (B, G, 2 * WINDOW))
    noise = rng.integers(0, V, (B, G * K))
    context[0, 0] = [1, -1, -1, 1]
    noise[0, 0] = 1
    centre[1, 2], context[1, 2] = -1, -1
    return rng.normal(size=(V, D)), rng.normal(size=(V, D)), centre, context, noise


def test_gradients_are_those_of_numbers():
    a, b, centre, context, noise = drawn()
    tables = {"inputs": pb.Unit(a, "inputs"), "outputs": pb.Unit(b, "outputs")}
    hidden = pb.take(tables["inputs"], centre)
    found = negative_sampling(hidden, tables["outputs"], context, noise, K)
    assert pb.check_gradients(found.loss)
    there = (context >= 0).astype(float)
    words = pb.take(tables["inputs"], context)
    hidden = mean_of(words, pb.Unit(there))
    found = negative_sampling(hidden, tables["outputs"], centre[..., None], noise, K)
    assert pb.check_gradients(found.loss)
    tree = huffman(np.arange(V, 0, -1))
    path, turns = tree.path[centre], tree.turns[centre].astype(float)
    found = hierarchical_softmax(words, tables["outputs"], path, turns, pb.Unit(there))
    assert pb.check_gradients(found.loss)


def stepped(how, tables, given):
    """The tables and the loss after a step of the library."""
    step = recorded(how, tables, (B, G), {})
    told = {name: given[name] for name in step.program.inputs}
    numbers = pb.prepare("eager", step.program)(**told)
    return step.inputs.value, step.outputs.value, numbers["loss"], numbers["pairs"]


def compared(how, tables, given, wanted):
    for found, right in zip(stepped(how, tables, given), wanted, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-9, atol=1e-12)


def windows(given):
    """Each centre, the words around it, and the noise of its group."""
    for group in range(B):
        for k in range(G):
            centre = given["centre"][group, k]
            context = [c for c in given["context"][group, k] if c >= 0]
            if centre >= 0 and context:
                yield centre, context, given["noise"][group]


def as_given(centre, context, noise):
    return {"centre": centre, "context": context, "noise": noise}


def against_noise(h, word, noise, b):
    """Loss of a word against noise, and its gradients by h and by the output vectors."""
    db, share = np.zeros_like(b), K / len(noise)
    loss, force = np.log1p(np.exp(-h @ b[word])), sigmoid(h @ b[word]) - 1.0
    dh = force * b[word]
    db[word] += force * h
    for z in noise:
        if z != word:
            loss += share * np.log1p(np.exp(h @ b[z]))
            force = share * sigmoid(h @ b[z])
            dh = dh + force * b[z]
            db[z] += force * h
    return loss, dh, db


def down_the_tree(h, word, tree, b):
    db, dh, loss = np.zeros_like(b), np.zeros_like(h), 0.0
    for node, turn in zip(tree.path[word], tree.turns[word], strict=True):
        if turn:
            loss += np.log1p(np.exp(-turn * (h @ b[node])))
            force = -turn * sigmoid(-turn * (h @ b[node]))
            dh = dh + force * b[node]
            db[node] += force * h
    return loss, dh, db


@pytest.mark.parametrize("loss", ["negative sampling", "hierarchical softmax"])
@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
@pytest.mark.parametrize("parts", [False, True])
def test_a_step_is_that_of_the_formulas(architecture, loss, parts):
    a, b, *batch = drawn()
    given = as_given(*batch)
    made_of = [[k] for k in range(V)]
    tables = Tables(a, b)
    if parts:  # word k is the mean of its own row and of some that it shares
        a = np.random.default_rng(1).normal(size=(V + 3, D))
        made_of = [[k, *(V + np.arange(k % 3))] for k in range(V)]
        filled = [[*rows, *[-1] * (3 - len(rows))] for rows in made_of]
        tables = Tables(a, b, np.array(filled))
    if loss == "hierarchical softmax":
        tree = huffman(np.arange(V, 0, -1))
        tables = Tables(a, b[: V - 1], tables.parts, tree)
        b = b[: V - 1]
    vectors = np.array([a[rows].mean(axis=0) for rows in made_of])
    da, db, total, pairs = np.zeros_like(a), np.zeros_like(b), 0.0, 0
    for centre, context, noise in windows(given):
        if architecture == "cbow":
            told = [(context, centre)]
        elif loss == "negative sampling":
            told = [([centre], word) for word in context]
        else:  # in a tree, words around the centre each tell it
            told = [([word], centre) for word in context]
        for by, word in told:
            h = vectors[by].mean(axis=0)
            if loss == "negative sampling":
                cost, dh, more = against_noise(h, word, noise, b)
            else:
                cost, dh, more = down_the_tree(h, word, tree, b)
            total, pairs, db = total + cost, pairs + 1, db + more
            for one in by:
                for row in made_of[one]:
                    da[row] += dh / len(by) / len(made_of[one])
    how = settings(architecture, loss, Subwords() if parts else None)
    compared(how, tables, given, (a - RATE * da, b - RATE * db, total, pairs))


def test_noise_that_is_shared_has_the_expectation_of_noise_that_is_drawn_for_each_pair():
    a, b, centre, context, _ = drawn()
    chances = np.arange(1, V + 1) / 28
    rng = np.random.default_rng(0)
    shared = np.mean(
        [
            negative_sampling(a[centre], b, context, rng.choice(V, (B, 6), p=chances), K).loss
            for _ in range(400)
        ]
    )
    exact = 0.0
    for group in range(B):
        for h, words in zip(a[centre[group]], context[group], strict=True):
            for w in words[words >= 0]:
                other = chances * (np.arange(V) != w)
                exact += np.log1p(np.exp(-h @ b[w])) + K * other @ np.log1p(np.exp(b @ h))
    assert shared == pytest.approx(exact, rel=0.02)


def test_the_circuit_of_one_pair_can_be_drawn_and_read():
    a, b = pb.Unit(np.ones((4, 2)), "inputs"), pb.Unit(np.ones((4, 2)), "outputs")
    centre, context, noise = (
        pb.Unit(np.array(value), name)
        for value, name in (([[0]], "centre"), ([[[1]]], "context"), ([[2, 3]], "noise"))
    )
    loss = negative_sampling(pb.take(a, centre), b, context, noise, 2).loss
    picture = pb.draw(loss)._repr_svg_()
    for name in ("centre", "context", "noise", "inputs", "outputs"):
        assert f">{name}<" in picture
    assert loss.value == pytest.approx(np.log1p(np.exp(-2.0)) + 2 * np.log1p(np.exp(2.0)))

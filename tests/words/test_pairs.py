"""Windows against what a plain loop over the text makes of the same draws."""

import numpy as np
import pytest

from pullback.words.pairs import NONE, Noise, WindowMaker, Windows
from pullback.words.vocabulary import END, UNKNOWN


def plain(rows, keep, window, rng):
    """The same windows, word by word."""
    rng = np.random.default_rng(rng)
    sentences, here = [], []
    for row in rows:
        if row == END:
            sentences.append(here)
            here = []
        elif row != UNKNOWN:
            here.append(row)
    sentences.append(here)
    words = [row for sentence in sentences for row in sentence]
    kept = iter((rng.random(len(words), np.float32) < keep[np.array(words, int)]).tolist())
    sentences = [[row for row in sentence if next(kept)] for sentence in sentences]
    reach = iter(rng.integers(1, window + 1, sum(map(len, sentences))).tolist())
    found = []
    for sentence in sentences:
        for at, centre in enumerate(sentence):
            b = next(reach)
            around = [
                sentence[j] if j != at and 0 <= j < len(sentence) and abs(j - at) <= b else NONE
                for j in range(at - window, at + window + 1)
                if j != at
            ]
            if set(around) != {NONE}:
                found.append((centre, around))
    return found


@pytest.mark.parametrize("window", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 501])
def test_windows_are_those_of_a_plain_loop(window, count):
    rng = np.random.default_rng([window, count])
    rows = rng.choice(9, count)
    rows[rng.random(count) < 0.1] = END
    rows[rng.random(count) < 0.1] = UNKNOWN
    keep = rng.uniform(0.3, 1.0, 9)
    maker = WindowMaker(keep, Noise.of(np.ones(9) / 9), window, 3)
    windows = maker(rows, np.random.default_rng(5))
    wanted = plain(rows.tolist(), keep, window, 5)
    assert windows.centre.tolist() == [centre for centre, _ in wanted]
    assert windows.context.tolist() == [around for _, around in wanted]
    assert windows.noise.shape == (len(wanted), 3)
    assert windows.pairs == sum(row != NONE for _, around in wanted for row in around)


@pytest.mark.parametrize("window", [10, 11, 25])
def test_wide_windows_are_parted_and_nothing_is_lost(window):
    rows = np.random.default_rng(window).choice(9, 400)
    rows[::37] = END
    whole, parted = (
        WindowMaker(np.ones(9), Noise.of(np.ones(9) / 9), window, 3, parted=parted)(
            rows, np.random.default_rng(5)
        )
        for parted in (False, True)
    )
    assert whole.context.shape[1] == 2 * window
    assert parted.context.shape[1] == 20
    assert len(parted.noise) == len(parted)

    def pairs(windows):
        at = np.nonzero(windows.context != NONE)
        return sorted(zip(windows.centre[at[0]], windows.context[at], strict=True))

    assert pairs(parted) == pairs(whole)
    assert parted.context[:, 10].max() >= 0  # the nearest words stand in the middle
    first = parted[: len(whole)]
    assert np.array_equal(first.context[:, 9:11], whole.context[:, window - 1 : window + 1])


def test_there_is_no_more_room_than_the_longest_sentence_needs():
    rows = np.array([0, 1, 2, END, 3, 0, END])
    noise = Noise.of(np.ones(4) / 4)
    wide, narrow = (
        WindowMaker(np.ones(4), noise, 50, 1, longest)(rows, np.random.default_rng(0))
        for longest in (1001, 3)
    )
    assert wide.context.shape == (5, 100)
    assert np.array_equal(wide.context[:, 48:52], narrow.context)
    assert WindowMaker(np.ones(4), noise, 10**6, 1).width == 1000


def test_near_words_stand_in_more_windows():
    maker = WindowMaker(np.ones(2), Noise.of(np.ones(2) / 2), 4, 1)
    context = maker(np.zeros(20_000, int), np.random.default_rng(0)).context
    share = (context != NONE).mean(axis=0)
    wanted = [0.25, 0.5, 0.75, 1.0]
    np.testing.assert_allclose(share, wanted + wanted[::-1], atol=0.02)


def test_noise_has_the_chances_that_it_should():
    chances = np.array([0.5, 0.0, 0.3, 0.15, 0.05])
    drawn = Noise.of(chances).draw(np.random.default_rng(0), (40_000, 2))
    found = np.bincount(drawn.ravel(), minlength=5) / drawn.size
    np.testing.assert_allclose(found, chances, atol=0.006)
    assert found[1] == 0.0
    assert set(Noise.of(np.array([1.0])).draw(np.random.default_rng(0), (9,))) == {0}


def test_windows_are_put_together_and_filled_up():
    some = Windows(np.arange(3), np.arange(6).reshape(3, 2), np.arange(9).reshape(3, 3))
    both = some[2:].then(some[:1])
    assert both.centre.tolist() == [2, 0]
    full = both.padded(4)
    assert full.centre.tolist() == [2, 0, NONE, NONE]
    assert full.pairs == both.pairs == 4
    assert full.noise.tolist() == [*both.noise.tolist()] * 2

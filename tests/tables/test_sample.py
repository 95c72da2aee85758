"""What is found out of a column does not hang on which of its rows stand where."""

import numpy as np
import pandas as pd
import pytest

from pullback.tables.columns import understand_table
from pullback.tables.habits import Habits
from pullback.tables.sample import sample

ROWS = 20_000


def understood(seed=None, **columns):
    """The columns of a table, its rows in another order if a seed is given."""
    frame = pd.DataFrame(columns, dtype=object)
    if seed is not None:
        frame = frame.sample(frac=1.0, random_state=seed, ignore_index=True)
    return understand_table(frame)[0]


@pytest.mark.parametrize(
    ("write", "stray", "kind", "spelling"),
    [
        (lambda i: f"{1000 + i:,}", "n.v.", "number", "thousands commas"),
        (lambda i: f"{i / 7:.3f}%", "unknown", "number", "plain with %"),
        (lambda i: f"{i},{i % 83 + 10}", "n.v.", "number", "decimal commas"),
        (
            lambda i: f"{i % 28 + 1:02}.{i // 28 % 12 + 1:02}.{1900 + i // 336}",
            "unknown",
            "date",
            "%d.%m.%Y",
        ),
    ],
)
def test_a_common_stray_does_not_outvote_the_many_different_texts(write, stray, kind, spelling):
    cells = [write(i) for i in range(ROWS)]
    for k in [0, *np.random.default_rng(0).permutation(ROWS)[:800]]:
        cells[k] = stray
    (column,) = understood(c=cells)
    assert (column.kind, column.spelling, column.gaps) == (kind, spelling, (stray,))


@pytest.mark.parametrize("period", [2, 3, 5, 7])
def test_periods_of_the_rows_do_not_hide_how_numbers_are_written(period):
    rows = range(5000)
    prices = ["n.v." if i % period == 0 else f"{i % 90},{10 + i % 83}" for i in rows]
    areas = [f"{1 + i % 9},{(i * 7) % 1000:03}" for i in rows]
    habits = Habits.of(pd.DataFrame({"price": prices, "area": areas}), separator="\t")
    assert (habits.decimal, habits.sure) == (",", True)
    price, area = understood(price=prices, area=areas)
    assert (price.spelling, area.spelling) == ("decimal commas", "decimal commas")
    assert area.note.endswith("written with decimal commas")


def test_the_order_of_rows_changes_nothing():
    rng = np.random.default_rng(1)
    columns = {
        "few": rng.choice(["yes", "Yes", "no", "NA", "?", ""], 3000),
        "doubtful": [f"{1 + i % 9}.{i % 1000:03}" for i in range(3000)],
        "commas": [("-", "x", "(1,5)", "1,5-", f"{i},25")[i % 5] for i in range(3000)],
        "days": [f"{i % 28 + 1}/{i % 12 + 1}/2024" if i % 50 else "unknown" for i in range(3000)],
        "prose": [f"text {i % 1700}" for i in range(3000)],
        "kinds": rng.choice(["NA", "EU", "AS", "-", "none"], 3000),
    }
    plain = understood(**columns)
    assert [column.kind for column in plain].count("ignore") == 1
    for seed in range(3):
        assert understood(seed, **columns) == plain


def test_a_sample_stands_for_all_cells_and_has_the_most_common():
    texts = [f"t{k}" for k in range(5000)]
    counts = np.arange(5000) % 7 + 1
    counts[1234] = 900
    places, cells = sample(texts, counts)
    assert len(set(places)) == len(places) < 1000
    assert cells.sum() == pytest.approx(counts.sum())
    assert cells[places.tolist().index(1234)] == 900
    turned, _ = sample(texts[::-1], counts[::-1])
    assert {texts[::-1][k] for k in turned} == {texts[k] for k in places}


def test_a_sample_of_few_is_all_and_of_none_is_none():
    assert [x.tolist() for x in sample([], np.array([]))] == [[], []]
    assert [x.tolist() for x in sample(["a"], np.array([3]))] == [[0], [3.0]]

"""CSV files as people, spreadsheets and accidents write them: a strategy for their bytes."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable

from hypothesis import strategies as st

NAMES = (
    *("x", "y", "age", "id", "target", "class", "Größe", "名前", "a b", " spaced ", "two\nlines"),
    *('qu"ote', "semi;colon", "comma,", "tab\tbed", "x", "", "1", "3.5", "-", "NA", "=A1", "😀"),
)
GAPS = ("", "NA", "n/a", "null", "?", "-", " ", "nan")

Cell = Callable[[random.Random, int], str]
COLUMNS: dict[str, Cell] = {
    "whole": lambda r, k: str(r.randint(-5, 90)),
    "running": lambda r, k: str(k),
    "decimal": lambda r, k: f"{r.gauss(0, 3):.4f}",
    "decimal comma": lambda r, k: f"{r.gauss(0, 3):.2f}".replace(".", ","),
    "thousands": lambda r, k: f"{r.randint(0, 10**7):,}",
    "percent": lambda r, k: f"{r.random():.1%}",
    "huge": lambda r, k: r.choice(["1e308", "-1e308", "1e999", "inf", "-Infinity", "1e-320", "3"]),
    "outlier": lambda r, k: "1e99" if k == 3 else f"{r.gauss(0, 1):.3f}",
    "tiny": lambda r, k: f"{r.gauss(0, 1):.3f}e-310",
    "yes": lambda r, k: r.choice(["yes", "no", "Yes"]),
    "truth": lambda r, k: r.choice(["TRUE", "FALSE"]),
    "colour": lambda r, k: r.choice(["red", "green", "blue", "dark blue"]),
    "name": lambda r, k: f"Zoë {k} {r.randint(0, 999)}",
    "prose": lambda r, k: " ".join(r.choices(["the", "cat,", 'sat "on"', "a;", "mat\n"], k=9)),
    "constant": lambda r, k: "same",
    "blank": lambda r, k: r.choice(GAPS),
    "iso date": lambda r, k: f"20{r.randint(10, 24)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}",
    "time": lambda r, k: f"2024-01-{r.randint(1, 28):02}T{r.randint(0, 23):02}:30:00+02:00",
    "slashed": lambda r, k: f"{r.randint(1, 28)}/{r.randint(1, 12)}/{r.randint(1990, 2030)}",
    "far date": lambda r, k: f"{r.choice([1, 1066, 9999]):04}-01-01",
    "mixed": lambda r, k: r.choice(["1", "2.5", "x", "2024-01-01", "yes", ""]),
    "stray": lambda r, k: "about 3" if k == 4 else str(r.randint(0, 9)),
    "odd": lambda r, k: r.choice(
        ["1_000", "0x1F", "１２", "--5", "1e", "١٢", "today", "\u2028", "'"]
    ),
}


@st.composite
def csv_files(draw: st.DrawFn) -> bytes:
    """The bytes of a file; many hold a table to learn from, many more than one mistake."""
    r = random.Random(draw(st.integers(0, 2**32)))
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=6))
    kinds += draw(st.sampled_from([["colour"], ["yes"], ["decimal"], ["whole"], []]))
    count = draw(st.sampled_from([60, 41, 30, 12, 3, 0]))
    header = draw(st.sampled_from(["plain", "plain", "odd", "none"]))
    gaps = draw(st.sampled_from([0.0, 0.05, 0.5]))
    rows = [
        [r.choice(GAPS) if r.random() < gaps else COLUMNS[kind](r, k) for kind in kinds]
        for k in range(count)
    ]
    if header != "none":
        plain = [f"{kind}{k}" for k, kind in enumerate(kinds)]
        rows.insert(0, plain if header == "plain" else [r.choice(NAMES) for _ in kinds])
    ragged = draw(st.sampled_from([*[""] * 6, "short", "long", "trailing"]))
    for row in rows[1:]:
        if ragged == "short" and r.random() < 0.2:
            row.pop()
        elif ragged == "long" and r.random() < 0.2:
            row.append(r.choice(["", "extra"]))
        elif ragged == "trailing":
            row.append("")
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter=draw(st.sampled_from(",;\t|")),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])),
        lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r"])),
    )
    blank = draw(st.booleans())
    for row in rows:
        writer.writerow(row)
        if blank and r.random() < 0.1:
            text.write("\n")
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"]))
    data = text.getvalue().encode(encoding, errors="replace")
    damage = draw(st.sampled_from([*[""] * 8, "cut", "junk", "quote"]))
    place = r.randrange(len(data) + 1)
    if damage == "cut":
        data = data[:place]
    elif damage:
        inserted = b'"' if damage == "quote" else draw(st.binary(max_size=8))
        data = data[:place] + inserted + data[place:]
    return data

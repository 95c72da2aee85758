"""Tables of known numbers and classes, written down in as many ways as people and programs do."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass, field

from hypothesis import strategies as st

GAPS = (
    *("", "", "NA", "n/a", "nan", "-nan", "#NA", "NULL", ".", "-", "*", "?", "None", "1.#QNAN"),
    *("#DIV/0!", "--", "\u2013"),
)
CLASSES = (
    *(("low", "mid", "high"), ("yes", "no"), ("007", "042", "100"), ("07", "7", "007")),
    *(("1E2", "1E3", "10E1"), ("NA", "EU", "AS"), ("None", "mild", "severe"), ("-", "+")),
    *(
        ("0", "1"),
        ("1", "2", "3"),
        ("A-", "A", "A+"),
        ("-1", "+1"),
        ("\u22121", "1"),
        ("1.0", "2.0"),
    ),
    *(("1,5", "2,5"), ("1.000", "2.000"), ("(1)", "(2)"), ("0x1", "0x2"), ("true", "false")),
)
SEPARATORS = (",", ";", "\t", "|", " ")
SIGNS = ("-", "\u2212", "\u2013", "(")
SPACES = (" ", "\u00a0", "\u202f", "\u2009", "'", "\u2019")
HEADERS = ("names", "names", "years", "numbers", "numbered rows", "unnamed rows", "R", "none")
ABOVE = ("", "", "", "comment", "comments", "title", "title alone", "padded title", "blank lines")


@dataclass(frozen=True)
class Written:
    """A file, and what was written into it.

    `numbers` holds each column of numbers by its place in the file, None being a gap; `classes` are
    the texts of the target, in column `target`. The rest is how it was written.
    """

    data: bytes
    numbers: dict[int, list[float | None]]
    classes: list[str]
    target: int
    separator: str
    decimal: str
    gap: str
    header: str
    how: dict[str, object] = field(default_factory=dict)


@st.composite
def written_tables(draw: st.DrawFn) -> Written:
    """A table of 2 to 4 columns of numbers and one of classes, written consistently."""
    r = random.Random(draw(st.integers(0, 2**32)))
    separator = draw(st.sampled_from(SEPARATORS))
    decimal = draw(st.sampled_from(".,"))
    grouping = draw(st.sampled_from(("", "", "mark", *SPACES)))
    groups = {"mark": "," if decimal == "." else "."}.get(grouping, grouping)
    sign = draw(st.sampled_from(SIGNS))
    gap, share = draw(st.sampled_from(GAPS)), draw(st.sampled_from((0.0, 0.05, 0.2)))
    names = draw(st.sampled_from(CLASSES))
    rows = draw(st.sampled_from((30, 47, 80)))
    columns, numbers = [], {}
    for _ in range(draw(st.integers(2, 4))):
        digits, size = (
            draw(st.sampled_from((0, 1, 2, 3, 3, -3))),
            draw(st.sampled_from((0.9, 9.0, 900.0, 9e4, 9e6))),
        )
        negative = draw(st.booleans())
        ending = draw(st.sampled_from(("", "", "", "%", " %")))
        values, cells = [], []
        for _ in range(rows):
            if r.random() < share:
                values.append(None)
                cells.append(gap)
                continue
            number, cell = written(r, size, digits, negative, decimal, groups, sign)
            values.append(number)
            cells.append(cell + ending if cell[-1] != ")" else cell[:-1] + ending + ")")
        numbers[len(columns)] = values
        columns.append(cells)
    classes = [r.choice(names) for _ in range(rows)]
    target = draw(st.sampled_from((len(columns), 0)))
    columns.insert(target, classes)
    numbers = {place + (place >= target): values for place, values in numbers.items()}
    header = draw(st.sampled_from(HEADERS))
    width = len(columns)
    top = {
        "years": [*map(str, range(2019, 2018 + width)), "class"],
        "numbers": list(map(str, range(width))),
        "numbered rows": ["", *map(str, range(width))],
        "none": None,
    }.get(header, [*("height", "Preis", "x1", "b")[: width - 1], "class"])
    if header == "unnamed rows":
        top = ["", *top]
    if header in ("numbered rows", "unnamed rows", "R"):
        columns.insert(0, [str(k + (header == "R")) for k in range(rows)])
        numbers = {place + 1: values for place, values in numbers.items()}
        target += 1
    table = [list(row) for row in zip(*columns, strict=True)]
    if top is not None:
        table.insert(0, top)
    how = {
        "quoting": draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))),
        "ending": draw(st.sampled_from(("\n", "\r\n", "\r"))),
        "above": draw(st.sampled_from(ABOVE)),
        "blank": draw(st.booleans()),
        "encoding": draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "cp1252"))),
        "groups": groups,
        "sign": sign,
    }
    data = in_bytes(r, table, separator, how)
    return Written(data, numbers, classes, target, separator, decimal, gap, header, how)


def written(
    r: random.Random,
    size: float,
    digits: int,
    negative: bool,
    decimal: str,
    groups: str,
    sign: str,
) -> tuple[float, str]:
    """A number, and its text; digits below 0 are the most there are, as programs write them."""
    size *= 10.0 ** -r.choice((0, 0, 0, 1, 2))
    plain = f"{r.uniform(size / 50, size):.{abs(digits)}f}"
    if digits < 0:
        plain = plain.rstrip("0").rstrip(".")
    number = float(plain)
    whole, _, rest = plain.partition(".")
    text = f"{int(whole):,}".replace(",", groups) + decimal * bool(rest) + rest
    if not negative or not number or r.random() < 0.5:
        return number, text
    return -number, f"({text})" if sign == "(" else sign + text


def in_bytes(
    r: random.Random, table: list[list[str]], separator: str, how: dict[str, object]
) -> bytes:
    """The table as the bytes of a file."""
    ending = str(how["ending"])
    lines = {
        "comment": ["# exported 2024"],
        "comments": ["# exported 2024, by hand", "#", "# in metres; in euros"],
        "title": ["Sales report 2024", ""],
        "title alone": ["Sales report of all the years up to 2024"],
        "padded title": [separator.join(["Report", *[""] * (len(table[1]) - 1)]), ""],
        "blank lines": ["", ""],
    }.get(str(how["above"]), [])
    if separator == " " and how["above"] == "padded title":
        lines = []
    for row in table:
        lines.append(in_line(r, row, separator, bool(how["quoting"])))
        if how["blank"] and r.random() < 0.05:
            lines.append("")
    text = ending.join(lines) + ending
    try:
        return text.encode(str(how["encoding"]))
    except UnicodeEncodeError:
        return text.encode()


def in_line(r: random.Random, row: list[str], separator: str, quote_all: bool) -> str:
    if separator != " ":
        text = io.StringIO()
        quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
        csv.writer(text, delimiter=separator, quoting=quoting, lineterminator="").writerow(row)
        return text.getvalue()
    cells = [f'"{cell}"' if quote_all or not cell or " " in cell else cell for cell in row]
    return " " * r.choice((0, 0, 2)) + "".join(c + " " * r.randint(1, 4) for c in cells).rstrip(" ")

"""Tables written in many ways are read as they were written, or say what was decided and how not.

What can be read in two ways, byte for byte, is right where a note says what was decided, and where
the option that it names gives the numbers and classes that were written.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from tests.tables.written_tables import Written, written_tables

import pullback as pb
from pullback.tables import ReadOptions, TableDataset, read_table
from pullback.tables.cells import Numbers
from pullback.tables.gaps import is_gap

OPTIONS = ("--decimal", "--gaps", "--header", "--separator", "--kind")


def all_told(table: Written) -> ReadOptions:
    """The options that leave nothing open."""
    gaps = () if table.gap in set(table.classes) else (table.gap,)
    return ReadOptions(table.separator, table.header != "none", table.decimal, gaps)


def read(path, table: Written, options: ReadOptions | None) -> TableDataset:
    """The file, as `read_dataset` reads it, with the target that was written."""
    found = read_table(path, options)
    names = list(found.frame)
    target = names[table.target] if table.target < len(names) else names[-1]
    data = TableDataset.from_frame(found.frame, target, "classification", habits=found.habits)
    return replace(data, notes=(*found.notes, *data.notes))


def faults(data: TableDataset, table: Written) -> list[tuple[str, str]]:
    """What was read otherwise than it was written, each with what the note on it must name."""
    names = [column.name for column in data.columns]
    names.insert(table.target, data.target.name)
    found = []
    if len(data) != len(table.classes):
        missing = len(table.classes) - len(data)
        option = "--gaps" if any(map(is_gap, set(table.classes))) else "--header"
        return [(f"{missing} rows are missing", option)]
    labels = [data.classes[k] for k in data.values]
    if labels != table.classes:
        found.append((f"classes {set(labels)} for {set(table.classes)}", "--gaps"))
    for place, values in table.numbers.items():
        wanted = np.array([np.nan if x is None else x for x in values])
        cells = data.found.get(names[place])
        if not isinstance(cells, Numbers):
            note = next(c.note for c in data.columns if c.name == names[place])
            if "every row has" not in note and "no cell has a value" not in note:
                named = "--header" if "tells rows apart" in note else "numbers but for"
                found.append((f"column {place} is {note}", named))
        elif not np.array_equal(cells.values, wanted, equal_nan=True):
            k = int(np.argmax(~np.isclose(cells.values, wanted, equal_nan=True, rtol=1e-15)))
            found.append((f"column {place}: {cells.values[k]} for {wanted[k]}", "--decimal"))
    return found


def checked(path, table: Written) -> str:
    """How a table was read: "right", "said" or "refused"; never silently wrong."""
    path.write_bytes(table.data)
    told = read(path, table, all_told(table))
    wrong = faults(told, table)
    assert not wrong, (wrong, told.notes)
    try:
        data = read(path, table, None)
    except pb.CircuitError as error:
        return "refused" if re.search("line|--", str(error)) else str(error)
    wrong = faults(data, table)
    said = " ".join([*data.notes, *(column.note for column in data.columns)])
    for what, option in wrong:
        assert option in said, (what, data.notes)
    return "said" if wrong else "right"


def test_tables_are_read_as_they_were_written_or_say_so(tmp_path):
    read_as = []

    @settings(
        max_examples=300,
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(written_tables())
    def check(table):
        read_as.append(checked(tmp_path / "table.csv", table))

    check()
    assert read_as.count("right") > 0.85 * len(read_as)
    assert read_as.count("refused") < 0.02 * len(read_as)
    assert set(read_as) <= {"right", "said", "refused"}

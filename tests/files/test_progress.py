"""The line of progress: on a terminal, and nowhere else."""

from __future__ import annotations

import io

from rich.console import Console

from pullback.files.progress import working


def test_progress_is_shown_where_a_person_looks_on():
    out = Console(file=io.StringIO(), force_terminal=True, width=80)
    with working("reading pictures", 4, console=out) as line:
        line.advance(1)
        line.expect(8)
    shown = out.file.getvalue()
    assert "reading pictures" in shown
    assert "1/8" in shown
    quiet = Console(file=io.StringIO(), width=80)
    with working("reading pictures", 4, console=quiet) as line:
        line.advance(1)
    assert quiet.file.getvalue() == ""

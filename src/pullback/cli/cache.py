"""`pullback cache`: the folder of compiled code, what it holds, and the end of it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.filesize import decimal

from pullback.core.text import counted
from pullback.engines.native import cache as compiled


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="delete the compiled code")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Show where compiled code is kept and how much it is, or delete it.

    With it goes what was measured of this machine, in a tenth of a second, to choose the shapes of
    its loops; PULLBACK_TUNE=0 makes that choice a fixed one. It is safe to delete: what is needed
    again is made again. PULLBACK_CACHE names another folder.
    """
    freed = compiled.clear() if clear else None
    held = compiled.contents()
    measured = compiled.measurements()
    used = None if held.used is None else datetime.fromtimestamp(held.used).astimezone()
    if as_json:
        summary = {
            "folder": str(compiled.folder()),
            "programs": held.programs,
            "loops": held.loops,
            "bytes": held.bytes,
            "measured": measured,
            "last_used": None if used is None else used.isoformat(timespec="seconds"),
        }
        print(json.dumps(summary if freed is None else {**summary, "freed_bytes": freed}))
        return
    out = Console(highlight=False)

    def show(text: str) -> None:
        out.print(text, markup=False, soft_wrap=True)

    show(f"folder     {compiled.folder()}")
    if freed is not None:
        show(f"freed      {decimal(freed)}")
    if held.bytes or freed is None:
        show(f"holds      {counted(held.programs, 'program')}, {counted(held.loops, 'loop')}")
        show(f"size       {decimal(held.bytes)}")
        for told in measured:
            pay = "pay" if told["half"] else "do not pay"
            rows = f"copies of panels pay from {told['packed']:,} rows on"
            show(f"measured   {rows}, half vectors {pay}")
        show(f"last used  {'never' if used is None else f'{used:%Y-%m-%d %H:%M}'}")

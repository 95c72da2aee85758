"""Out: what kind of processor this is, by which figures are kept apart."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2", "asimd": "NEON"}
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


@dataclass(frozen=True)
class Processor:
    """A processor as its system tells of it; None and "" are what it does not tell.

    Caches are in bytes: levels 1 and 2 of one core, level 3 as all share it.
    """

    name: str
    vector: str
    family: int | None
    model: int | None
    l1d: int | None
    l2: int | None
    l3: int | None
    cores: int

    @property
    def short(self) -> str:
        """Its name for a column."""
        name = re.sub(r"\((R|TM)\)|\b(Processor|CPU)\b|@.*", "", self.name, flags=re.IGNORECASE)
        number = "" if self.family is None else f"{self.family}/{self.model}"
        return " ".join([*name.split(), *filter(None, [number])])

    @property
    def slug(self) -> str:
        """Its name for a file."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.short} {self.vector}".lower()).strip("-")

    def __str__(self) -> str:
        caches = [
            f"{level} {_size(size)}"
            for level, size in (("L1d", self.l1d), ("L2", self.l2), ("L3", self.l3))
            if size
        ]
        number = [] if self.family is None else [f"family {self.family}, model {self.model}"]
        cores = f"{self.cores} core{'s' * (self.cores != 1)}"
        return ", ".join([self.name, *filter(None, [self.vector]), *number, *caches, cores])


def _size(size: int) -> str:
    return f"{size // 2**20} MiB" if size % 2**20 == 0 else f"{size // 2**10} KiB"


@cache
def this() -> Processor:
    """The processor that this process runs on."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    told = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    told = {key.strip(): value.strip() for key, value in told.items()}
    flags = told.get("flags", told.get("Features", "")).split()
    family, model = (int(told[key]) if key in told else None for key in ("cpu family", "model"))
    return Processor(
        name=told.get("model name") or platform.processor() or platform.machine(),
        vector=next((VECTORS[flag] for flag in VECTORS if flag in flags), ""),
        family=family,
        model=model,
        l1d=_cache(1),
        l2=_cache(2),
        l3=_cache(3),
        cores=os.cpu_count() or 1,
    )


def _cache(level: int) -> int | None:
    """The bytes of a cache for data."""
    for folder in CACHES.glob("index*"):
        kind, size = ((folder / part).read_text().strip() for part in ("type", "size"))
        if (folder / "level").read_text().strip() == str(level) and kind != "Instruction":
            return int(size.rstrip("K")) * 2**10
    return None

"""In: faults, each a change of a Setting that is well. Out: cases: what is ill, and what it has.

A fault is planted on several bases: tables, pictures and sequences, by turns mild and severe.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.faults.bases import BASES
from benchmarks.faults.setting import Setting

TUNE = range(2)
SCORED = range(1000, 1001)
"""Seeds: thresholds may be set by what the first draw, and the doctor is scored by the rest."""

LEAST = 0.05  # of what knowing nothing costs, that a fault must cost


@dataclass(frozen=True)
class Draw:
    """What chance says of a case, and whether the fault is severe."""

    rng: np.random.Generator
    severe: bool


Plant = Callable[[Setting, Draw], tuple[Setting, Setting]]


@dataclass(frozen=True)
class Fault:
    """Diseases, how they are planted, and where."""

    diseases: tuple[str, ...]
    plant: Plant
    on: tuple[str, ...]
    accepted: frozenset[str]
    instead: frozenset[str]


@dataclass(frozen=True)
class Case:
    """A Setting, the same without its fault, and what a doctor should say of it.

    `diseases` are to be found; each may be told by a name of `instead`, where the fault is as much
    the one as the other. `accepted` are consequences that a doctor may tell of too. A healthy
    control has no diseases, and is `ill` as it is `well`.
    """

    name: str
    diseases: tuple[str, ...]
    well: Setting
    ill: Setting
    accepted: frozenset[str] = frozenset()
    instead: frozenset[str] = frozenset()

    def harm(self, seeds: Sequence[int]) -> Harm:
        """What is reached with and without the fault, over seeds."""
        return Harm(
            [self.well.outcome(seed) for seed in seeds], [self.ill.outcome(seed) for seed in seeds]
        )


@dataclass(frozen=True)
class Harm:
    """The outcomes without and with a fault: (wrong answers, loss) for each seed."""

    well: list[tuple[float, float]]
    ill: list[tuple[float, float]]

    @property
    def wrong(self) -> tuple[float, float]:
        """The mean share of wrong answers, without and with it."""
        return float(np.mean(self.well, axis=0)[0]), float(np.mean(self.ill, axis=0)[0])

    @property
    def loss(self) -> tuple[float, float]:
        """The mean loss, without and with it."""
        return float(np.mean(self.well, axis=0)[1]), float(np.mean(self.ill, axis=0)[1])

    @property
    def hurts(self) -> bool:
        """Whether one of both is worse by more than chance, and by something that counts."""
        well, ill = np.array(self.well), np.array(self.ill)
        more = ill.mean(axis=0) - well.mean(axis=0)
        noise = np.zeros(2)
        if len(well) > 1:
            noise = np.sqrt((well.var(axis=0, ddof=1) + ill.var(axis=0, ddof=1)) / len(well))
        return bool((more > np.maximum(LEAST, 2.0 * noise)).any())


FAULTS: list[Fault] = []
CONTROLS: list[tuple[str, str, Callable[[Setting, Draw], Setting]]] = []


def fault(
    *diseases: str, on: Sequence[str], accepted: Sequence[str] = (), instead: Sequence[str] = ()
) -> Callable[[Plant], Plant]:
    """Register how to plant diseases on bases of these names: from a base, (well, ill)."""

    def register(plant: Plant) -> Plant:
        FAULTS.append(Fault(diseases, plant, tuple(on), frozenset(accepted), frozenset(instead)))
        return plant

    return register


def control(
    *on: str,
) -> Callable[[Callable[[Setting, Draw], Setting]], Callable[[Setting, Draw], Setting]]:
    """Register how to make a healthy net of bases of these names that looks odd."""

    def register(make: Callable[[Setting, Draw], Setting]) -> Callable[[Setting, Draw], Setting]:
        CONTROLS.extend((make.__name__.replace("_", " "), base, make) for base in on)
        return make

    return register


def planted(seeds: Sequence[int]) -> Iterator[Case]:
    """All that is ill, drawn by these seeds."""
    for seed in seeds:
        for known in FAULTS:
            for k, base in enumerate(known.on):
                severe = (k + seed) % 2 == 0
                told = f"{' and '.join(known.diseases)}, {known.plant.__name__}"
                name = f"{told}, {base}, {'severe' if severe else 'mild'}, {seed}"
                draw = Draw(_rng(name), severe)
                well, ill = known.plant(BASES[base](draw.rng), draw)
                yield Case(name, known.diseases, well, ill, known.accepted, known.instead)


def healthy(seeds: Sequence[int]) -> Iterator[Case]:
    """All that is well, drawn by these seeds."""
    for seed in seeds:
        for what, base, make in CONTROLS:
            name = f"healthy, {what}, {base}, {seed}"
            draw = Draw(_rng(name), False)
            setting = make(BASES[base](draw.rng), draw)
            yield Case(name, (), setting, setting)


def _rng(name: str) -> np.random.Generator:
    """Chance of its own for each case, so that one more changes no other."""
    return np.random.default_rng(zlib.crc32(name.encode()))

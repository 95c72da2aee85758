"""In: an examination. Out: what each disease that is known finds in it. One disease a file.

A disease reads measurements and answers findings. Which ones it may bring about is declared with
it, and a symptom is what any may bring: where both are found, a cure of the one is tried, and what
vanishes with it is a consequence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pullback.core.errors import CircuitError
from pullback.core.registry import Registry

if TYPE_CHECKING:
    from pullback.diagnosis.examination import Examination
    from pullback.diagnosis.finding import Finding

DISEASES: Registry[Disease] = Registry("disease")

ODD = (CircuitError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a net or data that nobody thought of may raise."""

Find = Callable[["Examination"], Iterable["Finding"]]


@dataclass(frozen=True)
class Disease:
    """A name, what finds it, and the names of what it may bring about.

    `find` asks the examination for what it needs, which is measured then, so that the order of the
    diseases is that of what they cost. Any other one may bring about a `symptom`.
    """

    name: str
    find: Find
    brings: frozenset[str] = frozenset()
    symptom: bool = False

    def may_bring(self, other: Disease) -> bool:
        """Whether it may be the cause of another one."""
        return other.name in self.brings or (other.symptom and not self.symptom)

    def found_in(self, examination: Examination) -> list[Finding]:
        """What is found; nothing, and why in `failed`, where the net or the data are too odd.

        One disease that cannot be looked for does not keep the doctor from the others.
        """
        try:
            return list(self.find(examination))
        except ODD as error:
            examination.failed[self.name] = f"{type(error).__name__}: {error!s:.200}"
            return []


def disease(
    name: str,
    *,
    brings: Iterable[str] = (),
    symptom: bool = False,
    among: Registry[Disease] = DISEASES,
) -> Callable[[Find], Find]:
    """Register a function of an `Examination` as what finds a disease."""

    def register(find: Find) -> Find:
        among.add(name, Disease(name, find, frozenset(brings), symptom))
        return find

    return register

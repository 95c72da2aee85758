"""Records become plain data, and are made of it again, field by field."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest

from pullback.core.errors import CircuitError
from pullback.core.plain import from_plain, to_plain


@dataclass(frozen=True)
class Inner:
    sizes: tuple[int, ...]
    said: bool = False


@dataclass(frozen=True)
class Outer:
    inner: Inner | None
    arrays: Mapping[str, np.ndarray]
    counts: Mapping[str, int]
    anything: object


OUTER = Outer(Inner((1, 2), True), {"x": np.zeros(2)}, {"a": 1}, [None, {"b": float("inf")}])


def test_a_record_comes_back():
    plain = to_plain(OUTER)
    assert plain["inner"] == {"sizes": [1, 2], "said": True}
    again = from_plain(Outer, plain)
    assert (again.inner, again.counts, again.anything) == (
        OUTER.inner,
        OUTER.counts,
        OUTER.anything,
    )
    np.testing.assert_array_equal(again.arrays["x"], np.zeros(2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inner": {"sizes": [1.0], "said": True}}, "Outer.inner.sizes is not of its type: it is"),
        ({"inner": {"sizes": [1], "said": 1}}, "Outer.inner.said is not of its type: it is int"),
        ({"inner": {"sizes": []}}, "Outer.inner needs exactly the fields sizes, said"),
        ({"arrays": [np.zeros(1)]}, "Outer.arrays needs values by name, got list"),
        ({"arrays": {1: np.zeros(1)}}, "Outer.arrays needs values by name"),
        ({"arrays": {"x": 1.0}}, "Outer.arrays.x is not of its type: it is float"),
        ({"counts": {"a": True}}, "Outer.counts.a is not of its type: it is bool"),
        ({"more": 1}, "Outer needs exactly the fields"),
    ],
)
def test_what_is_no_such_record_is_refused_by_its_place(change, message):
    with pytest.raises(CircuitError, match=message):
        from_plain(Outer, {**to_plain(OUTER), **change})

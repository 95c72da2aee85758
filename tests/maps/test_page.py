"""What a page holds is what its map was, and no text of a map is ever more than text."""

import base64
import json
from html.parser import HTMLParser

import numpy as np
import pytest

from pullback.maps import Frame, Map
from pullback.maps.page import FRAMES_ROOM, LONGEST, page_of

RNG = np.random.default_rng(0)
KINDS = {"Float32": "<f4", "Int16": "<i2", "Uint8": "|u1", "Uint16": "<u2", "Uint32": "<u4"}


class Held(HTMLParser):
    """The scripts of a page by their ids, and all its tags."""

    def __init__(self, page):
        super().__init__()
        self.scripts, self.tags, self._at, self.title = {}, [], None, ""
        self.feed(page)
        self.facts = json.loads(self.scripts["facts"])

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._at = dict(attributes).get("id", tag) if tag in ("script", "title") else None

    def handle_endtag(self, tag):
        self._at = None

    def handle_data(self, data):
        if self._at == "title":
            self.title += data
        elif self._at:
            self.scripts[self._at] = self.scripts.get(self._at, "") + data

    def array(self, name):
        kind = KINDS[self.facts["arrays"][name].removesuffix("Array")]
        return np.frombuffer(base64.b64decode(self.scripts[f"array-{name}"]), kind)


def test_numbers_come_back():
    n = 37
    positions = RNG.normal(size=(n, 2)).astype(np.float32)
    frames = [Frame(10 * k, 3.0 - k, RNG.normal(size=(n, 2)) * 10.0**-k) for k in range(3)]
    force = RNG.normal(size=(2, n, 2))
    weights = np.sort(RNG.random((n, 7)))[:, ::-1]
    near = RNG.integers(0, n, (n, 7))
    made = Map(
        positions,
        [*frames, Frame(30, float("nan"), positions)],
        labels=["a" if k % 3 else None for k in range(n)],
        attraction=force[0],
        repulsion=force[1],
        neighbours=near,
        weights=weights,
    )
    held = Held(page_of(made))
    facts = held.facts
    np.testing.assert_array_equal(held.array("positions").reshape(n, 2), positions)
    assert facts["last"] == {"iteration": 30, "cost": None}
    steps = held.array("frames").reshape(3, n, 2)
    for frame, kept, facts_of in zip(frames, steps, facts["frames"], strict=True):
        low, high = np.array(facts_of["low"]), np.array(facts_of["high"])
        back = low + (high - low) * kept / 65535
        assert np.abs(back - frame.positions).max() <= (high - low).max() / 65535
        assert (facts_of["iteration"], facts_of["cost"]) == (frame.iteration, frame.cost)
    codes = held.array("codes")
    assert codes.tolist() == [0 if k % 3 else 255 for k in range(n)]
    assert (facts["counts"], facts["unlabelled"], facts["legend"]) == ([24], 13, [0, -1])
    for name, given in zip(("attraction", "repulsion"), force, strict=True):
        back = held.array(name).reshape(n, 2) * facts["force"]
        assert np.abs(back - given).max() <= 0.51 * facts["force"]
    k = facts["neighbours"]
    np.testing.assert_array_equal(held.array("neighbours").reshape(n, k), near[:, :k])
    shares = held.array("weights").reshape(n, k) / 255.0
    assert np.abs(shares - weights[:, :k] / weights[:, :1]).max() < 0.003


def test_a_quantity_comes_back():
    held = Held(page_of(Map(np.zeros((3, 2)), labels=[0.5, None, 2.5])))
    np.testing.assert_array_equal(held.array("quantities"), np.float32([0.5, np.nan, 2.5]))
    assert held.facts["scale"] == {"low": 0.5, "high": 2.5, "ends": ["0.5", "2.5"]}


def test_many_classes_have_wider_numbers():
    n = 300
    held = Held(page_of(Map(np.zeros((n, 2)), labels=[f"c{k}" for k in range(n - 1)] + [None])))
    assert held.array("codes").tolist() == [*range(n - 1), 65535]
    assert "279 others are grey" in held.facts["beyond"]


EVIL = [
    "<script>alert(1)</script>",
    "</script><b>",
    "<!--<script>",
    "]]>",
    "\u2028\u2029",
    "\ud800 alone",
    "\x00\x07",
    "",
    "x" * 10_000,
    "مرحبا",
    "{{script}}",
    "&lt;",
    "twice",
    "twice",
]


@pytest.fixture(scope="module")
def evil():
    n = len(EVIL)
    return page_of(
        Map(np.zeros((n, 2)), labels=EVIL, names=EVIL, title=EVIL[0], notes=EVIL), EVIL[1]
    )


def test_a_text_is_a_text(evil):
    plain = Held(page_of(Map(np.zeros((2, 2)), labels=["a", "b"], names=["a", "b"])))
    held = Held(evil)
    assert [tag for tag, _ in held.tags] == [tag for tag, _ in plain.tags]
    for name, kept in zip(EVIL, held.facts["names"], strict=True):
        assert kept == name if len(name) <= LONGEST else kept.startswith("xxx")
    assert set(held.facts["classes"]) >= {EVIL[0], "", "مرحبا"}
    assert held.title == EVIL[0]
    assert held.scripts["facts"].isascii()


def test_a_page_asks_nobody_for_anything(evil):
    held = Held(evil)
    policy = next(a["content"] for tag, a in held.tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    asked = {"src", "href", "srcset", "data", "action"}
    assert not [tag for tag, attributes in held.tags if asked & set(attributes)]


def test_many_frames_are_thinned_and_that_is_said(monkeypatch):
    monkeypatch.setattr("pullback.maps.page.FRAMES_ROOM", 4 * 5 * 4)
    end = np.ones((5, 2))
    frames = [Frame(k, 1.0, end * k) for k in range(50)] + [Frame(50, 1.0, end)]
    facts = Held(page_of(Map(end, frames))).facts
    assert [frame["iteration"] for frame in facts["frames"]] == [0, 16, 33, 49]
    assert "Of 51 frames this page has 5, evenly among all." in facts["notes"]


def test_seventy_thousand_points_stay_below_fifteen_megabytes():
    n, one = 70_000, np.zeros((70_000, 2), np.float32)
    near = np.zeros((n, 8), np.int32)
    made = Map(
        one,
        [Frame(k, 1.0, one + k) for k in range(25)] + [Frame(25, 1.0, one)],
        labels=np.arange(n) % 10,
        names=[f"ankle boot {k}" for k in range(n)],
        attraction=one,
        repulsion=one,
        neighbours=near,
        weights=near + 1.0,
    )
    page = page_of(made)
    assert 4 * n * 25 <= FRAMES_ROOM
    assert len(Held(page).facts["frames"]) == 25
    assert len(page) < 15e6
    assert f"{len(page) / 1e6:.1f} MB" in Held(page).facts["size"]


def test_one_point():
    held = Held(page_of(Map([[2.0, 3.0]], names=["alone"])))
    assert held.facts["low"] == held.facts["high"] == [2.0, 3.0]
    assert held.facts["line"] == "1 point"

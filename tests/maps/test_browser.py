"""The page in a real browser: it is drawn, pointed at, searched and replayed, without complaint."""

import numpy as np
import pytest
from tests.browser import CHROMIUM, Browser

from pullback.maps import Frame, Map

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not on this machine")

EVIL = "<img src=x onerror=document.title='broken'>"


@pytest.fixture(scope="module")
def browser():
    with Browser(1000, 700) as tab:
        yield tab


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    rng = np.random.default_rng(0)
    n = 400
    places = rng.normal(size=(n, 2))
    places[0] = 0.0
    frames = [Frame(10 * k, 5.0 - k, places[::-1] * (k + 1)) for k in range(4)]
    names = [f"thing {k}" for k in range(n)]
    names[0] = EVIL
    path = tmp_path_factory.mktemp("page") / "map.html"
    Map(
        places,
        [*frames, Frame(40, 0.5, places)],
        labels=[EVIL if k % 2 else None for k in range(n)],
        names=names,
        pictures=np.full((n, 8, 8), 99, np.uint8),
        attraction=-places,
        repulsion=places,
        neighbours=(np.arange(n)[:, None] + [1, 2]) % n,
        weights=np.ones((n, 2)),
        title=EVIL,
    ).save(path)
    return path.as_uri()


INKED = """(() => {
  const sheet = document.createElement("canvas");
  const points = document.getElementById("points");
  sheet.width = points.width; sheet.height = points.height;
  const pen = sheet.getContext("2d");
  pullbackMap.paint(); // what is drawn can be read until the screen has it
  pen.drawImage(document.getElementById("points"), 0, 0);
  const { data } = pen.getImageData(0, 0, sheet.width, sheet.height);
  let inked = 0;
  for (let k = 3; k < data.length; k += 4) inked += data[k] > 0;
  return inked;
})()"""
LOST = "document.getElementById('points').getContext('webgl2').getExtension('WEBGL_lose_context')"
CARD = "document.getElementById('card').innerText"


def test_both_painters_draw_the_same(browser, page):
    inked = {}
    for painter in ("canvas", "webgl"):
        browser.open(f"{page}?painter={painter}", "globalThis.pullbackMap")
        assert browser.run("pullbackMap.painter().toLowerCase()") == painter
        inked[painter] = browser.run(INKED)
    assert inked["canvas"] > 2000
    assert inked["webgl"] == pytest.approx(inked["canvas"], rel=0.15)


def test_a_person_explores_a_map(browser, page):
    browser.open(f"{page}?painter=webgl", "globalThis.pullbackMap")
    # the middle of the map is the point without a place of its own
    x, y = browser.run(
        "[pullbackMap.view.across(pullbackMap.at(0)[0]), "
        "pullbackMap.view.down(pullbackMap.at(0)[1])]"
    )
    browser.mouse("mouseMoved", x + 3, y + 2)
    browser.until("!document.getElementById('card').hidden")
    assert browser.run(CARD).startswith(EVIL)
    assert "attraction" in browser.run(CARD)
    browser.click(x, y)
    browser.until("document.getElementById('card').classList.contains('held')")
    assert "thing 2" in browser.run(CARD)
    browser.key("Escape")
    browser.key("/")
    browser.write("THING 39")
    browser.until("document.getElementById('found').textContent === '11 matches'")
    browser.key("Enter", "\r")
    browser.until("pullbackMap.shown.held === 39")
    browser.run("document.getElementById('reset').click()")
    browser.run("document.querySelector('#legend button').click()")
    browser.write("thing 1")
    assert "among what is shown" in browser.run("document.getElementById('found').textContent")
    browser.run("document.getElementById('reset').click()")
    browser.run("document.getElementById('play').click()")
    browser.until("pullbackMap.replay.at > 0.2 && pullbackMap.replay.at < 3.9")
    assert "cost" in browser.run("document.getElementById('moment').textContent")
    browser.run("pullbackMap.replay.end()")
    browser.run(f"{LOST}.loseContext()")
    browser.until("pullbackMap.painter() === 'canvas'")
    browser.until(f"{INKED} > 2000")
    assert browser.run("document.title") == EVIL
    assert browser.complaints == []

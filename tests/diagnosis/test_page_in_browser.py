"""The page in a real browser: light, dark, on a phone and on paper, without complaint."""

import pytest
from tests.browser import CHROMIUM, Browser
from tests.diagnosis.reports import CURE, sick

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not on this machine")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    sick().save(path)
    return path.as_uri()


@pytest.fixture
def browser():
    with Browser(1000, 700) as tab:
        yield tab


INK = "getComputedStyle(document.body).color"
PAPER = "getComputedStyle(document.body).backgroundColor"
WIDE = "document.documentElement.scrollWidth"
CUT = """[...document.querySelectorAll('.doctor svg text')].filter(text => {
  const box = text.closest('svg').getBoundingClientRect(), at = text.getBoundingClientRect();
  return at.left < box.left - 8 || at.right > box.right + 8 || at.bottom > box.bottom + 2;
}).map(text => text.textContent)"""


def test_a_page_is_read_everywhere(browser, page):
    browser.open(page)
    assert browser.run(PAPER) == "rgb(255, 255, 255)"
    assert browser.run(CUT) == []
    assert browser.run("document.title") == sick().summary
    boxes = "[...document.querySelectorAll('.pair figure')].map(x => x.offsetTop)"
    first, second = browser.run(boxes)[:2]
    assert first == second, "both figures of a proof are side by side"
    browser.resize(360, 700, mobile=True, ratio=2)
    assert browser.run(WIDE) == 360, "nothing sticks out on a phone"
    first, second = browser.run(boxes)[:2]
    assert first < second
    browser.dark()
    assert browser.run(PAPER) == "rgb(21, 23, 26)"
    assert browser.run(INK) == "rgb(232, 234, 237)"
    assert browser.complaints == []


def test_code_is_copied_as_it_is(browser, page):
    browser.open(page)
    copied = "globalThis.copied = null; navigator.clipboard.writeText = async x => {copied = x}"
    browser.run(copied)
    browser.run("document.querySelector('.code button').click()")
    browser.until("document.querySelector('.code button').textContent === 'Copied'")
    assert browser.run("copied") == CURE.code
    browser.run("navigator.clipboard.writeText = async () => { throw new Error('not here') }")
    browser.run("document.querySelectorAll('.code button')[1].click()")
    browser.until("getSelection().toString().startsWith('rate = pb.LinearWarmup')")
    assert browser.complaints == []

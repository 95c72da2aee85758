"""A report as data, as a file, and as what cures: nothing in it is lost, or is no number."""

import json
import re
from html.parser import HTMLParser

import pytest
from tests.diagnosis.reports import EVIL, healthy, sick

from pullback.core.errors import CircuitError
from pullback.diagnosis import Report


class Tags(HTMLParser):
    """The tags of a page, and the text between them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self._at = [], "", ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._at = tag

    def handle_data(self, data):
        if self._at not in ("style", "script"):
            self.text += data


def test_json_has_all_and_finite_numbers_alone():
    found = json.loads(json.dumps(sick().to_json_dict(), allow_nan=False))
    first, second, third, last = found["findings"]
    assert (found["healthy"], found["ended"], found["seconds"]) == (False, "completed", 12.3)
    assert first["numbers"] == {"rate": 3.0, "loss_at_end": None, "rows": 6}
    assert first["cure"]["code"].startswith("optimizer = pb.SGD(0.1)")
    assert [x["text"] for x in first["other_cures"]] == ["warm it up"]
    assert first["proof"]["before"] == [2.2, None, 2.21]
    assert first["proof"]["history_before"][2]["validation_loss"] is None
    assert first["consequences"][0]["disease"] == "dying ReLUs"
    assert second["picture"]["bars"]["nothing"] is None
    assert third["cure"]["untried"] == "only you know"
    assert (last["cure"], last["proof"], last["picture"]) == (None, None, None)
    assert [x["passed"] for x in found["checks"]] == [True, False, None]
    assert found["net"]["optimizer"] == "SGD(3.0, momentum=0.0)"
    assert found["net"]["rows"] == 6


def test_data_that_were_refused_have_no_net():
    report = Report(None, (), (), (), 0.1)
    assert report.to_json_dict()["net"] is None
    assert "The net" not in report._repr_html_()


def test_a_page_is_one_file_that_asks_for_nothing(tmp_path):
    sick().save(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    held = Tags(page)
    assert not re.search(r"https?://|url\(|@import", page)
    outward = {"src", "href", "srcset", "action", "data"}
    assert not [tag for tag, attributes in held.tags if outward & set(attributes)]
    assert not [a for _, a in held.tags if any(name.startswith("on") for name in a)]
    assert {tag for tag, _ in held.tags} & {"img", "iframe", "link", "object"} == set()
    policy = next(a["content"] for tag, a in held.tags if "http-equiv" in a)
    assert policy.startswith("default-src 'none'")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_page_tells_all_that_the_text_does():
    held = Tags(sick()._repr_html_())
    told = " ".join(held.text.split())
    for words in (
        "1. learning rate too high",
        "optimizer = pb.SGD(0.1) # < 3 & as good as any",
        "rate = pb.LinearWarmup(3.0, steps=100)",
        "it helps: validation loss 0.8167 with it, 2.205 without (1 of 3 lost)",
        "without the cure, 1 lost",
        "dying ReLUs in relu1, which is gone with the cure: 94% of the units are 0 for every row",
        "It cannot be tried here: only you know.",
        EVIL.replace("\x1b", "?"),
        "4,000 rows were drawn from 60,000",
        "SoftmaxCrossEntropy",
    ):
        assert words in told
    kinds = [a["class"] for tag, a in held.tags if tag == "section" and "class" in a]
    assert kinds == ["finding severe", "finding mild", "finding mild", "finding note"]
    assert [tag for tag, _ in held.tags].count("svg") == 6
    assert [a["class"] for tag, a in held.tags if tag == "li" and a] == ["passed", "failed", "open"]


def test_a_healthy_page_says_so():
    assert 'class="well"' in healthy()._repr_html_()
    assert 'class="well"' not in healthy(ended="interrupted")._repr_html_()


def test_only_pages_are_written_and_never_half(tmp_path):
    with pytest.raises(CircuitError, match=r"saved as \.html: name it report\.html, not .*\.pdf"):
        sick().save(tmp_path / "report.pdf")
    with pytest.raises(CircuitError, match="cannot write"):
        sick().save(tmp_path / "nowhere" / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_a_cure_is_applied_by_its_number():
    report = sick()
    assert report.apply(1).optimizer.learning_rate == 0.1
    assert report.patient.parts.optimizer.learning_rate == 3.0
    for k, words in ((0, "1 to 4"), (5, "1 to 4"), (3, "only you know"), (4, "no cure")):
        with pytest.raises(CircuitError, match=words):
            report.apply(k)


def test_a_report_is_short_where_it_is_not_printed():
    lines = repr(sick()).splitlines()
    assert lines[0] == "4 findings, the worst first (12 s)"
    assert len(lines) <= 20
    assert max(map(len, lines)) <= 100

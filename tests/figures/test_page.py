"""A page is one file, which may ask the network for nothing."""

from html.parser import HTMLParser

from pullback.figures.page import whole_page


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.seen, self.texts, self.policy = [], {}, ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        told = dict(attrs)
        if told.get("http-equiv") == "Content-Security-Policy":
            self.policy = told["content"]

    def handle_data(self, data):
        if data.strip():
            self.texts[self.seen[-1]] = data.strip()


def test_what_is_given_stands_in_its_place():
    page = Tags(whole_page("1 &lt; 2", "p { margin: 0 }", "<p>{title} {}</p>"))
    assert page.texts["title"] == "1 < 2"
    assert page.texts["style"] == "p { margin: 0 }"
    assert page.texts["p"] == "{title} {}"
    assert page.seen[-2:] == ["body", "p"]


def test_the_network_is_asked_for_nothing():
    rules = dict(rule.split(" ", 1) for rule in Tags(whole_page("", "", "")).policy.split("; "))
    assert rules.pop("default-src") == "'none'"
    own = {"'unsafe-inline'", "data:", "blob:"}
    assert {source for rule in rules.values() for source in rule.split()} <= own

"""Each page of a pitfall runs as it stands, and what it claims of sick and cured nets is so."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "docs" / "pitfalls"
PAGES = sorted(set(FOLDER.glob("*.md")) - {FOLDER / "README.md"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_example_is_sick_and_cured(page):
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    script = "\n".join(blocks)
    assert script.count("assert ") >= 2, "a page shows the illness and its cure"
    exec(compile(script, page.name, "exec"), {"__name__": page.stem})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_one_sees_why_and_what_to_do(page):
    text = page.read_text(encoding="utf-8")
    at = [text.index(part) for part in ("**What you see.**", "**Why.**", "```", "**What to do.**")]
    assert at == sorted(at)
    assert len(text.splitlines()) < 70, "pages are short"


def test_the_list_leads_to_every_page():
    linked = re.findall(r"\]\((\w+\.md)\)", (FOLDER / "README.md").read_text(encoding="utf-8"))
    assert sorted(linked) == [page.name for page in PAGES]

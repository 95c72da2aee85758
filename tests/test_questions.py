"""Nets of public questions are examined by their scripts, and what the page claims is said."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted((ROOT / "examples" / "questions").glob("*.py"))
PAGE = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| \[.*?\]\((\S+)\).*\| (.*) \| \[(\w+)\]\(\.\./(\S+)\) \|$", re.MULTILINE)
CLAIMED = {name: (address, said) for address, said, name, _ in ROW.findall(PAGE)}
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_doctor_says_what_the_page_claims(script, capsys):
    if "import torch" in script.read_text(encoding="utf-8"):
        pytest.importorskip("torch", reason="torch is not installed: see the extra `bench`")
    report = runpy.run_path(str(script))["report"]
    found = [f"{x.disease} ({x.severity})" for x in report.findings if x.severity != "note"]
    assert ", ".join(dict.fromkeys(found)) == CLAIMED[script.stem][1].replace("**", "")
    printed = " ".join(capsys.readouterr().out.split())
    quoted = re.findall(r'"([^"]+)"', SECTIONS[script.stem])
    assert quoted
    for words in quoted:
        assert " ".join(words.split()) in printed
    assert report.seconds < 30.0


def test_page_and_scripts_tell_of_the_same_questions():
    names = [script.stem for script in SCRIPTS]
    assert sorted(CLAIMED) == sorted(SECTIONS) == names
    assert [path for *_, path in ROW.findall(PAGE)] == [
        f"examples/questions/{name}.py" for name in CLAIMED
    ]
    for script in SCRIPTS:
        text = script.read_text(encoding="utf-8")
        assert CLAIMED[script.stem][0] in text, "the address is in the docstring"
        assert len(text.split('"""', 2)[2].strip().splitlines()) <= 40

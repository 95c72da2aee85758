"""What a person reads of a report in a terminal: at its width, in its characters, in colours."""

import io

import pytest
from rich.console import Console
from tests.diagnosis.reports import EVIL, NAN, healthy, proof, sick

from pullback.diagnosis.scale import Scale
from pullback.diagnosis.text import lines_of, sparks, verdict


def said(report, width):
    return [line.plain for line in lines_of(report, width)]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit(width):
    lines = said(sick(), width)
    assert max(map(len, lines)) <= width
    assert max(map(len, lines)) > width - 15, "the room is used"


def test_all_of_a_finding_is_told():
    text = " ".join(str(sick()).split())
    for words in (
        "4 findings, the worst first (12 s)",
        "1. learning rate too high (severe) evidence the loss went from 1.1 to 240",
        "cause each step goes past",
        "cure take a learning rate of 0.1 optimizer = pb.SGD(0.1) # < 3 & as good as any",
        "or warm it up rate = pb.LinearWarmup(3.0, steps=100)",
        "it helps: validation loss 0.8167 with it, 2.205 without (1 of 3 lost), in the mean of 3",
        "without ▂█×× 2.2 lost 2.21 with ▂▁▁▁ 0.81 0.84 0.8",
        "brings dying ReLUs in relu1, which is gone with the cure: 94% of the units",
        "it does not help by more than chance",
        "it cannot be tried here: only you know",
        "✓ the loss at the start is what chance gives: 1.12",
        "✗ a linear model is beaten",
        "– shuffled labels are not learned",
        "note: 4 of 40 epochs were trained each time",
    ):
        assert words in text


def test_code_is_never_broken():
    code = "model = pb.Sequential(" + ", ".join(["pb.Dense(64), pb.LeakyReLU()"] * 9) + ")"
    finding = sick().findings[0]
    cure = finding.cures[0].__class__("", code)
    report = sick(findings=(finding.but(cures=(cure,)),))
    assert any(line.strip() == code for line in said(report, 60))
    out = io.StringIO()
    console = Console(file=out, width=60)
    console.print(report, soft_wrap=True)
    assert any(line.strip() == code for line in out.getvalue().splitlines())
    console.print(report)
    assert out.getvalue().count("pb.LeakyReLU()") == 2 * 9, "nothing is cut off"


def test_a_terminal_obeys_nothing_that_a_report_holds():
    shown = str(sick())
    assert "\x1b" not in shown
    assert EVIL.replace("\x1b", "?").split()[0] in shown


def test_colours_are_for_terminals_alone():
    coloured, plain = io.StringIO(), io.StringIO()
    Console(file=coloured, width=80, force_terminal=True, color_system="standard").print(sick())
    Console(file=plain, width=80).print(sick())
    assert "\x1b[1;31m(severe)" in coloured.getvalue()
    assert plain.getvalue().rstrip() == str(sick()).rstrip()


def test_a_terminal_without_these_characters_is_told_all_the_same():
    lines = [line.plain for line in lines_of(sick(), 80, ascii_only=True)]
    assert all(line.isascii() for line in lines)
    (check,) = [line for line in lines if "a linear model is beaten" in line]
    assert check.startswith("x ")


def test_a_healthy_net_is_told_to_be_so_and_an_unfinished_look_is_not():
    assert str(healthy()).startswith(
        "healthy: nothing was found that keeps this net from learning (12 s)\n"
    )
    assert healthy(ended="interrupted").summary.startswith("nothing was found before the end")
    assert "1 of 3 checks failed" in sick(findings=()).summary
    note = sick(findings=sick().findings[3:])
    assert note.healthy
    assert "4 findings" not in note.summary
    assert "1. overfitting (note)" in str(note)


def test_one_finding_is_no_findings():
    assert sick(findings=sick().findings[:1]).summary.startswith("1 finding, ")


def test_curves_are_of_one_scale_and_of_a_length():
    scale = Scale.over([0.0, 7.0])
    assert sparks(range(8), scale) == "▁▂▃▄▅▆▇█"
    assert sparks([3.0] * 3, scale, 8) == "▄▄▄"
    long = sparks([k / 10 for k in range(71)], scale, 10)
    assert (len(long), long[0], long[-1]) == (10, "▁", "█")
    assert sparks([], scale) == ""
    assert sparks([NAN, 7.0], scale) == "×█"


def test_a_proof_is_told_in_its_own_measure():
    assert verdict(proof((NAN,), (0.5,))).endswith("validation loss 0.5 with it, lost without")
    told = proof((0.5, 0.6), (0.9, 0.8)).__class__(
        "validation_accuracy", True, (0.5, 0.6), (0.9, 0.8), proof((), ()).histories
    )
    assert "85.0% with it, 55.0% without, in the mean of 2 seeds" in verdict(told)

"""The command line, run as a user runs it: what it prints, and how it refuses."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from tests.cli.command import as_a_module, run

import pullback as pb


def run_after(preparation, *arguments):
    """The command line in a process in which something was prepared first."""
    code = (
        f"import sys; sys.argv[0] = 'pullback'\n{preparation}\nimport pullback.cli as c; c.main()"
    )
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("run", [run, as_a_module])
def test_explain_shows_values_gradients_check_and_strategies(run, tmp_path):
    done = run("explain", "(x + y) * z", "x=-2", "y=5", "z=-4", "--svg", tmp_path / "out.svg")
    assert done.returncode == 0, done.stderr
    assert "= -12" in done.stdout
    for name, grad in (("x", "-4"), ("y", "-4"), ("z", "3")):
        line = next(row for row in done.stdout.splitlines() if row.strip().startswith(f"{name} "))
        assert line.endswith(f"grad {grad}")
    assert "-11.59" in done.stdout
    assert ET.parse(tmp_path / "out.svg").getroot().tag.endswith("svg")


def test_explain_takes_arrays_and_says_why_there_are_no_strategies():
    done = run("explain", "sum(x * y)", "x=[1,2]", "y=[3,4]")
    assert done.returncode == 0, done.stderr
    assert "= 11" in done.stdout
    done = run("explain", "x * 2", "x=[1,2]")
    assert done.returncode == 0, done.stderr
    assert "no strategies: they raise one number, and the output has 2;" in done.stdout


def test_explain_shows_the_value_of_constants_and_of_truth_values(tmp_path):
    for text, value in (("3", "3"), ("2 + 3", "5")):
        done = run("explain", text, "--svg", tmp_path / "out.svg")
        assert done.returncode == 0, done.stderr
        assert f"= {value}\n" in done.stdout
        assert "no gradients" in done.stdout
        ET.parse(tmp_path / "out.svg")
    done = run("explain", "x > 1", "x=2")
    assert done.returncode == 0, done.stderr
    assert "= True" in done.stdout
    assert "no gradients: the output carries truth values" in done.stdout


def test_explain_takes_an_expression_that_begins_with_a_minus():
    for text, value in (("-x", "-2"), ("-x*y/2", "-3"), ("--x", "2"), ("--xy", "2")):
        names = ["xy=2"] if "xy" in text else ["x=2", "y=3"] if "y" in text else ["x=2"]
        done = run("explain", text, *names)
        assert done.returncode == 0, done.stderr
        assert f"= {value} " in done.stdout


def test_explain_names_no_line_of_ours_as_the_users():
    done = run("explain", "log(x * 1) + 1", "x=-1")
    assert done.returncode == 2
    assert "'log' is nan" in done.stderr.replace("\n", " ")
    assert ".py" not in done.stderr


def test_explain_reads_names_as_python_does():
    done = run("explain", "ſ * 2", "ſ=1")
    assert done.returncode == 0, done.stderr
    assert "s * 2" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "x * y", "x=1"], "'y' has no value"),
        (["explain", "x *", "x=1"], "cannot read the expression"),
        (["explain", "x", "x"], "cannot read 'x'; give values as"),
        (["explain", "x", "x=abc"], "cannot read the value of 'x'"),
        (["explain", "x", "x=1", "y=2"], "'y' has a value but does not occur"),
        (["explain", "open('f')", "x=1"], "unknown function 'open'"),
        (["explain", "x * 2", "x=1", "x=2"], "'x' is given two values"),
        (["explain", "s * 2", "s=1", "ſ=2"], "'s' is given two values"),
        (["explain", "x // 2", "x=1"], "'x // 2' uses //, which has no gate"),
        (["explain", "x * 2", "x=1", "--svg", "/nowhere/at/all.svg"], "no folder /nowhere/at"),
        (["explain", "x * 2", "x=1", "--svg", "picture.bmp"], "name it picture.svg, not picture"),
        (["explain", "x * 2", "x=1", "--svg", ""], "--svg needs the name of a file, got ''"),
        (["explain", "x * 2", "x=1", "--svg", "/"], "--svg needs the name of a file, and / is a"),
        (["explain", "x * 2", "x=1", "--step", "nan"], "'--step': a step is a number above 0"),
        (["explain", "x * 2", "x=1", "--step", "-1"], "'--step': a step is a number above 0"),
        (["explain", "x * 2", "x=1", "--stp=1"], "there is no option --stp; there are: --svg, --"),
        (["explain", "--stp", "1", "x", "x=1"], "there is no option --stp"),
        (["train", "digitz"], "did you mean 'digits'"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_a_mistake_is_one_message_and_status_2(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.message
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_process_ends_after_a_mistake_as_the_command_does():
    told = "explain", "x * y", "x=1"
    done, expected = as_a_module(*told), run(*told)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", expected.stderr)


EAGER = ("--engine", "eager", "--epochs", "1")
INTERRUPT_IN_EPOCH_3 = """
import os, signal
from pullback.train.progress import TrainingProgress
signal.signal(signal.SIGINT, signal.default_int_handler)
TrainingProgress.epoch = lambda self, row: row["epoch"] < 3 or os.kill(os.getpid(), signal.SIGINT)
"""


def test_ctrl_c_in_training_ends_with_the_summary_and_status_130(tmp_path):
    saved = tmp_path / "m.safetensors"
    told = ("train", "iris", "--engine", "eager", "--json", "--save", saved)
    done = run_after(INTERRUPT_IN_EPOCH_3, *told)
    assert done.returncode == 130
    assert done.stderr == ""
    training = json.loads(done.stdout)["training"]
    assert (training["epochs"], training["ended"]) == (3, "interrupted in epoch 4")
    assert len(pb.Sequential.load(saved)) == 3


INTERRUPT_AN_IMPORT = """
class Finder:
    def find_spec(self, name, *_):
        if name == "typer":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finder())
"""
INTERRUPT_THE_CHECK = """
import pullback.cli.explain as e
def check_gradients(*_, **__):
    raise KeyboardInterrupt
e.check_gradients = check_gradients
"""


@pytest.mark.parametrize("preparation", [INTERRUPT_AN_IMPORT, INTERRUPT_THE_CHECK])
def test_ctrl_c_elsewhere_is_quiet(preparation):
    done = run_after(preparation, "explain", "x", "x=1")
    assert done.returncode == 130
    assert done.stderr == ""


def as_a_module_onto(file, *arguments):
    """The command line as a process of its own, whose standard output is a file."""
    return subprocess.run(
        [sys.executable, "-m", "pullback", *arguments],
        stdout=file,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def run_onto(file, *arguments):
    """The command line in this process, and what is not yet written, as when a process ends."""
    done = run(*arguments, onto=file)
    file.flush()
    return done


OUTPUTS = [
    (as_a_module_onto, ("explain", "x", "x=1")),
    (run_onto, ("explain", "x", "x=1")),
    (run_onto, ("train", "iris", *EAGER, "--json")),
    (run_onto, ("train", "iris", *EAGER)),
]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no disk that is always full")
@pytest.mark.parametrize(("run", "arguments"), OUTPUTS)
def test_a_full_disk_is_one_sentence(run, arguments):
    with open("/dev/full", "w") as full:
        done = run(full, *arguments)
    assert done.returncode == 1
    assert done.stderr == "error: cannot read or write the output: No space left on device\n"


@pytest.mark.parametrize(("run", "arguments"), OUTPUTS)
def test_a_reader_who_leaves_is_no_error(run, arguments):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as left:
        done = run(left, *arguments)
    assert done.returncode == 1
    assert done.stderr == ""


def test_version():
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"pullback {pb.__version__}\n")


@pytest.mark.parametrize(
    "command",
    [
        *("explain", "train", "predict", "sample", "describe", "show", "similar", "cache"),
        *("embed", "embed words", "embed points"),
    ],
)
def test_every_command_tells_its_options(command):
    done = run(*command.split(), "--help")
    assert done.returncode == 0
    assert f"pullback {command}" in done.stdout


def test_help_names_the_commands():
    done = run("--help")
    assert done.returncode == 0
    for command in ("explain", "train", "predict", "describe", "cache"):
        assert command in done.stdout

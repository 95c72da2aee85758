"""The notice of a first compilation: seen by who waits, counted right, and gone when it is over."""

import io
import os
import pty
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest
from rich.console import Console

from pullback.engines.notice import Notice, quietly
from pullback.train import progress


def wait_for(condition):
    end = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@contextmanager
def one_compiled(notice):
    """While inside, a function is compiled that was announced alone."""
    with notice.announced(1):
        notice.next()
        with notice.compiling():
            yield


def counts(told):
    return [re.sub(r"compiling (\d+) of (\d+) .*", r"\1/\2", text) for text in told]


def test_it_counts_the_functions_of_all_who_compile():
    counter, told = Notice(patience=0.0), []
    with counter.shown_by(told.append):
        with counter.announced(2):
            for _ in range(2):
                counter.next()
                with counter.compiling():
                    wait_for(lambda: told)
        with one_compiled(counter), one_compiled(counter):
            wait_for(lambda: told[-1])
    assert counts(told) in (
        ["1/2", "2/2", "", "4/4", ""],
        ["1/2", "2/2", "", "3/3", "4/4", ""],  # the second was in no hurry
    )


def test_what_is_read_from_the_cache_is_silent():
    counter, told = Notice(patience=0.0), []
    with counter.shown_by(told.append), counter.announced(3):
        for _ in range(3):
            counter.next()
            time.sleep(0.05)
    assert told == []


def test_what_is_quick_is_silent():
    counter, told = Notice(patience=0.2), []
    with counter.shown_by(told.append):
        for _ in range(3):
            with one_compiled(counter):
                pass
        time.sleep(0.4)
    assert told == []


def test_an_error_takes_it_away():
    counter, told = Notice(patience=0.0), []

    def interrupted():
        with one_compiled(counter):
            wait_for(lambda: told)
            raise KeyboardInterrupt

    with counter.shown_by(told.append), pytest.raises(KeyboardInterrupt):
        interrupted()
    assert told[-1] == ""
    assert counter._inside == 0


def test_a_quiet_thread_says_nothing_and_others_do():
    counter, told = Notice(patience=0.0), []

    def quiet():
        with quietly(), one_compiled(counter):
            time.sleep(0.1)

    with counter.shown_by(told.append):
        thread = threading.Thread(target=quiet)
        thread.start()
        thread.join()
        assert told == []
        with one_compiled(counter):
            wait_for(lambda: told)
    assert counts(told) == ["1/1", ""]


COMPILE = """
import numpy as np
import pullback as pb
import pullback.engines.notice as n
n.notice._patience = 0.0
x = pb.Unit(np.ones(9), "x")
pb.Circuit(pb.sum(pb.exp(x) * 1.5)).compile()()
print("computed")
"""


def in_terminal(code, folder):
    """What a process writes to a terminal."""
    main, side = pty.openpty()
    environment = {**os.environ, "PULLBACK_CACHE": str(folder), "COLUMNS": "80", "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=side, stderr=side, env=environment
    )
    os.close(side)
    written = b""
    while True:
        try:
            chunk = os.read(main, 65536)
        except OSError:  # the other side is closed
            break
        if not chunk:
            break
        written += chunk
    os.close(main)
    assert process.wait() == 0, written.decode()
    return written.decode()


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_a_terminal_shows_it_once_and_takes_it_away(tmp_path):
    first = in_terminal(COMPILE, tmp_path)
    assert re.search(r"compiling \d of \d functions?, once: later runs read", plain(first))
    assert first.rstrip().endswith("computed")
    assert first.rindex("\x1b[2K") > first.rindex("compiling")  # its line is erased
    assert first.count("\x1b[?25h") == first.count("\x1b[?25l")  # the cursor is back
    assert in_terminal(COMPILE, tmp_path) == "computed\r\n"


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (100, "  compiling 1 of 1 function, once: later runs read them from the cache"),
        (80, "  compiling 1 of 1 function, once"),
        (40, ""),
    ],
)
def test_training_shows_it_in_its_own_line(monkeypatch, width, words):
    notice = Notice(patience=0.0)
    monkeypatch.setattr(progress, "notice", notice)
    console = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)

    def lines():
        text = plain(console.file.getvalue()).replace("\r", "\n")
        return [line.rstrip() for line in text.split("\n") if line.strip()]

    with progress.TrainingProgress(3, console=console) as shown:
        with one_compiled(notice):
            wait_for(lambda: notice._say is not None)
            time.sleep(0.05)
            assert re.fullmatch(rf"[━╸╺ ]+ 0/3{re.escape(words)}", lines()[-1])
            assert len(lines()[-1]) <= width
        shown._progress.refresh()
        assert re.fullmatch(r"[━╸╺ ]+ 0/3", lines()[-1])
        shown.epoch({"loss": 0.5})
    assert "1/3  loss 0.500" in lines()[-1]


NOTICE = """
import sys, time
from pullback.engines.notice import Notice
notice = Notice(patience=0.0)
with notice.announced(1), notice.compiling():
    notice.next()
    time.sleep(0.1)
print("rich" in sys.modules)
"""


def test_a_pipe_sees_nothing_and_a_terminal_does(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", NOTICE], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "False\n")
    written = plain(in_terminal(NOTICE, tmp_path))
    assert "compiling 1 of 1 function, once" in written
    assert written.endswith("True\r\n")

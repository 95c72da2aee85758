"""Where progress is shown: where a person looks on, or where it was asked for."""

import io
import sys

import pytest

from pullback.progress.place import place_of


class Stream(io.StringIO):
    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


@pytest.mark.parametrize(
    ("terminal", "environment", "show", "place"),
    [
        (True, {}, None, "terminal"),
        (True, {}, False, None),
        (True, {"TERM": "dumb"}, None, "lines"),
        (True, {"PULLBACK_PROGRESS": "0"}, None, None),
        (True, {"PULLBACK_PROGRESS": "0"}, True, "terminal"),
        (False, {}, None, None),
        (False, {}, True, "lines"),
        (False, {"FORCE_COLOR": "1"}, True, "lines"),
        (False, {"PULLBACK_PROGRESS": "1"}, None, "lines"),
        (False, {"PULLBACK_PROGRESS": "1"}, False, None),
    ],
)
def test_a_call_then_the_environment_then_who_looks_on(
    monkeypatch, terminal, environment, show, place
):
    for name in ("PULLBACK_PROGRESS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm"} | environment).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", Stream(terminal))
    assert place_of(show) == place


def test_without_standard_error_nothing_is_shown(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert place_of(True) is None

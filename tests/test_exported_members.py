"""`pb.__all__` is sorted and complete, and what it exports says how it is used."""

import importlib
import inspect
import pkgutil
import re

import pytest

import pullback as pb

EXPORTED = {name: getattr(pb, name) for name in pb.__all__}
LINALG = {name: getattr(pb.linalg, name) for name in pb.linalg.__all__}
FUNCTIONS = {
    name: thing
    for name, thing in EXPORTED.items()
    if inspect.isroutine(thing) or inspect.isclass(thing)
}


def ours(thing):
    """Whether a function or class is defined in this library."""
    defined = inspect.isroutine(thing) or inspect.isclass(thing)
    return defined and (thing.__module__ or "").partition(".")[0] == "pullback"


def test_all_is_sorted_as_ruff_sorts_it():
    """Constants, then classes, then the rest; numbers in names by their size."""

    def kind(name):
        return 0 if name.isupper() else 1 if name[0].isupper() else 2

    def order(name):
        return kind(name), [int(x) if x.isdecimal() else x for x in re.split(r"(\d+)", name)]

    assert pb.__all__ == sorted(pb.__all__, key=order)
    assert len(set(pb.__all__)) == len(pb.__all__)


def test_all_is_complete():
    public = {name for name, thing in vars(pb).items() if not name.startswith("_") and ours(thing)}
    assert public <= set(pb.__all__)


def test_everything_exported_is_there_and_is_ours():
    for name, thing in FUNCTIONS.items():
        assert ours(thing), name


def test_a_name_means_one_thing():
    """No function hides a module of the same name that users would import."""
    modules = {module.name for module in pkgutil.iter_modules(pb.__path__)}
    for name in modules - {"__main__"}:
        importlib.import_module(f"pullback.{name}")
    assert not modules & set(pb.__all__)


@pytest.mark.parametrize("name", sorted(pb.GATES))
def test_every_gate_is_reachable(name):
    function = pb.GATES[name].function
    names = [k for k, thing in (EXPORTED | LINALG).items() if thing is function]
    assert names, f"the function of gate {name!r} is not exported"
    assert function.gate is pb.GATES[name]


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_what_is_exported_has_a_docstring(name):
    text = inspect.getdoc(FUNCTIONS[name])
    assert text, name
    first = text.splitlines()[0]
    assert first.rstrip(")").endswith((".", ":", "?")) or first.count(". "), (name, first)


@pytest.mark.parametrize(
    "name", sorted(name for name, thing in FUNCTIONS.items() if not inspect.isclass(thing))
)
def test_every_exported_function_shows_an_example(name):
    assert ">>>" in inspect.getdoc(FUNCTIONS[name]), name


def test_an_example_in_a_docstring_uses_the_function_it_is_of():
    for name, thing in FUNCTIONS.items():
        if not inspect.isclass(thing):
            examples = [x for x in inspect.getdoc(thing).splitlines() if ">>>" in x or "..." in x]
            assert any(name in line for line in examples), name

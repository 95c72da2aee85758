"""No modules import each other in a circle, be it through others or from inside a function.

And none is longer than a person reads at once, but for the list of all names.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pullback

FOLDER = Path(pullback.__file__).parent


def module_name(path: Path, folder: Path = FOLDER) -> str:
    parts = path.relative_to(folder.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_statements(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Those that run, at import or later: all but what stands under `if TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from import_statements(ast.Module(node.orelse, []))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        else:
            yield from import_statements(node)


def imported(text: str, known: Mapping[str, Path] | set[str]) -> set[str]:
    """The modules, of those known, that a module's text imports: all imports are absolute here."""
    found = set()
    for node in import_statements(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        else:
            assert node.level == 0, "an import is relative"
            inside = {f"{node.module}.{name.name}" for name in node.names}
            found |= {name if name in known else str(node.module) for name in inside}
    return found & set(known)


def circle(texts: Mapping[str, str]) -> list[str]:
    """Modules that import each other in a circle, the first one also at the end; or none."""
    graph = {name: imported(text, set(texts)) - {name} for name, text in texts.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_there_is_no_circle_of_imports():
    texts = {module_name(path): path.read_text() for path in FOLDER.rglob("*.py")}
    assert len(texts) > 100
    assert circle(texts) == []


def test_a_circle_would_be_found():
    late = "def f():\n    from p.b import c\n"
    assert set(circle({"p.a": late, "p.b": "from p import a"})) == {"p.a", "p.b"}
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.b import c\n"
    assert circle({"p.a": typed, "p.b": "from p import a"}) == []


def test_no_file_is_long():
    long = {
        path.name: n
        for path in FOLDER.rglob("*.py")
        if path != FOLDER / "__init__.py" and (n := len(path.read_text().splitlines())) > 400
    }
    assert long == {}


def test_importing_imports_nothing_that_takes_long():
    """What few commands need, each imports where it is needed."""
    heavy = {
        *("PIL", "jax", "llvmlite", "matplotlib", "pandas", "pooch", "pyarrow", "scipy"),
        *("optuna", "sklearn", "soundfile", "tokenizers", "usearch"),
    }
    code = (
        "import sys, pullback.cli.app, pullback.datasets, pullback.images, pullback.sequences\n"
        f"print({heavy} & {{*sys.modules}})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"

"""In: a folder with a folder of files for each class. Out: their names, and what was left out."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.files.listing import Files, Kind
from pullback.files.words import about_names, listed, text_of

F = TypeVar("F", bound=Files)

_PARTS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val"),
    "test": ("test", "testing"),
}
_LITTER = ("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx")  # of Windows and macOS


def files_in_classes(path: str | os.PathLike[str], kind: Kind, make: type[F]) -> F:
    """The files of a kind in a folder that holds a folder for each class, at any depth.

    Classes are in the order of their names, and files too, with numbers in them by size: "9" is
    before "10". Where the folders are `train` and `test`, or `validation` (`valid`, `val`), which
    hold those of the classes, the others are the listing's `test` and `validation`; of two alone,
    the second is its `test`. Hidden files, what systems leave behind, and other files are passed
    over, and the notes count them.

    Raises `CircuitError` where there is no such folder, no file of the kind, only one class, a
    class without files, or a class to test that is not trained.
    """
    root = Path(path)
    if not root.exists():
        raise CircuitError(f"cannot read {root}: there is no such folder")
    if not root.is_dir():
        raise CircuitError(f"cannot read {root}: it is a file, not a folder of folders")
    try:
        return _listing_of(root, kind, make)
    except OSError as error:
        raise CircuitError(f"cannot read {error.filename or root}: {error.strerror}") from None


def _listing_of(root: Path, kind: Kind, make: type[F]) -> F:
    notes: list[str] = []
    inner = _classes_in(root, kind)
    if inner != root:
        notes.append(f"what is read are the folders in {inner.relative_to(root)}")
    parts = _parts(inner, kind)
    source = f"the folder {root}"
    if not parts:
        return _listing(_scan(inner, kind), root, source, notes, make)
    train = _listing(_scan(parts["train"], kind), root, source, notes, make)
    others = {
        name: _judging(_scan(folder, kind), train)
        for name, folder in parts.items()
        if name != "train"
    }
    notes = list(train.notes)
    for name, folder in parts.items():
        if others.get(name, train) is None:
            notes.append(f"{folder.name} holds no folders of classes: left out")
    found = {name: part for name, part in others.items() if part is not None}
    beside = [x.name for x in _folders(inner) if x not in parts.values()]
    if beside:
        notes.append(f"left out, as they are beside train: {listed(beside)}")
    if "test" not in parts and "validation" in found:
        found["test"] = found.pop("validation")
    for part in found.values():
        notes += part.notes
    return replace(train, notes=tuple(notes), **found)


def files_named(paths: Sequence[str | os.PathLike[str]], kind: Kind) -> list[Path]:
    """The files that these are, and of folders those of a kind in them, at any depth, in order.

    Raises `CircuitError` where one is not there, or a folder has no file of the kind.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            found.append(path)
            continue
        inside, _ = _files_under(path, kind)
        if not inside:
            raise CircuitError(f"there are no {kind.noun}s in {path}")
        found += inside
    missing = next((path for path in found if not path.exists()), None)
    if missing is not None:
        raise CircuitError(f"cannot read {missing}: there is no such file")
    return found


def told_by_folders(
    paths: Sequence[str | os.PathLike[str]], classes: Sequence[object]
) -> np.ndarray | None:
    """The number of each file's class, told by the folders that it is in; None if of some not.

    The innermost folder of the name of a class counts.

    >>> told_by_folders(["yes/no/1.wav", "yes/2.wav"], ["no", "yes"])
    array([0, 1])
    """
    numbers = {str(name): k for k, name in enumerate(classes)}
    found = [
        next((numbers[name] for name in reversed(Path(path).parts[:-1]) if name in numbers), -1)
        for path in paths
    ]
    return None if -1 in found else np.array(found, np.int64)


def files_beside(path: str | os.PathLike[str], kind: Kind) -> list[Path]:
    """The files of a kind in a folder itself, in order; none where a folder in it holds any."""
    root = Path(path)
    found, _ = _files_under(root, kind)
    return found if all(file.parent == root for file in found) else []


# What is in a folder -----------------------------------------------------------------------------


def kind_in(path: str | os.PathLike[str], kinds: Sequence[Kind]) -> Kind | None:
    """Which of these kinds the first file in a folder, at any depth, is of that is of one at all.

    >>> import tempfile
    >>> kinds = [Kind("note", (".txt",), "text"), Kind("drawing", (".svg",), "SVG")]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "b.svg").touch(), Path(folder, "c.txt").touch()
    ...     kind_in(folder, kinds).noun
    (None, None)
    'drawing'
    """
    for folder, inner, names in os.walk(path):
        inner[:] = sorted((name for name in inner if not _hidden(name)), key=natural)
        for name in sorted(names, key=natural):
            if not _hidden(name):
                found = next((k for k in kinds if _is_of(Path(folder, name), k)), None)
                if found is not None:
                    return found
    return None


@dataclass
class _Scan:
    """The files of a kind in each of a folder's folders, and what is passed over there."""

    folder: Path
    kind: Kind
    classes: dict[str, list[Path]] = field(default_factory=dict)
    others: dict[str, Counter[str]] = field(default_factory=dict)
    passed: Counter[str] = field(default_factory=Counter)
    loose: int = 0


def _scan(folder: Path, kind: Kind) -> _Scan:
    found = _Scan(folder, kind)
    for entry in _entries(folder):
        if _hidden(entry.name):
            found.passed["hidden"] += 1
        elif entry.is_dir():
            files, others = _files_under(Path(entry.path), kind)
            name = text_of(entry.name)
            found.classes[name], found.others[name] = files, others
            found.passed += others
        elif _is_of(Path(entry.path), kind):
            found.loose += 1
        else:
            found.passed[Path(entry.name).suffix.lower()] += 1
    found.classes = {name: found.classes[name] for name in sorted(found.classes, key=natural)}
    return found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(entries)


def _files_under(folder: Path, kind: Kind) -> tuple[list[Path], Counter[str]]:
    """The files of a kind at any depth, in order, and how many others of each ending."""
    found: list[Path] = []
    others: Counter[str] = Counter()
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, onerror=_raised, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # a link leads back
            folders.clear()
            continue
        seen.add(real)
        others["hidden"] += sum(map(_hidden, folders))
        folders[:] = [name for name in folders if not _hidden(name)]
        for name in names:
            path = Path(place, name)
            if _hidden(name):
                others["hidden"] += 1
            elif _is_of(path, kind):
                found.append(path)
            else:
                others[path.suffix.lower()] += 1
    found.sort(key=lambda path: natural(path.relative_to(folder).as_posix()))
    return found, +others


def _raised(error: OSError) -> None:
    raise error


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _LITTER


def _is_of(path: Path, kind: Kind) -> bool:
    return path.suffix.lower() in kind.suffixes


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """What to sort by: numbers by size, and words without regard to case, where that decides.

    >>> sorted(["b", "A", "10", "9", "a2", "a10"], key=natural)
    ['9', '10', 'A', 'a2', 'a10', 'b']
    """
    pieces = re.split(r"([0-9]+)", name.casefold())
    return [(int(x), "") if k % 2 else (-1, x) for k, x in enumerate(pieces)], name


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder, in order, without those that are hidden."""
    found = [Path(x.path) for x in _entries(folder) if x.is_dir() and not _hidden(x.name)]
    return sorted(found, key=lambda path: natural(path.name))


def _classes_in(root: Path, kind: Kind) -> Path:
    """The folder whose folders are the classes, or the parts: within those that hold one alone."""
    folder = root
    while len(inside := _folders(folder)) == 1 and _folders(inside[0]) and not _loose(folder, kind):
        (folder,) = inside
    return folder


def _loose(folder: Path, kind: Kind) -> bool:
    """Whether files of a kind are in a folder itself."""
    return any(_is_of(Path(x.name), kind) for x in _entries(folder) if not _hidden(x.name))


def part_of(name: str) -> str | None:
    """Which part a name tells: "train", "validation" or "test"; None for any other.

    >>> part_of("Training"), part_of("val"), part_of("cats")
    ('train', 'validation', None)
    """
    return next((part for part, known in _PARTS.items() if name.casefold() in known), None)


def _parts(folder: Path, kind: Kind) -> dict[str, Path]:
    """The folders to train on and to judge by; none where the folders are the classes.

    Raises `CircuitError` where they hold files of no class.
    """
    folders = _folders(folder)
    names = {path: part for path in folders if (part := part_of(path.name)) is not None}
    parts = {part: path for path, part in names.items()}
    if "train" not in parts or len(parts) < 2:
        return {}
    if len(parts) < len(names):
        same = listed([path.name for path in names])
        raise CircuitError(f"{folder} has folders that mean the same: {same}; keep one of each")
    if _folders(parts["train"]):
        return {name: parts[name] for name in _PARTS if name in parts}
    if len(parts) == len(folders):
        raise CircuitError(
            f"{parts['train']} holds no folders: put the {kind.noun}s of each class into a "
            "folder named by it"
        )
    return {}


# Listings ----------------------------------------------------------------------------------------


def _listing(scan: _Scan, root: Path, source: str, notes: Sequence[str], make: type[F]) -> F:
    """The listing of a folder's classes.

    Raises `CircuitError` where they cannot be learned from.
    """
    classes, noun = scan.classes, scan.kind.noun
    found = _passed_over(scan.passed)
    held = f"; it holds {found}" if found else ""
    if not any(classes.values()):
        if scan.loose:
            raise CircuitError(
                f"{scan.folder} holds {counted(scan.loose, noun)} and no folders with any: "
                f"put the {noun}s of each class into a folder named by it"
            )
        raise CircuitError(
            f"there are no {noun}s in {scan.folder}{held}; read are {scan.kind.readable}"
        )
    empty = [name for name, files in classes.items() if not files]
    if empty:
        inside = _passed_over(sum((scan.others[name] for name in empty), Counter()))
        raise CircuitError(
            f"no {noun} is in {_named(empty)} of {scan.folder}"
            f"{f', but {inside}' if inside else ''}; add some, or remove the folder"
        )
    if len(classes) == 1:
        raise CircuitError(
            f"there is only one class in {scan.folder}, {next(iter(classes))!r}: to tell classes "
            "apart takes two folders at least"
        )
    files = tuple(path for inside in classes.values() for path in inside)
    return make(
        root.resolve().name,
        files,
        np.repeat(np.arange(len(classes)), [len(inside) for inside in classes.values()]),
        tuple(classes),
        root,
        source,
        (*notes, *_about(scan)),
    )


def _judging(scan: _Scan, train: F) -> F | None:
    """The files to judge by, in the classes that are trained; None where they tell no class.

    Raises `CircuitError` where they have another class.
    """
    classes = {name: files for name, files in scan.classes.items() if files}
    if not classes:
        return None
    unknown = [name for name in classes if name not in train.classes]
    if unknown:
        raise CircuitError(
            f"{scan.folder} has {_named(unknown)}, which train lacks: there are "
            f"{listed([repr(name) for name in train.classes])}"
        )
    missing = [name for name in train.classes if name not in classes]
    lacks = f"{scan.folder.name} has no {scan.kind.noun} of {listed(missing)}"
    notes = [lacks] if missing else []
    numbers = [train.classes.index(name) for name in classes]
    return replace(
        train,
        files=tuple(path for inside in classes.values() for path in inside),
        labels=np.repeat(numbers, [len(inside) for inside in classes.values()]),
        notes=(*notes, *_about(scan)),
    )


def _about(scan: _Scan) -> list[str]:
    """What is to be said of what was passed over, and of names that are nearly the same."""
    notes = []
    if found := _passed_over(scan.passed):
        notes.append(f"left out in {scan.folder.name}: {found}; read are {scan.kind.readable}")
    if scan.loose:
        notes.append(
            f"left out in {scan.folder.name}: {counted(scan.loose, scan.kind.noun)} in no "
            "folder of a class"
        )
    return notes + about_names(scan.classes)


def _passed_over(counts: Counter[str]) -> str:
    """Files of other kinds, counted by their ending.

    >>> _passed_over(Counter({".txt": 3, "hidden": 1, "": 1}))
    '3 .txt files, 1 file without an ending, 1 hidden file or folder'
    """
    texts = [
        counted(
            n,
            f"{ending} file" if ending else "file without an ending",
            "" if ending else "files without an ending",
        )
        for ending, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if ending != "hidden"
    ]
    if hidden := counts["hidden"]:
        texts.append(counted(hidden, "hidden file or folder", "hidden files or folders"))
    return ", ".join(texts)


def _named(names: Sequence[str]) -> str:
    quoted = listed([repr(name) for name in names])
    return f"class {quoted}" if len(names) == 1 else f"the classes {quoted}"

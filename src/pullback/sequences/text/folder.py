"""In: a folder of texts, by their classes. Out: the texts.

Texts of a class stand in a file named by it, one in a line; or in a folder named by it, one in each
file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.files.folder import files_beside, files_in_classes
from pullback.files.listing import Files, Kind
from pullback.files.progress import Line, working
from pullback.files.text import text_pieces
from pullback.files.words import listed, text_of
from pullback.sequences.text.sentences import Sentences, read_sentences

TEXTS = Kind("text", (".txt", ".text"), ".txt files")
_UNLABELED = ("unsup", "unlabeled", "unlabelled")  # folders of texts without a class


def texts_in(
    path: str | os.PathLike[str], encoding: str = "utf-8", *, progress: bool | None = None
) -> Sentences:
    """The texts in a folder: for each class a file, a text a line, or a folder, a text a file.

    Of folders, those of `train` and `test`, or `validation`, are found as `files_in_classes` does;
    folders named "unsup" or "unlabeled" are left out. `progress` shows that many are read.

    Raises `CircuitError` where there is nothing to learn from, or a file cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("no/1.txt", "no/2.txt", "yes/1.txt"):
    ...         (Path(folder) / name).parent.mkdir(exist_ok=True)
    ...         n = (Path(folder) / name).write_text(f"it is {name[:2]}")
    ...     data = texts_in(folder)
    >>> data.classes, data.labels.tolist(), data.texts[2]
    (('no', 'yes'), [0, 0, 1], 'it is ye')
    """
    root = Path(path)
    beside = files_beside(root, TEXTS) if root.is_dir() else []
    if beside:
        if len(beside) == 1:
            raise CircuitError(
                f"there is only one text in {root}, {beside[0].name}: to tell classes apart takes "
                "a file for each, with a text in a line, or a folder for each"
            )
        names = {text_of(file.stem): file for file in beside}
        found = read_sentences(names, name=root.resolve().name, encoding=encoding)
        return replace(found, source=f"the folder {root}, a file for each class")
    listing = _labelled(files_in_classes(root, TEXTS, _Listing))
    with working("reading texts", len(listing.all_files()), progress) as line:
        return listing.read(encoding, line)


def whole_text(path: str | os.PathLike[str], encoding: str = "utf-8") -> str:
    """The text in a file, without a mark of its encoding before it, or spaces around it.

    Raises `CircuitError` where it cannot be read.
    """
    return "".join(text_pieces(path, encoding)).removeprefix("\ufeff").strip()


@final
@dataclass(frozen=True, eq=False)
class _Listing(Files):
    """Files with a text in each."""

    def read(self, encoding: str, line: Line) -> Sentences:
        texts = []
        for file in self.files:
            texts.append(whole_text(file, encoding))
            line.advance(1)
        kept = [k for k, text in enumerate(texts) if text]
        notes = self.notes
        if len(kept) < len(texts):
            notes = (*notes, f"left out: {counted(len(texts) - len(kept), 'empty file')}")
        if not kept:
            raise CircuitError(f"there is no text in the files of {self.folder}")
        others = (self.validation, self.test)
        parts = [None if part is None else part.read(encoding, line) for part in others]
        for part in parts:
            new = () if part is None else part.notes
            notes += tuple(note for note in new if note not in notes)
        return Sentences(
            self.name,
            tuple(texts[k] for k in kept),
            self.labels[kept],
            tuple(map(str, self.classes)),
            self.source,
            validation=parts[0],
            test=parts[1],
            by_file=True,
            encoding=encoding,
            notes=notes,
        )


def _labelled(listing: _Listing) -> _Listing:
    """The same without classes whose name says that they are none."""
    without = [name for name in listing.classes if str(name).casefold() in _UNLABELED]
    classes = tuple(name for name in listing.classes if name not in without)
    if not without or len(classes) < 2:
        return listing
    lacks = f"no {TEXTS.noun} of {listed(without)}"

    def kept(part: _Listing) -> _Listing:
        rows = [k for k, y in enumerate(part.labels) if part.classes[y] not in without]
        labels = [classes.index(part.classes[part.labels[k]]) for k in rows]
        return replace(
            part,
            files=tuple(part.files[k] for k in rows),
            labels=np.array(labels, np.int64),
            classes=classes,
            notes=tuple(note for note in part.notes if not note.endswith(lacks)),
        )

    others = (listing.validation, listing.test)
    validation, test = (None if part is None else kept(part) for part in others)
    train = kept(listing)
    said = f"left out, as its name says that it has no class: {listed(without)}"
    return replace(train, validation=validation, test=test, notes=(*train.notes, said))

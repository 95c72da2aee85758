"""Published texts, each under its name: fetched once, or read from a person's folder."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pullback.core.errors import CircuitError
from pullback.datasets.builtin import DATASETS
from pullback.datasets.download import Published, local_file
from pullback.files.text import text_pieces
from pullback.sequences.text.long_text import Text
from pullback.sequences.text.sentences import Sentences, TaggedSentences, read_conllu

_CURE = "it is damaged, or another file: put the published one there"


@dataclass(frozen=True)
class TextSet:
    """A published text, by its files; to call it reads them.

    `sizes` are how many characters, or sentences, its parts have.

    Raises `CircuitError` where a file is not to be had, or is not what was published.
    """

    name: str
    source: str
    files: tuple[Published, ...]
    read: Callable[[TextSet], Text | Sentences | TaggedSentences]
    sizes: tuple[int, ...]

    def __call__(self) -> Text | Sentences | TaggedSentences:
        return self.read(self)


def _long(data: TextSet) -> Text:
    """One long text, whose last tenth is kept to judge by."""
    path = local_file(data.name, data.files[0])
    text = "".join(text_pieces(path))
    _refuse_size(path, "characters", len(text), data.sizes[0])
    cut = len(text) * 9 // 10
    kept = Text(data.name, text[cut:], data.source)
    return Text(data.name, text[:cut], data.source, kept)


def _classes(data: TextSet, members: dict[str, str]) -> Sentences:
    """A file in an archive for each class, with a text in a line."""
    path = local_file(data.name, data.files[0])
    texts: list[str] = []
    labels: list[int] = []
    for number, (member, size) in enumerate(zip(members.values(), data.sizes, strict=True)):
        found = [line.strip() for line in io.StringIO(_member(path, member))]
        found = [line for line in found if line]
        _refuse_size(path, f"texts in {member}", len(found), size)
        texts += found
        labels += [number] * len(found)
    return Sentences(data.name, tuple(texts), np.array(labels), tuple(members), data.source)


def _tagged(data: TextSet) -> TaggedSentences:
    """Three files of CoNLL-U: to train on, to validate and to test."""
    parts = []
    for file, size in zip(data.files, data.sizes, strict=True):
        path = local_file(data.name, file, f"{file.name}.gz")
        part = read_conllu(path, name=data.name)
        _refuse_size(path, "sentences", len(part), size)
        parts.append(replace(part, source=data.source))
    train, validation, test = parts
    return replace(train, validation=validation, test=test)


def _refuse_size(path: Path, what: str, found: int, wanted: int) -> None:
    if found != wanted:
        raise CircuitError(f"{path} holds {found:,} {what}, not {wanted:,}; {_CURE}")


def _member(path: Path, name: str) -> str:
    """The text of a file in an archive; nothing is unpacked into files."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(name).decode()
    except KeyError:
        raise CircuitError(f"{path} lacks {name}; {_CURE}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError) as error:
        raise CircuitError(f"cannot read {path}: {error}; {_CURE}") from None
    except OSError as error:
        raise CircuitError(f"cannot read {path}: {error.strerror or error}") from None


_NLTK = "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/packages/corpora/"

SHAKESPEARE = TextSet(
    "shakespeare",
    "1,115,394 characters of Shakespeare's plays, the last tenth to judge by (Karpathy 2015)",
    (
        Published(
            "input.txt",
            "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/",
            "6fb458f1232090904fb40fe944165e91",
        ),
    ),
    _long,
    (1_115_394,),
)
SENTENCE_POLARITY = TextSet(
    "sentence-polarity",
    "10,662 sentences of film reviews, half of them positive (Pang and Lee 2005, through NLTK)",
    (Published("sentence_polarity.zip", _NLTK, "5cdc0cae7f558040d050c90eb2b72e97"),),
    lambda data: _classes(
        data,
        {
            "negative": "sentence_polarity/rt-polarity.neg",
            "positive": "sentence_polarity/rt-polarity.pos",
        },
    ),
    (5_331, 5_331),
)
NAMES = TextSet(
    "names",
    "7,944 first names, 5,001 of women and 2,943 of men (Kantrowitz and Ross 1994, through NLTK)",
    (Published("names.zip", _NLTK, "93844d7c995ad28f40528c08a3430175"),),
    lambda data: _classes(data, {"female": "names/female.txt", "male": "names/male.txt"}),
    (5_001, 2_943),
)
# Releases differ in some tags, and a person's own file may be of any: what is checked is what they
# all have.
EWT = TextSet(
    "ewt",
    "16,622 sentences of the English Web Treebank, each word with its part of speech "
    "(Universal Dependencies; Silveira and others 2014)",
    tuple(
        Published(
            f"en_ewt-ud-{part}.conllu",
            "https://raw.githubusercontent.com/UniversalDependencies/UD_English-EWT/r2.15/",
            None,
        )
        for part in ("train", "dev", "test")
    ),
    _tagged,
    (12_544, 2_001, 2_077),
)

for _set in (SHAKESPEARE, SENTENCE_POLARITY, NAMES, EWT):
    DATASETS.add(_set.name, _set)

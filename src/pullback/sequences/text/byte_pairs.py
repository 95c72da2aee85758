"""The tokenizer of byte pairs: frequent pieces of words, made of the bytes of the text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.sequences.text.tokenizer import (
    Tokenizer,
    checked_numbers,
    checked_text,
    register,
)

_BYTES = 256


@final
@register
@dataclass(frozen=True)
class BytePairs(Tokenizer):
    """A number for each piece of text, pieces being joined from bytes by how often they meet.

    Any text can be encoded, as each byte is an entry, and `decode` gives it back. It is made by the
    library `tokenizers` (extra `text`), whose JSON of it is `model`. `vocabulary` has the entries
    as that spells them: "Ġ" for a space, a letter for each byte of others than ASCII.

    Raises `CircuitError` where `tokenizers` is not installed, or the JSON is of something else.
    Source: Sennrich, Haddow, Birch, "Neural machine translation of rare words with subword units"
    (2016); Radford and others, "Language models are unsupervised multitask learners" (2019).

    >>> pieces = BytePairs.of("low lower lowest " * 10, size=260)
    >>> pieces.vocabulary[256:]
    ('lo', 'low', 'Ġlow', 'Ġlowe')
    >>> numbers = pieces.encode("slow 😀")
    >>> pieces.decode(numbers)
    'slow 😀'
    """

    model: str = field(repr=False)
    vocabulary: tuple[str, ...] = field(init=False, compare=False)
    _pieces: Any = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _refuse_missing()
        from tokenizers import Tokenizer as Pieces

        try:
            model = json.dumps(json.loads(self.model))  # one spelling of it, to compare
            pieces = Pieces.from_str(model)
        except Exception as error:  # the library raises no narrower kind
            raise CircuitError(f"the JSON is of no tokenizer of byte pairs: {error}") from None
        entries = [pieces.id_to_token(k) for k in range(pieces.get_vocab_size())]
        if None in entries or len(entries) < _BYTES or pieces.decoder is None:
            raise CircuitError("the JSON is of another tokenizer than BytePairs.of makes")
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "vocabulary", tuple(entries))
        object.__setattr__(self, "_pieces", pieces)

    @classmethod
    def of(cls, text: str | Iterable[str], *, size: int = 1024) -> BytePairs:
        """Pieces of a text, or of several, as many entries as `size` in all, or as there are.

        Raises `CircuitError` for a size below 256, one entry for each byte.
        """
        _refuse_missing()
        from tokenizers import Tokenizer as Pieces
        from tokenizers import decoders, models, pre_tokenizers, trainers

        if isinstance(size, bool) or not isinstance(size, int) or size < _BYTES:
            raise CircuitError(
                f"byte pairs have {_BYTES} entries at least, one a byte; got {size!r}"
            )
        pieces = Pieces(models.BPE())
        pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        pieces.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=size,
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        )
        texts = [text] if isinstance(text, str) else text
        pieces.train_from_iterator((_encodable(piece) for piece in texts), trainer)
        return cls(pieces.to_str())

    def encode(self, text: str) -> np.ndarray:
        """The number of each piece, (pieces,) of int64; see `Tokenizer.encode`."""
        return np.array(self._pieces.encode(_encodable(text)).ids, np.int64)

    def decode(self, numbers: Any) -> str:
        """The text of numbers (pieces,); bytes that are of no character become "\\ufffd"."""
        which = checked_numbers(numbers, len(self.vocabulary))
        return self._pieces.decode(which.tolist(), skip_special_tokens=False)

    def describe(self) -> dict[str, Any]:
        """What `tokenizer_from` makes it from again, as JSON can hold it."""
        return {"kind": "BytePairs", "model": json.loads(self.model)}

    @classmethod
    def construct(cls, description: Mapping[str, Any]) -> BytePairs:
        """The tokenizer that `describe` told of."""
        return cls(json.dumps(description["model"]))

    def _is_unfinished(self, text: str) -> bool:
        return text.endswith("\ufffd")

    def __reduce__(self) -> Any:
        return BytePairs, (self.model,)


def _refuse_missing() -> None:
    if find_spec("tokenizers") is None:
        raise CircuitError('byte pairs need tokenizers: pip install "pullback[text]"')


def _encodable(text: Any) -> str:
    """A text that has bytes in UTF-8."""
    try:
        checked_text(text).encode()
    except UnicodeEncodeError as error:
        raise CircuitError(
            f"the character {text[error.start]!r} at position {error.start} is half a pair of "
            "UTF-16 and has no bytes: read the file as UTF-8"
        ) from None
    return text

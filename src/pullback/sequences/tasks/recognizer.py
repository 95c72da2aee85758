"""In: a network that hears, and the names of its classes. Out: a file of both, which hears files.

Of a word in each recording it answers the class and how likely each is, and of several words, what
was heard, in order, and how likely that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np

from pullback.core.errors import CircuitError
from pullback.core.text import counted
from pullback.files.answers import Answers
from pullback.files.folder import files_named, told_by_folders
from pullback.files.progress import working
from pullback.files.words import text_of
from pullback.gates.reduction import softmax
from pullback.layers import MFCC, Layer, LogMel, Padded
from pullback.losses import CTC
from pullback.sequences.decoding import greedy
from pullback.sequences.sound.batches import features_of
from pullback.sequences.sound.listing import about_channels, choose_rate
from pullback.sequences.sound.reading import RECORDINGS, Sound, read_head, read_recording, resampled
from pullback.sequences.sound.recordings import Recordings
from pullback.sequences.sound.seeing.heard import Heard, heard_when
from pullback.sequences.tasks.answering import answered
from pullback.sequences.tasks.trained import TrainedSequences, checked_classes, register

_AT_ONCE = 256  # recordings in memory


@final
@register
@dataclass(frozen=True, kw_only=True)
class Recognizer(TrainedSequences):
    """A network that takes sounds, and names for what it hears: `single` words, or strings."""

    model: Padded
    classes: tuple[Any, ...]
    single: bool
    task: ClassVar[str] = "speech recognition"
    noun: ClassVar[str] = "recognizer"

    @property
    def features(self) -> LogMel | MFCC:
        """The layer that makes features of sounds."""
        return self.model[0]  # pyright: ignore[reportReturnType]

    @property
    def rate(self) -> int:
        """The samples a second of the sounds that it takes."""
        return self.features.config["rate"]

    def says(self) -> list[str]:
        names = ", ".join(map(str, self.classes))
        which = f"which of {len(self.classes)} classes"
        what = "is heard in a recording" if self.single else "are heard in a recording, in order"
        return [
            f"tells {which} {what}: {names}",
            f"takes WAV and FLAC files, at {self.rate:,} Hz; others are resampled",
        ]

    def describe(self) -> dict[str, Any]:
        return {"classes": list(self.classes), "single": self.single}

    @classmethod
    def construct(cls, description: Mapping[str, Any], **common: Any) -> Recognizer:
        classes, single = description["classes"], description["single"]
        if (
            type(single) is not bool
            or not isinstance(classes, list)
            or not all(type(name) in (str, int, float, bool) for name in classes)
            or not all(np.isfinite(name) for name in classes if type(name) is float)
            or not checked_classes([str(name) for name in classes])
        ):
            raise CircuitError("what it tells about its classes is not possible")
        return cls(classes=tuple(classes), single=single, **common)

    def check(self) -> None:
        """Raise `CircuitError` where the layers do not hear sounds in these classes."""
        count = len(self.classes)
        shape = None
        try:
            if isinstance(self.model, Padded) and isinstance(self.features, LogMel | MFCC):
                samples = self.rate // 10
                y = self.model.predict((np.zeros((1, samples), np.float32), np.array([samples])))
                shape = np.shape(y)
        except Exception:  # what foreign layers make of it cannot be foreseen
            shape = None
        ranks = {True: (1, count), False: (1, count + 1)}
        if shape is None or (shape[0], shape[-1]) != ranks[self.single]:
            raise CircuitError("the layers do not take sounds, or have other classes")
        if len(shape) != (2 if self.single else 3):
            raise CircuitError("the layers do not take sounds, or have other classes")

    def scores(self, sounds: Sequence[Any]) -> list[np.ndarray]:
        """What the network says of each sound: (classes,), or of strings (frames, classes + 1).

        A sound is what `read_recording` answers, brought to the model's rate, or samples (n,) that
        have it. Of strings the last class is the blank.

        Raises `CircuitError` for what is no sound, or shorter than a window.
        """
        own = [
            resampled(x.samples, x.rate, self.rate) if isinstance(x, Sound) else x for x in sounds
        ]
        data = Recordings("these sounds", own, self.rate, np.zeros(len(own), int), self.classes)
        least = round(self.features.config["window"] * self.rate)
        if (short := np.flatnonzero(data.lengths < least)).size:
            raise CircuitError(
                f"sound {short[0]} is of {data.lengths[short[0]] / self.rate:.3f} s, too short to "
                f"hear a word: it takes {least / self.rate:g} s"
            )
        return scores_of(self.model[1:], features_of(data, self.features, progress=False))

    def heard(self, sound: Any) -> list[Heard]:
        """What was heard in a sound, and when, as `spectrogram` shows it; see `scores`.

        A network that was trained on labels without times often says each only where it is sure.

        Raises `CircuitError` for a model of single words, which says nothing of when.
        """
        if self.single:
            raise CircuitError("this model hears one word in a whole sound, and not when it is")
        (scores,) = self.scores([sound])
        step = self.features.config["step"]
        return heard_when(scores, step, self.classes, blank=len(self.classes))

    def answers(self, data: Sequence[str], *, encoding: str | None = None) -> Answers:
        """What it hears in recordings, and in those in folders, named by their paths.

        Raises `CircuitError` where one cannot be read, is silent, or too short.
        """
        if encoding is not None:
            raise CircuitError("an encoding says nothing about recordings")
        files = files_named(data, RECORDINGS)
        heads = [read_head(file) for file in files]
        notes = (*choose_rate(heads, self.rate)[1], *about_channels(heads))
        scores: list[np.ndarray] = []
        with working("hearing recordings", len(files), None) as line:
            for start in range(0, len(files), _AT_ONCE):
                part = files[start : start + _AT_ONCE]
                scores += self.scores([self._sound(file) for file in part])
                line.advance(len(part))
        names = {"file": [text_of(file) for file in files]}
        if not self.single:
            return Answers({**names, **self._strings(scores)}, self.classes, notes=notes)
        shares = softmax(np.array(scores), axis=1)
        best = shares.argmax(axis=1)
        columns = {
            **names,
            "prediction": [self.classes[k] for k in best],
            **{f"probability {c}": shares[:, k] for k, c in enumerate(self.classes)},
        }
        truth = told_by_folders(files, self.classes)
        measured = {} if truth is None else {"accuracy": float((best == truth).mean())}
        judged = f"by the folders of {counted(len(files), 'recording')}"
        return Answers(columns, self.classes, measured, judged, notes)

    def _sound(self, file: Path) -> np.ndarray:
        sound = read_recording(file, self.rate).samples
        least = round(self.features.config["window"] * self.rate)
        if len(sound) < least:
            raise CircuitError(
                f"cannot hear {file}: it is of {len(sound) / self.rate:.3f} s, too short to hear a "
                f"word, which takes {least / self.rate:g} s; leave it out"
            )
        return sound

    def _strings(self, scores: Sequence[np.ndarray]) -> dict[str, list[Any]]:
        """The likeliest labels of each recording, and the probability of all their alignments."""
        blank = len(self.classes)
        found = [greedy(row[None], blank=blank)[0] for row in scores]
        costs = [
            CTC(blank)(row[None].astype(np.float64), [labels or [-1]]).value
            for row, labels in zip(scores, found, strict=True)
        ]
        return {
            "heard": [" ".join(str(self.classes[k]) for k in labels) for labels in found],
            "probability": [float(np.exp(-cost)) for cost in costs],
        }


def scores_of(model: Layer, rows: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What a network says of features (frames, n) of each recording, those of like length at once.

    Raises `CircuitError` where an answer is not finite.
    """
    found: list[np.ndarray] = [np.zeros(0)] * len(rows)
    for which, answers, lengths in answered(model, rows):
        for k, row, length in zip(which, answers, model.output_lengths(lengths), strict=True):
            found[k] = row if row.ndim == 1 else row[:length]
    return found

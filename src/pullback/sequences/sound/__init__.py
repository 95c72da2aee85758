"""Sound: recordings read from files, features of them in batches, and how they are seen."""

from pullback.sequences.padding import padded
from pullback.sequences.sound.batches import RecordingBatches, features_of
from pullback.sequences.sound.folder import list_recordings, recordings_in
from pullback.sequences.sound.listing import Listing
from pullback.sequences.sound.reading import Sound, read_recording, resampled
from pullback.sequences.sound.recordings import Recordings
from pullback.sequences.sound.seeing import spectrogram
from pullback.sequences.sound.strings import strung

__all__ = [
    "Listing",
    "RecordingBatches",
    "Recordings",
    "Sound",
    "features_of",
    "list_recordings",
    "padded",
    "read_recording",
    "recordings_in",
    "resampled",
    "spectrogram",
    "strung",
]

"""Word vectors: trained on text, asked, judged, kept in the formats that other tools read."""

from __future__ import annotations

from pullback.words.vectors import Unseen, WordVectors

__all__ = ["Unseen", "WordVectors"]

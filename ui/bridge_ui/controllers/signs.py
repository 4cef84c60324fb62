"""What a state looks like; which states there are, :mod:`bridge_ui.controllers.words` knows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """What a theme colours a state by."""

    PLAIN = "plain"
    BUSY = "busy"
    WAITS = "waits for you"
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Sign:
    """A state: a sign to see, words to read, a tone to colour them by."""

    mark: str
    words: str
    tone: Tone

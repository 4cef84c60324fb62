"""What a state looks like; which states there are, :mod:`bridge_ui.core.display_text` knows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """What a theme colours a state by."""

    NEUTRAL = "plain"
    BUSY = "busy"
    ATTENTION = "waits for you"
    SUCCESS = "good"
    ERROR = "bad"


@dataclass(frozen=True, slots=True)
class StatusSign:
    """A state: a sign to see, words to read, a tone to colour them by."""

    symbol: str
    text: str
    tone: Tone

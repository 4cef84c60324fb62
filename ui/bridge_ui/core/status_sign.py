"""How a state is shown; :mod:`bridge_ui.core.display_text` has the states."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """Selects the colour of a state."""

    NEUTRAL = "neutral"
    BUSY = "busy"
    ATTENTION = "attention"
    SUCCESS = "success"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class StatusSign:
    symbol: str
    text: str
    tone: Tone

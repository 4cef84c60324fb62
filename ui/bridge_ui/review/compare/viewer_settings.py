"""The viewer's settings: compare mode, wipe, gain, opacity, exposure, gamma. No Qt.

They affect the display only. Proxies have the display view applied, so exposure is an
approximation: values are treated as a 2.2 power curve of light.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

_DISPLAY_GAMMA = 2.2

EXPOSURE_RANGE = (-8.0, 8.0)
GAMMA_RANGE = (0.2, 5.0)
GAIN_RANGE = (1.0, 64.0)


class CompareMode(StrEnum):
    A = "A"
    B = "B"
    WIPE = "wipe"
    DIFFERENCE = "difference"
    OVERLAY = "overlay"
    SIDE_BY_SIDE = "side by side"

    @property
    def sides(self) -> tuple[str, ...]:
        """The sides that this mode shows."""
        return (self.value,) if self in (CompareMode.A, CompareMode.B) else ("A", "B")


class CompareSelection:
    """The compare mode as chosen and as the open sources allow, and the sides that it shows."""

    def __init__(self) -> None:
        self.mode = CompareMode.WIPE
        """As chosen; while B is empty, only A is shown."""
        self._sides: frozenset[str] = frozenset()
        self._is_chosen = False
        """The user has chosen the mode since the shot was opened."""

    @property
    def shown_mode(self) -> CompareMode:
        return self.mode if "B" in self._sides else CompareMode.A

    @property
    def visible_sides(self) -> tuple[str, ...]:
        return tuple(side for side in self.shown_mode.sides if side in self._sides)

    def set_sides(self, sides: Iterable[str], *, is_new_shot: bool) -> None:
        """Set the sides that have a source. A new shot shows B again if only A was shown."""
        self._sides = frozenset(sides)
        if is_new_shot:
            self._is_chosen = False
        if self.mode is CompareMode.A and "B" in self._sides and not self._is_chosen:
            self.mode = CompareMode.B

    def choose(self, mode: CompareMode) -> bool:
        """Choose a mode; False if it needs B and B is empty."""
        if "B" in mode.sides and "B" not in self._sides:
            return False
        self.mode, self._is_chosen = mode, True
        return True


@dataclass
class ViewerSettings:
    compare: CompareMode = CompareMode.WIPE
    wipe: float = 0.5
    """Position of the wipe, 0 to 1 over the picture's width; B is on its right."""
    gain: float = 4.0
    """Factor of a difference."""
    opacity: float = 0.5
    """Opacity of B over A."""
    exposure: float = 0.0
    """Stops."""
    gamma: float = 1.0

    @property
    def lookup_table(self) -> bytes | None:
        """Output for each of 256 input values; None if nothing changes."""
        gain = self.gain if self.compare is CompareMode.DIFFERENCE else 1.0
        if gain == 1 and self.exposure == 0 and self.gamma == 1:
            return None
        return _lookup_table(gain, self.exposure, self.gamma)


def gain_step(gain: float) -> int:
    """A gain in quarter stops, 0 to 24."""
    step = 0
    while step < 24 and 2 ** ((step + 0.5) / 4) < gain:
        step += 1
    return step


def exposure_text(settings: ViewerSettings) -> str:
    """``EV +1.5  γ 1.00``"""
    stops = f"{settings.exposure:+.2f}".rstrip("0").rstrip(".") if settings.exposure else "0"
    return f"EV {stops}  γ {settings.gamma:.2f}"


@lru_cache(maxsize=64)
def _lookup_table(gain: float, exposure: float, gamma: float) -> bytes:
    factor = gain * 2 ** (exposure / _DISPLAY_GAMMA)
    return bytes(
        min(255, round(255 * min(1.0, value / 255 * factor) ** (1 / gamma))) for value in range(256)
    )

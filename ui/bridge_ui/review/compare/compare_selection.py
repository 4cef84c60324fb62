"""Which compare mode is shown, as chosen and as the open sources allow. No Qt."""

from __future__ import annotations

from collections.abc import Iterable

from bridge_ui.review.compare.viewer_settings import CompareMode


class CompareSelection:
    """The chosen compare mode, and the sides that it shows."""

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

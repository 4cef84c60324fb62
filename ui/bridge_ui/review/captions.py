"""The words on the pictures: what A and B are, the frame, and facts about what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bridge_ui.review.compare import look_words

if TYPE_CHECKING:
    from bridge_ui.review.canvas import Canvas
    from bridge_ui.review.clock import PlaybackClock
    from bridge_ui.review.transport import Transport


class Captions:
    def __init__(self, canvas: Canvas, transport: Transport) -> None:
        self._canvas, self._transport = canvas, transport
        self.about = ("", "")
        """Facts about A and B, as ``1920×1080 · ACES view``; empty: nothing is known."""

    def name(self, names: Mapping[str, str], a: str, b: str) -> None:
        """``names`` are those of the choices by id, ``a`` and ``b`` ids of what stands there."""
        ids = {"A": a, "B": b}
        self._canvas.name(*(f"{s} · {names[one]}" if one in names else s for s, one in ids.items()))

    def show(self, clock: PlaybackClock) -> None:
        """The frame and the changed look, and the facts of the sides that are on the screen."""
        now = self._canvas.look
        shown = [self.about["AB".index(side)] for side in now.compare.sides]
        changed = f"  ·  {look_words(now)}" if (now.exposure, now.gamma) != (0, 1) else ""
        self._canvas.caption(
            self._transport.words(clock) + changed,
            " → ".join(dict.fromkeys(filter(None, shown))),
        )

    def clear(self) -> None:
        self._canvas.name("", "")
        self._canvas.caption("", "")

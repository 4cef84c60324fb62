"""The words on the pictures: what A and B are, the frame, and facts about what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bridge_ui.review.compare.compare_widgets import exposure_text

if TYPE_CHECKING:
    from bridge_ui.review.canvas.canvas_widget import ViewerCanvas
    from bridge_ui.review.player.playback_clock import PlaybackClock
    from bridge_ui.review.player.transport_widgets import TransportBar


class Captions:
    def __init__(self, canvas: ViewerCanvas, transport: TransportBar) -> None:
        self._canvas, self._transport = canvas, transport
        self.source_info = ("", "")
        """Facts about A and B, as ``1920×1080 · ACES view``; empty: nothing is known."""

    def set_names(self, names: Mapping[str, str], a: str, b: str) -> None:
        """``names`` are those of the choices by id, ``a`` and ``b`` ids of what stands there."""
        ids = {"A": a, "B": b}
        self._canvas.set_titles(
            *(f"{s} · {names[one]}" if one in names else s for s, one in ids.items())
        )

    def update(self, clock: PlaybackClock) -> None:
        """The frame and the changed look, and the facts of the sides that are on the screen."""
        settings = self._canvas.settings
        infos = [self.source_info["AB".index(side)] for side in settings.compare.sides]
        exposure = (
            f"  ·  {exposure_text(settings)}"
            if (settings.exposure, settings.gamma) != (0, 1)
            else ""
        )
        self._canvas.set_captions(
            self._transport.position_text(clock) + exposure,
            " → ".join(dict.fromkeys(filter(None, infos))),
        )

    def clear(self) -> None:
        self._canvas.set_titles("", "")
        self._canvas.set_captions("", "")

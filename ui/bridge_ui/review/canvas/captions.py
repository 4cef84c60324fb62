"""The captions on the picture: titles of A and B, the frame, and facts about the sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bridge_ui.review.compare.viewer_settings import exposure_text

if TYPE_CHECKING:
    from bridge_ui.review.canvas.canvas_widget import ViewerCanvas
    from bridge_ui.review.player.playback_clock import PlaybackClock
    from bridge_ui.review.player.transport_widgets import TransportBar


class Captions:
    """Sets the canvas's titles and captions."""

    def __init__(self, canvas: ViewerCanvas, transport: TransportBar) -> None:
        self._canvas, self._transport = canvas, transport
        self.source_info = ("", "")
        """Facts about A and B, such as ``1920×1080 · ACES view``; empty if unknown."""

    def set_names(self, names: Mapping[str, str], a: str, b: str) -> None:
        """``names`` are the choices' names by id; ``a`` and ``b`` are ids."""
        ids = {"A": a, "B": b}
        self._canvas.set_titles(
            *(f"{s} · {names[one]}" if one in names else s for s, one in ids.items())
        )

    def update(self, clock: PlaybackClock) -> None:
        """Show the position, changed exposure or gamma, and facts about the visible sides."""
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

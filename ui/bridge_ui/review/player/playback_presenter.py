"""Connects the player with the transport bar and the timeline."""

from __future__ import annotations

from bridge_ui.review.player.qt_player import Player
from bridge_ui.review.player.timeline_widget import TimelineBar
from bridge_ui.review.player.transport_widgets import TransportBar


class PlaybackPresenter:
    """Shows the player's state, and passes the user's input on to it."""

    def __init__(self, player: Player, transport: TransportBar, timeline: TimelineBar) -> None:
        self._player, self._transport, self._timeline = player, transport, timeline
        player.state_changed.connect(self._show_state)
        player.cache_changed.connect(self._show_cached)
        transport.first_frame_requested.connect(lambda: self.go_to(player.clock.in_point))
        transport.step_back_requested.connect(lambda: player.step(-1))
        transport.play_toggled.connect(player.toggle)
        transport.step_forward_requested.connect(lambda: player.step(1))
        transport.last_frame_requested.connect(lambda: self.go_to(player.clock.out_point))
        transport.loop_toggled.connect(player.set_loop)
        timeline.scrubbed.connect(self.go_to)

    def go_to(self, frame: int) -> None:
        """Stop, and show a frame."""
        self._player.stop()
        self._player.seek(frame)

    def show_frame(self) -> None:
        """Update the position."""
        clock = self._player.clock
        self._timeline.set_frame(clock.frame)
        self._transport.show_clock(clock)

    def _show_state(self) -> None:
        clock = self._player.clock
        self._transport.show_clock(clock)
        self._timeline.set_marks(clock.in_point, clock.out_point)
        self._show_cached()

    def _show_cached(self) -> None:
        self._timeline.set_cached(self._player.cache.cached_frames())

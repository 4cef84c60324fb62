"""The plate frame at a host's playhead."""

from __future__ import annotations

from fractions import Fraction

import pytest

from bridge_core.hosts.base import Host, HostCapability, HostScene
from bridge_core.models.frames import FrameRange, Retime
from bridge_core.models.media import Plate
from bridge_core.models.shots import Shot, ShotId
from bridge_ui.host.playhead import ViewedFrame, find_viewed_frame, has_playhead


class PlayheadHost(Host):
    """A host that shows a record frame."""

    def __init__(self, frame: int | None, *more: HostCapability) -> None:
        self._frame = frame
        self._capabilities = frozenset(more)

    @property
    def title(self) -> str:
        return "a host"

    @property
    def capabilities(self) -> frozenset[HostCapability]:
        return self._capabilities

    def scene(self) -> HostScene:
        return HostScene("", "")

    def current_frame(self) -> int | None:
        return self._frame


def shot(record: int | None, retime: Retime = Retime()) -> Shot:  # noqa: B008 - immutable
    return Shot(
        id=ShotId(show="s", sequence="q", shot="h"),
        plate=Plate(path="/p/p.%04d.exr", range=FrameRange.of(1001, 1020)),
        cut_range=FrameRange.of(1005, 1012),
        head_handle=2,
        tail_handle=2,
        retime=retime,
        record_range=None if record is None else FrameRange.of(record, record + 7),
    )


@pytest.mark.parametrize(
    ("record", "expected"),
    [(100, 1005), (107, 1012), (98, 1003), (109, 1014), (97, None), (110, None), (None, None)],
)
def test_the_frame_is_a_plate_frame_including_handles(
    record: int | None, expected: int | None
) -> None:
    host = PlayheadHost(record, HostCapability.PLAYHEAD)
    assert has_playhead(host)
    found = find_viewed_frame(host, [shot(None), shot(100)])
    assert (found and found.frame) == expected


def test_a_retime_is_followed() -> None:
    backwards = shot(100, Retime(speed=Fraction(-1)))
    assert find_viewed_frame(
        PlayheadHost(100, HostCapability.PLAYHEAD), [backwards]
    ) == ViewedFrame(backwards.id, 1012)
    assert find_viewed_frame(PlayheadHost(99, HostCapability.PLAYHEAD), [backwards]) is None


@pytest.mark.parametrize("more", [(), (HostCapability.PLAYHEAD, HostCapability.ANY_THREAD)])
def test_a_host_without_a_synchronous_playhead_is_not_called(
    more: tuple[HostCapability, ...],
) -> None:
    assert find_viewed_frame(PlayheadHost(100, *more), [shot(100)]) is None

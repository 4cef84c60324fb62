"""The playback clock: exact rates, dropped frames, loop, shuttle, marks."""

from __future__ import annotations

from fractions import Fraction

import pytest

from bridge_core.models.frames import FrameRange
from bridge_ui.review.player.playback_clock import PlaybackClock

SECOND = 1_000_000_000


def clock(first: int = 1001, last: int = 1010, rate: str = "24") -> PlaybackClock:
    return PlaybackClock(FrameRange.of(first, last, rate))


def run(subject: PlaybackClock, start: int, pictures: int) -> list[int]:
    """The frames shown if each is requested exactly when it is due."""
    now, shown = start, []
    for _ in range(pictures):
        now += subject.time_to_next_frame(now)
        frame = subject.due_frame(now)
        if frame is None:
            break
        subject.set_shown_frame(frame, now)
        shown.append(frame)
    return shown


@pytest.mark.parametrize("rate", ["24000/1001", "24", "25", "30000/1001", "60"])
def test_playback_is_exact_after_an_hour(rate: str) -> None:
    subject = clock(1, 10**6, rate)
    subject.play(1, 0)
    exact = Fraction(rate)
    hour = 3600 * SECOND
    assert subject.due_frame(hour) == 1 + int(3600 * exact)
    subject.set_shown_frame(1 + int(3600 * exact), hour)
    # Exact to the nanosecond.
    number = int(3600 * exact) + 1
    due_at = -(-number * SECOND * exact.denominator // exact.numerator)
    assert subject.due_frame(due_at - 1) is None
    assert subject.due_frame(due_at) == 1 + number
    assert subject.time_to_next_frame(due_at - 1000) == 1000


def test_every_frame_is_shown_once_and_the_loop_continues_at_the_in_point() -> None:
    subject = clock(1001, 1004)
    subject.play(1, 7)
    assert run(subject, 7, 9) == [1002, 1003, 1004, 1001, 1002, 1003, 1004, 1001, 1002]
    assert subject.dropped_count == 0
    assert subject.shown_count == 9


def test_without_loop_it_stops_on_the_last_frame_and_play_starts_over() -> None:
    subject = clock(1001, 1003)
    subject.loop = False
    subject.play(1, 0)
    assert run(subject, 0, 9) == [1002, 1003]
    assert subject.frame == 1003
    assert not subject.is_playing
    subject.toggle(SECOND)
    assert subject.frame == 1001
    assert run(subject, SECOND, 9) == [1002, 1003]


def test_without_loop_double_speed_still_shows_the_last_frame() -> None:
    subject = clock(1001, 1004)
    subject.loop = False
    subject.play(2, 0)
    assert run(subject, 0, 9) == [1003, 1004]


def test_a_late_request_drops_frames_and_stays_in_time() -> None:
    subject = clock(1, 1000)
    subject.play(1, 0)
    late = SECOND * 5 // 24 + 3
    assert subject.due_frame(late) == 6
    subject.set_shown_frame(6, late)
    assert subject.dropped_count == 4
    assert subject.due_frame(SECOND * 6 // 24 + 1) == 7


def test_a_late_picture_delays_playback_and_is_counted() -> None:
    subject = clock(1, 1000)
    subject.play(1, 0)
    late = SECOND * 5 // 24 + 3
    assert subject.next_frame() == 2
    subject.set_shown_frame(2, late)
    assert subject.dropped_count == 4
    assert subject.due_frame(late + 1) is None
    assert subject.due_frame(late + SECOND // 24 + 1) == 3


def test_j_k_l() -> None:
    subject = clock(1001, 1100)
    subject.seek(1050)
    speeds = []
    for direction in (1, 1, 1, 1, -1, -1, -1, 1):
        subject.shuttle(direction, 0)
        speeds.append(subject.speed)
    assert speeds == [1, 2, 4, 4, -1, -2, -4, 1]
    subject.play(0, 0)
    assert not subject.is_playing


@pytest.mark.parametrize(
    ("speed", "frames"),
    [
        (-1, [1002, 1001, 1005, 1004, 1003, 1002]),
        (2, [1005, 1002, 1004, 1001, 1003, 1005]),
        (-2, [1001, 1004, 1002, 1005, 1003, 1001]),
    ],
)
def test_shuttle_wraps_in_both_directions(speed: int, frames: list[int]) -> None:
    subject = clock(1001, 1005)
    subject.seek(1003)
    subject.play(speed, 0)
    assert run(subject, 0, 6) == frames
    assert subject.dropped_count == 0


def test_marks_limit_playback_and_may_cross() -> None:
    subject = clock()
    subject.mark_in(1003, 0)
    subject.mark_out(1005, 0)
    subject.play(1, 0)
    assert subject.frame == 1003
    assert run(subject, 0, 4) == [1004, 1005, 1003, 1004]
    subject.mark_in(1008, 0)
    assert (subject.in_point, subject.out_point) == (1008, 1010)
    subject.mark_out(1002, 0)
    assert (subject.in_point, subject.out_point) == (1001, 1002)
    subject.clear_marks(0)
    assert (subject.in_point, subject.out_point) == (1001, 1010)


def test_playback_from_outside_the_marks_returns_to_them() -> None:
    subject = clock()
    subject.mark_in(1003, 0)
    subject.mark_out(1005, 0)
    subject.play(1, 0)
    subject.seek(1009, 0)
    assert run(subject, 0, 4) == [1003, 1004, 1005, 1003]


def test_stepping_stops_playback_and_stays_in_the_range() -> None:
    subject = clock()
    subject.play(1, 0)
    assert subject.step(-5) == 1001
    assert not subject.is_playing
    assert subject.step(99) == 1010


def test_a_range_of_one_frame_can_be_played() -> None:
    subject = clock(1001, 1001)
    subject.play(1, 0)
    assert run(subject, 0, 3) == [1001, 1001, 1001]
    subject.loop = False
    subject.play(1, 0)
    assert run(subject, 0, 3) == []
    assert not subject.is_playing

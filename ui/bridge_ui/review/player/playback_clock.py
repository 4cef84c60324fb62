"""The playback clock: which frame is due, at exact rates. No Qt, no timer, no threads.

Times are integer nanoseconds of any monotonic clock and are passed in, so that tests need not wait.
Pictures follow each other at the range's rate; at 2x every second frame is shown, so that shuttling
takes no more decoding than normal playback.
"""

from __future__ import annotations

from bridge_core.models.frames import FrameRange

_NANOSECONDS_PER_SECOND = 1_000_000_000

#: Speeds that J and L step through.
SPEEDS = (1, 2, 4)


class PlaybackClock:
    """A position in a range, with in and out points, that moves at a speed.

    ``frame`` is on the screen. ``speed`` is 0 when stopped, negative backwards. ``dropped_count``
    counts the frame intervals since playback began in which no new picture was shown.
    """

    def __init__(self, frames: FrameRange) -> None:
        self.range = frames
        self.frame = frames.first
        self.speed = 0
        self.loop = True
        self.in_point = frames.first
        self.out_point = frames.last
        self.dropped_count = 0
        self.shown_count = 0
        # Pictures are numbered from the last change of position or speed.
        self._anchor = 0  # when picture 0 was due
        self._start = frames.first  # the frame of picture 0
        self._count = 0  # the number of the picture on the screen

    @property
    def is_playing(self) -> bool:
        return self.speed != 0

    # Position

    def seek(self, frame: int, now: int = 0) -> int:
        """Go to a frame, or the nearest one in the range; playback continues from there."""
        self.frame = max(self.range.first, min(self.range.last, frame))
        self._restart_timing(now)
        return self.frame

    def step(self, frames: int) -> int:
        """Stop, and move by a number of frames."""
        self.speed = 0
        return self.seek(self.frame + frames)

    # Playback

    def play(self, speed: int, now: int) -> None:
        """Play at a speed; 0 stops. At the end of the range, playback starts over."""
        if speed and not self.speed:
            self.dropped_count = self.shown_count = 0
            end, start = self._end_and_start(speed)
            if self.frame == end or not self.in_point <= self.frame <= self.out_point:
                self.frame = start
        self.speed = speed
        self._restart_timing(now)

    def toggle(self, now: int) -> None:
        self.play(0 if self.speed else 1, now)

    def shuttle(self, direction: int, now: int) -> None:
        """L (1) and J (-1): the first press plays, further ones double the speed up to 4x; a change
        of direction starts at 1x again."""
        if self.speed * direction > 0:
            index = SPEEDS.index(abs(self.speed))
            speed = SPEEDS[min(index + 1, len(SPEEDS) - 1)]
        else:
            speed = 1
        self.play(direction * speed, now)

    def due_frame(self, now: int) -> int | None:
        """The frame to show now; None if the one on the screen is still due.

        Without loop, playback stops when the last frame's time has passed.
        """
        if not self.speed:
            return None
        number = self._picture_number(now)
        if number <= self._count:
            return None
        frame = self._frame_at(number)
        if frame is None:
            end, _ = self._end_and_start(self.speed)
            if self.frame == end:
                self.speed = 0
                return None
            return end
        return frame

    def next_frame(self) -> int | None:
        """The frame after the one on the screen, regardless of time; None at the end."""
        if not self.speed:
            return None
        frame = self._frame_at(self._count + 1)
        if frame is None:
            end, _ = self._end_and_start(self.speed)
            return None if self.frame == end else end
        return frame

    def set_shown_frame(self, frame: int, now: int) -> None:
        """``frame`` is on the screen from now on.

        A late frame delays the following ones, so that a slow source plays slower instead of
        dropping most frames.
        """
        if not self.speed:
            self.frame = frame
            return
        number = self._picture_number(now)
        self.dropped_count += max(0, number - self._count - 1)
        self.shown_count += 1
        if frame == self._frame_at(number):
            self._count = number
        else:
            self._start, self._count, self._anchor = frame, 0, now
        self.frame = frame

    def time_to_next_frame(self, now: int) -> int:
        """Nanoseconds until the next frame is due; 0 if it is overdue."""
        next_number = self._count + 1
        rate = self.range.rate
        due_time = self._anchor - (
            -next_number * _NANOSECONDS_PER_SECOND * rate.denominator // rate.numerator
        )
        return max(0, due_time - now)

    # In and out points

    def mark_in(self, frame: int, now: int) -> None:
        """Set the in point; an out point before it moves to the end of the range."""
        self.in_point = max(self.range.first, min(self.range.last, frame))
        if self.out_point < self.in_point:
            self.out_point = self.range.last
        self._restart_timing(now)

    def mark_out(self, frame: int, now: int) -> None:
        """Set the out point; an in point after it moves to the start of the range."""
        self.out_point = max(self.range.first, min(self.range.last, frame))
        if self.in_point > self.out_point:
            self.in_point = self.range.first
        self._restart_timing(now)

    def clear_marks(self, now: int) -> None:
        self.in_point, self.out_point = self.range.first, self.range.last
        self._restart_timing(now)

    def _restart_timing(self, now: int) -> None:
        self._start, self._count, self._anchor = self.frame, 0, now

    def _picture_number(self, now: int) -> int:
        rate = self.range.rate
        return (now - self._anchor) * rate.numerator // (rate.denominator * _NANOSECONDS_PER_SECOND)

    def _frame_at(self, number: int) -> int | None:
        """The frame of a picture number; None beyond the end without loop."""
        if self.in_point <= self._start <= self.out_point:
            frame = self._start + number * self.speed
        else:  # outside the marks: continue at the first frame between them
            frame = self._end_and_start(self.speed)[1] + (number - 1) * self.speed
        if self.in_point <= frame <= self.out_point:
            return frame
        if not self.loop:
            return None
        return self.in_point + (frame - self.in_point) % (self.out_point - self.in_point + 1)

    def _end_and_start(self, speed: int) -> tuple[int, int]:
        """The last and the first frame in the direction of playback."""
        if speed > 0:
            return self.out_point, self.in_point
        return self.in_point, self.out_point

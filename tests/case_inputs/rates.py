"""Rate and time inputs: rates of clips and media, and cases where rounding may shift a frame."""

from __future__ import annotations

import struct
from pathlib import Path

from case_inputs.builders import (
    case,
    clip,
    cut,
    external,
    frames,
    movie,
    sequence,
    span,
    speed,
    time_at,
    write,
)

NTSC_24 = 24000 / 1001
NTSC_30 = 30000 / 1001


def _single(value: float) -> float:
    """A rate as stored in 32 bits by some hosts: 23.976024627685547 for 24000/1001."""
    return struct.unpack("f", struct.pack("f", value))[0]


@case
def ntsc_spellings_read(out: Path) -> None:
    """Media at one spelling of a rate and a clip at another, at the same seconds.

    The clip starts at 1011, the tenth frame after the first, and shows 20 frames of the media; it
    starts a thousandth of a frame later, so that rounding errors do not matter.
    """
    frames(out / "plate", "plate.%04d.exr", range(1001, 1061))
    for name, media, own in (
        ("a_23976_single", 23.976, _single(NTSC_24)),
        ("b_23976_exact", 23.976, NTSC_24),
        ("c_2398_exact", 23.98, NTSC_24),
        ("d_2997_single", 29.97, _single(NTSC_30)),
        ("e_5994_exact", 59.94, 60000 / 1001),
    ):
        hour = round(media) * 3600
        start = 14 * hour
        reference = sequence("plate/", rate=media, available=span(start, 60, media))
        shown = span((start + 10.001) * own / media, 20 * own / media, own)
        cut(out / f"{name}.otio", clip("sh010", reference, shown))


@case
def ntsc_spellings_written(out: Path) -> None:
    """One spelling throughout a cut, timecode at 14 h; the version has to match the plate."""
    frames(out / "plate", "plate.%04d.exr", range(1001, 1031))
    for spelt in ("23.976", "23.98", "29.97", "59.94"):
        rate = float(spelt)
        start = round(rate) * 3600 * 14
        reference = sequence("plate/", rate=rate, available=span(start, 30, rate))
        shown = span(start + 5, 20, rate)
        cut(out / f"cut_{spelt}.otio", clip("sh010", reference, shown))


@case
def sequence_rate_default(out: Path) -> None:
    """A sequence reference with OTIO's default rate of 1.0; its range is at 24."""
    frames(out / "plate", "plate.%04d.exr", range(1001, 1061))
    reference = sequence("plate/", rate=1, available=span(86400, 60))
    cut(
        out / "cut.otio",
        clip("sh010", reference, span(86410, 20)),
        clip("sh020", reference.deepcopy(), span(86430, 20)),
    )


@case
def global_start_in_seconds(out: Path) -> None:
    """Clips at 24; the timeline starts at one hour, written in seconds (rate 1) or milliseconds."""
    frames(out / "plate", "plate.%04d.exr", range(1001, 1061))

    def clips() -> list:
        reference = sequence("plate/", available=span(0, 60))
        return [clip(f"sh0{k}0", reference.deepcopy(), span(10 * k, 20)) for k in (1, 2)]

    cut(out / "seconds.otio", *clips(), start=time_at(3600, 1))
    cut(out / "milliseconds.otio", *clips(), start=time_at(3600000, 1000))


@case
def clip_rate_24000(out: Path) -> None:
    """Ranges in ticks of 1/24000 s and in milliseconds, on a movie of 24 fps."""
    movie(out / "m24.mov", 48)
    ticks = external("m24.mov", span(0, 48000, 24000))
    cut(out / "ticks.otio", clip("sh010", ticks, span(12000, 12000, 24000)))
    thousandths = external("m24.mov", span(0, 2000, 1000))
    cut(out / "milliseconds.otio", clip("sh010", thousandths, span(500, 500, 1000)))


@case
def seconds_on_a_movie(out: Path) -> None:
    """Ranges as from ``opentime.from_seconds``, at rate 1: the second second of a 24 fps movie."""
    movie(out / "m24.mov", 60)
    reference = external("m24.mov", span(0, 2.5, 1))
    cut(out / "cut.otio", clip("sh010", reference, span(1, 1, 1)))


@case
def mixed_rate_playhead(out: Path) -> None:
    """A 48 fps plate in a 24 fps cut, and a 24 fps plate in a 25 fps cut, one clip each."""
    frames(out / "plate", "plate.%04d.exr", range(1001, 1061))
    fast = sequence("plate/", rate=48, available=span(0, 60, 48))
    cut(out / "48_in_24.otio", clip("sh010", fast, span(0, 24)), start=time_at(0))
    slow = sequence("plate/", available=span(0, 60))
    cut(out / "24_in_25.otio", clip("sh010", slow, span(0, 50, 25)), start=time_at(0, 25))
    double = sequence("plate/", rate=50, available=span(0, 60, 50))
    cut(
        out / "50_in_25_200.otio",
        clip("sh010", double, span(0, 12, 25), speed(2)),
        start=time_at(0, 25),
    )


@case
def mixed_rate_fraction(out: Path) -> None:
    """24 fps media in a 25 fps cut: the clip starts 5/25 s, which is 4.8 media frames, in."""
    frames(out / "plate", "plate.%04d.exr", range(1001, 1061))
    reference = sequence("plate/", available=span(0, 60))
    cut(out / "cut.otio", clip("sh010", reference, span(5, 25, 25)), start=time_at(0, 25))


@case
def odd_rates(out: Path) -> None:
    """Rates of real cameras and from hosts' arithmetic, one cut each."""
    for name, rate in (
        ("240000_1001", 240000 / 1001),
        ("24_000001", 24.000001),
        ("15000_1001", 15000 / 1001),
        ("12000_1001", 12000 / 1001),
        ("50_3", 50 / 3),
    ):
        reference = external("missing.mov", span(0, 1000, rate))
        cut(out / f"{name}.otio", clip("sh010", reference, span(100, 10, rate)))


@case
def edl_rate(out: Path) -> None:
    """An EDL of 25 fps, and one with drop-frame timecode; the format does not give the rate."""
    write(
        out / "at25.edl",
        """TITLE: AT25
FCM: NON-DROP FRAME

001  REEL01   V     C        10:00:00:00 10:00:01:24 01:00:00:00 01:00:01:24
* FROM CLIP NAME: SH010
* FROM FILE: plate.0001.exr
002  REEL02   V     C        10:00:10:00 10:00:12:00 01:00:01:24 01:00:03:24
* FROM CLIP NAME: SH020
* FROM FILE: plate.0001.exr
""",
    )
    write(
        out / "drop.edl",
        """TITLE: DROP
FCM: DROP FRAME

001  REEL01   V     C        01:00:58;20 01:01:00;12 01:00:00;00 01:00:01;20
* FROM CLIP NAME: SH010
* FROM FILE: plate.0001.exr
""",
    )


@case
def edl_midnight(out: Path) -> None:
    """A clip whose timecode passes midnight: 23:59:58:00 to 00:00:02:00, 96 frames at 24."""
    write(
        out / "midnight.edl",
        """TITLE: MIDNIGHT
FCM: NON-DROP FRAME

001  REEL01   V     C        23:59:58:00 00:00:02:00 23:59:58:00 00:00:02:00
* FROM CLIP NAME: SH010
* FROM FILE: plate.0001.exr
002  REEL02   V     C        01:00:00:00 01:00:02:00 00:00:02:00 00:00:04:00
* FROM CLIP NAME: SH020
* FROM FILE: plate.0001.exr
""",
    )


@case
def edl_reverse(out: Path) -> None:
    """M2 with a negative speed; source and record are equally long, as for -100 %."""
    write(
        out / "reverse.edl",
        """TITLE: REVERSE
FCM: NON-DROP FRAME

001  REEL01   V     C        00:00:18:00 00:00:20:00 01:00:00:00 01:00:02:00
M2   REEL01       -024.0                00:00:18:00
* FROM CLIP NAME: SH010
* FROM FILE: plate.0001.exr
002  REEL02   V     C        00:00:18:00 00:00:22:00 01:00:02:00 01:00:04:00
M2   REEL02       -048.0                00:00:18:00
* FROM CLIP NAME: SH020
* FROM FILE: plate.0001.exr
""",
    )

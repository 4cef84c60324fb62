"""The demo's own cut: its plates as clips with handles, a gap in between, as OTIO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

#: Frames of each plate before and after its cut range.
DEMO_HANDLES = 4
#: Frames of black after the first shot.
GAP_FRAMES = 12


def write_demo_cut(path: Path, plates: Sequence[Mapping[str, Any]]) -> Path:
    """Write a cut of all plates, each without its handles; its path.

    A plate has ``shot, path, first, last, rate, colour_space, width, height``, as returned by the
    gateway's ``demo-plates``.
    """
    import opentimelineio as otio

    def frames(count: int, rate: float) -> Any:
        return otio.opentime.RationalTime(count, rate)

    timeline = otio.schema.Timeline("demo_cut")
    timeline.metadata["shotbridge"] = {"show": "demo"}
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)
    for number, plate in enumerate(plates):
        rate = float(Fraction(plate["rate"]))
        count = plate["last"] - plate["first"] + 1
        pattern = Path(plate["path"])
        prefix, _, ending = pattern.name.partition("%04d")
        media = otio.schema.ImageSequenceReference(
            target_url_base=pattern.parent.as_uri() + "/",
            name_prefix=prefix,
            name_suffix=ending,
            start_frame=plate["first"],
            frame_step=1,
            rate=rate,
            frame_zero_padding=4,
            available_range=otio.opentime.TimeRange(
                frames(plate["first"], rate), frames(count, rate)
            ),
            metadata={
                "shotbridge": {
                    "colour_space": plate["colour_space"],
                    "width": plate["width"],
                    "height": plate["height"],
                }
            },
        )
        clip = otio.schema.Clip(
            plate["shot"],
            media_reference=media,
            source_range=otio.opentime.TimeRange(
                frames(plate["first"] + DEMO_HANDLES, rate), frames(count - 2 * DEMO_HANDLES, rate)
            ),
        )
        clip.metadata["shotbridge"] = {"sequence": plate["shot"].partition("_")[0]}
        track.append(clip)
        if number == 0:
            track.append(
                otio.schema.Gap(
                    source_range=otio.opentime.TimeRange(frames(0, rate), frames(GAP_FRAMES, rate))
                )
            )
    otio.adapters.write_to_file(timeline, str(path))
    return path

"""Look at an input or a result.

``python look.py number FILE ...``: which number each picture carries, of a movie all of them.
``python look.py frames CUT.otio ...``: for each clip and each of its media references, which frames
OTIO's own API takes the clip to show. ``python look.py movie FILE ...``: rate, timecode and tags as
FFmpeg reads them. ``python look.py pixel FILE ...``: values of the picture's middle, by channel.
``python look.py header FILE ...``: an EXR's attributes byte for byte, else what OpenImageIO finds.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import OpenImageIO as oiio
import opentimelineio as otio

from case_inputs.kit import number_in
from case_inputs.rawexr import read_attributes

MOVIES = (".mov", ".mp4", ".mkv", ".webm")


def numbers(path: Path) -> list[int | None]:
    if path.suffix.lower() in MOVIES:
        with av.open(str(path)) as container:
            return [
                number_in(frame.to_ndarray(format="rgb24").astype(np.float32) / 255)
                for frame in container.decode(video=0)
            ]
    source = oiio.ImageInput.open(str(path))
    if source is None:
        raise SystemExit(f"{path}: {oiio.geterror()}")
    return [number_in(source.read_image("float"))]


def movie(path: Path) -> str:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        codes = [place.metadata.get("timecode") for place in (container, *container.streams)]
        count = sum(1 for _ in container.decode(video=0))
    context = stream.codec_context
    tags = (context.color_primaries, context.color_trc, context.colorspace, context.color_range)
    return (
        f"{context.name} {context.pix_fmt} {stream.width}x{stream.height} {count} pictures at "
        f"{stream.average_rate}, timecode {next(filter(None, codes), None)}, "
        f"primaries/transfer/matrix/range {'/'.join(str(int(tag)) for tag in tags)}"
    )


def pixel(path: Path) -> str:
    source = oiio.ImageInput.open(str(path))
    spec, pixels = source.spec(), source.read_image("float")
    middle = pixels[spec.height // 2, spec.width // 2]
    told = {
        name: round(float(value), 5) for name, value in zip(spec.channelnames, middle, strict=True)
    }
    return f"{spec.format} {told}"


def header(path: Path) -> str:
    if path.suffix.lower() == ".exr":
        told = (
            f"{name}: {kind} {value[:24].hex(' ', 4)}"
            for name, kind, value in read_attributes(path)
        )
        return "\n  ".join(["", *told])
    source = oiio.ImageInput.open(str(path))
    spec = source.spec()
    lines = [f"{spec.width}x{spec.height} {spec.format} {list(spec.channelnames)}"]
    return "\n  ".join(
        [*lines, *(f"{one.name}: {one.type} {one.value}" for one in spec.extra_attribs)]
    )


def frames(reference: Any, shown: Any) -> str:
    available = reference.available_range
    told = ""
    if available is not None:
        inside = available.start_time <= shown.start_time and (
            shown.end_time_exclusive() <= available.end_time_exclusive()
        )
        offset = (shown.start_time - available.start_time).rescaled_to(available.duration.rate)
        told = (
            f"  starts {offset.value:.4f} frames in, {'inside' if inside else 'OUTSIDE'} the range"
        )
    if not isinstance(reference, otio.schema.ImageSequenceReference):
        return f"{getattr(reference, 'target_url', None)}{told}"
    try:
        first = reference.frame_for_time(shown.start_time)
        last = reference.frame_for_time(shown.end_time_inclusive())
    except ValueError as error:
        return f"{error}{told}"
    return f"{first}-{last}{told}"


def main() -> None:
    what, *paths = sys.argv[1:] or [""]
    if what == "number":
        for path in map(Path, paths):
            print(path.name, *numbers(path))
    elif what == "frames":
        for path in paths:
            for clip in otio.adapters.read_from_file(path).find_clips():
                shown = clip.trimmed_range()
                print(
                    f"{clip.name}  source {shown.start_time.value:.4f} + {shown.duration.value:.4f}"
                )
                for key, reference in clip.media_references().items():
                    active = "*" if key == clip.active_media_reference_key else " "
                    print(f" {active} {key}  {frames(reference, shown)}")
    elif what in ("movie", "pixel", "header"):
        for path in map(Path, paths):
            print(path.name, {"movie": movie, "pixel": pixel, "header": header}[what](path))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()

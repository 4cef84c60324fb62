"""Builders of the case inputs: numbered pictures and movies, and cuts.

A picture encodes its number as sixteen vertical bars, dark (0.25) or bright (0.75): the first is
always dark and the last always bright (so that the curve between them does not matter), the second
is the sign, followed by thirteen bits, the highest first. :func:`read_number` decodes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import OpenImageIO as oiio
import opentimelineio as otio

WIDTH, HEIGHT = 64, 36
BARS = 16
DARK, BRIGHT = 0.25, 0.75

CASES: dict[str, Callable[[Path], None]] = {}

schema = otio.schema
RationalTime = otio.opentime.RationalTime
TimeRange = otio.opentime.TimeRange


def case(make: Callable[[Path], None]) -> Callable[[Path], None]:
    """Register a function that makes an input, under its name with dashes."""
    CASES[make.__name__.replace("_", "-")] = make
    return make


# Pictures


def numbered_bars(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A picture (height, width, 3) in float32 that encodes ``number``, -8191 to 8191."""
    bits = [0, int(number < 0), *(abs(number) >> bit & 1 for bit in range(12, -1, -1)), 1]
    row = np.repeat(np.where(bits, BRIGHT, DARK), width // BARS).astype(np.float32)
    return np.broadcast_to(row[None, :, None], (height, len(row), 3)).copy()


def read_number(pixels: np.ndarray) -> int | None:
    """The number in a picture of any size and curve; None if it has none."""
    height, width = pixels.shape[:2]
    step = width / BARS
    grey = pixels[height // 4 : height - height // 4, :, 1 if pixels.shape[2] > 2 else 0]
    grey = grey.astype(np.float64)
    levels = [
        float(np.median(grey[:, int((k + 0.3) * step) : max(1, math.ceil((k + 0.7) * step))]))
        for k in range(BARS)
    ]
    dark, bright = levels[0], levels[-1]
    if not bright - dark > 1e-3:
        return None
    bits = [(value - dark) / (bright - dark) for value in levels]
    if any(0.3 < bit < 0.7 for bit in bits):
        return None
    value = sum(1 << 12 - k for k, bit in enumerate(bits[2:15]) if bit > 0.5)
    return -value if bits[1] > 0.5 else value


def picture(
    path: Path,
    pixels: np.ndarray,
    kind: str = "float",
    names: Iterable[str] = (),
    **attributes: Any,
) -> Path:
    """Write pixels (height, width, channels). ``kind`` is half, float, uint8 or uint16.

    Two underscores in an attribute's name become a colon; a pair is a type and a value.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width, channels = pixels.shape
    spec = oiio.ImageSpec(width, height, channels, kind)
    if names:
        spec.channelnames = tuple(names)
    for name, value in attributes.items():
        values = value if isinstance(value, tuple) else (value,)
        spec.attribute(name.replace("__", ":"), *values)
    out = oiio.ImageOutput.create(str(path))
    if not (out.open(str(path), spec) and out.write_image(np.ascontiguousarray(pixels))):
        raise RuntimeError(f"{path}: {out.geterror()}")
    out.close()
    return path


def frames(folder: Path, pattern: str, numbers: Iterable[int], **attributes: Any) -> None:
    """A numbered sequence: ``frames(out / "plate", "plate.%04d.exr", range(1001, 1021))``."""
    for number in numbers:
        picture(folder / (pattern % number), numbered_bars(number), **attributes)


def movie(
    path: Path,
    count: int,
    rate: Fraction | int = 24,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    timecode: str | None = None,
    first: int = 0,
    colour: tuple[int, int, int, int] | None = None,
    make: Callable[[int], np.ndarray] | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> Path:
    """A movie whose frames encode ``first``, ``first + 1``, and so on.

    ``colour`` is primaries, transfer, matrix (codes of ITU-T H.273) and range (1 video, 2 full).
    ``make`` returns other pictures by number, as uint8 or uint16.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rate = Fraction(rate)
    if options is None:
        options = {"libx264": {"crf": "4"}, "prores_ks": {"profile": "3"}}.get(codec, {})
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        if timecode:
            stream.metadata["timecode"] = timecode
        if colour:
            context = stream.codec_context
            context.color_primaries, context.color_trc = colour[:2]
            context.colorspace, context.color_range = colour[2:]
        for index in range(count):
            if make:
                array = make(first + index)
            else:
                array = np.rint(numbered_bars(first + index, *size) * 255).astype(np.uint8)
            formats = {3: ("rgb24", "rgb48le"), 4: ("rgba", "rgba64le")}[array.shape[2]]
            frame = av.VideoFrame.from_ndarray(array, format=formats[array.dtype == np.uint16])
            frame = frame.reformat(format=pixels)
            if colour:  # ProRes takes its tags from each frame
                frame.color_primaries, frame.color_trc = colour[:2]
                frame.colorspace, frame.color_range = colour[2:]
            frame.pts, frame.time_base = index, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


# Cuts


def time_at(value: float, rate: float = 24) -> Any:
    return RationalTime(value, rate)


def span(start: float, duration: float, rate: float = 24) -> Any:
    return TimeRange(RationalTime(start, rate), RationalTime(duration, rate))


def sequence(
    base: str | Path,
    name: str = "plate.",
    first: int = 1001,
    rate: float = 24,
    available: Any = None,
    ending: str = ".exr",
) -> Any:
    """An image sequence reference; a folder that is a Path becomes an absolute ``file:`` URL."""
    if isinstance(base, Path):
        base = base.absolute().as_uri() + "/"
    return schema.ImageSequenceReference(
        base, name, ending, first, 1, rate, 4, available_range=available
    )


def external(url: str | Path, available: Any = None) -> Any:
    if isinstance(url, Path):
        url = url.absolute().as_uri()
    return schema.ExternalReference(url, available_range=available)


def cut(path: Path, *clips: Any, start: Any = None, kind: str = "Video", name: str = "") -> Any:
    """Write a timeline of one track to ``path``."""
    timeline = schema.Timeline(name or path.stem, global_start_time=start)
    track = schema.Track("V1", kind=kind)
    timeline.tracks.append(track)
    for clip in clips:
        track.append(clip)
    return save(path, timeline)


def save(path: Path, timeline: Any) -> Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    otio.adapters.write_to_file(timeline, str(path))
    return timeline


def clip(name: str, reference: Any, source: Any = None, *effects: Any, **more: Any) -> Any:
    new_clip = schema.Clip(name, reference, source, **more)
    for effect in effects:
        new_clip.effects.append(effect)
    return new_clip


def speed(scalar: float) -> Any:
    return schema.LinearTimeWarp(time_scalar=scalar)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path

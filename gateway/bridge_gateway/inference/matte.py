"""Cuts the main subject of a picture out with U2-Net-p.

The network looks at the whole frame at 320 x 320 and answers with a probability per pixel. Its
answer is used as it is: the min-max stretch that is common around this network would make a subject
out of noise in frames that have none, and pumps when the extremes change from frame to frame
(docs/models.md has the figures).

The answer is enlarged to the plate's size with Lanczos. A guided filter on the plate's luma or
colour was tried and left out: it moved the edges further off (same place).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bridge_gateway.inference.highlight_curve import srgb_encode
from bridge_gateway.inference.onnx_session import OnnxSession
from bridge_gateway.inference.resample import FloatArray, resize
from bridge_gateway.inference.upscale import require_finite

#: What the network was trained with: frames of this size, ImageNet's mean and deviation.
_INPUT_SIZE = 320
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


@dataclass(frozen=True)
class MatteSettings:
    """What a director may ask of a matte.

    ``threshold``: probability that becomes half covered, 0 to 1. ``softness``: width of the
    transition around it, in probability; 1 with a threshold of 0.5 keeps the network's answer, 0
    gives a hard matte.
    """

    threshold: float = 0.5
    softness: float = 1.0

    def __post_init__(self) -> None:
        for name in ("threshold", "softness"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} lies between 0 and 1, not {getattr(self, name)!r}")


class MatteExtractor:
    """The network, ready to make mattes frame by frame. Frames do not depend on each other."""

    def __init__(self, session: OnnxSession) -> None:
        self.session = session

    @classmethod
    def open(
        cls, models_dir: Path, model_id: str = "u2netp", *, threads: int | None = None
    ) -> MatteExtractor:
        """Loads the installed network; raises :class:`bridge_core.errors.ModelMissing`."""
        return cls(OnnxSession.open(models_dir, model_id, threads=threads))

    def extract(self, rgb: FloatArray, settings: MatteSettings | None = None) -> FloatArray:
        """The matte of a frame: float32 (height, width), 1 is subject, 0 is not.

        ``rgb``: float32 (height, width, 3), linear light, Rec.709 primaries. Values outside 0 to 1
        are clipped for the network's eyes only.

        Raises :class:`bridge_core.errors.UnreadableMedia` for pixels that are not finite.
        """
        settings = settings or MatteSettings()
        height, width, _ = rgb.shape
        matte = resize(self.predict(rgb), height, width, "lanczos")[..., 0]
        if settings.softness == 0:
            return (matte >= settings.threshold).astype(np.float32)
        coverage = (matte - np.float32(settings.threshold)) / np.float32(settings.softness)
        return np.asarray(np.clip(coverage + np.float32(0.5), 0, 1), dtype=np.float32)

    def predict(self, rgb: FloatArray) -> FloatArray:
        """The network's own answer for a frame, float32 (320, 320, 1); else as :meth:`matte`."""
        require_finite(rgb)
        code = srgb_encode(np.clip(rgb, 0, 1))
        small = np.clip(resize(code, _INPUT_SIZE, _INPUT_SIZE, "lanczos"), 0, 1)
        brightest = max(float(small.max()), 1e-3)  # an all black frame stays black
        tensor = ((small / np.float32(brightest) - _MEAN) / _DEVIATION).transpose(2, 0, 1)
        answer = self.session.run(tensor[np.newaxis])
        return np.asarray(answer[0].transpose(1, 2, 0), dtype=np.float32)

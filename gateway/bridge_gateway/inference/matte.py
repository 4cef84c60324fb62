"""Extracts a matte of the main subject with U2-Net-p.

The network takes the whole frame at 320 x 320 and predicts a probability per pixel. The prediction
is used unchanged: the min-max normalisation that is common with this network turns noise into a
subject in frames without one, and pumps when the extremes change between frames (figures in
docs/models.md).

The prediction is upsampled to the plate's size with Lanczos. A guided filter on the plate's luma or
colour was measured and rejected: it moved the edges further away (docs/models.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bridge_gateway.arrays import FloatArray, resize
from bridge_gateway.inference.catalogue import PICTURE
from bridge_gateway.inference.highlight_curve import HighlightCurve
from bridge_gateway.inference.onnx_session import OnnxSession
from bridge_gateway.inference.upscale import require_finite

#: The frame size of the network's training.
_INPUT_SIZE = 320


@dataclass(frozen=True)
class MatteSettings:
    """The parameters of a matte.

    ``threshold``: the probability of half coverage, 0 to 1. ``softness``: width of the transition
    around it, in probability; 0 gives a hard matte, 1 with a threshold of 0.5 keeps the network's
    prediction.
    """

    threshold: float = 0.5
    softness: float = 1.0

    def __post_init__(self) -> None:
        for name in ("threshold", "softness"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be from 0 to 1, not {getattr(self, name)!r}")


class MatteExtractor:
    """A loaded network that extracts mattes. Frames are independent of each other."""

    def __init__(self, session: OnnxSession) -> None:
        self.session = session
        self._encode = HighlightCurve(1).encoder(session.threads)

    @classmethod
    def open(
        cls, models_dir: Path, model_id: str = "u2netp", *, threads: int | None = None
    ) -> MatteExtractor:
        """Load an installed network.

        :raises ModelMissing: it is not installed.
        """
        return cls(OnnxSession.open(models_dir, model_id, threads=threads))

    def extract(self, rgb: FloatArray, settings: MatteSettings | None = None) -> FloatArray:
        """The matte of a frame: float32 (height, width), 1 for the subject, otherwise 0.

        ``rgb``: float32 (height, width, 3), linear light, Rec.709 primaries. Values outside 0 to 1
        are clipped for the network only.

        :raises UnreadableMedia: pixels are not finite.
        """
        settings = settings or MatteSettings()
        height, width, _ = rgb.shape
        matte = resize(self.predict(rgb), width, height, "lanczos3")[..., 0]
        if settings.softness == 0:
            return (matte >= settings.threshold).astype(np.float32)
        coverage = (matte - np.float32(settings.threshold)) / np.float32(settings.softness)
        return np.asarray(np.clip(coverage + np.float32(0.5), 0, 1), dtype=np.float32)

    def predict(self, rgb: FloatArray) -> FloatArray:
        """The network's prediction for a frame, float32 (320, 320, 1); see :meth:`extract`."""
        require_finite(rgb)
        code = resize(self._encode.apply(rgb), _INPUT_SIZE, _INPUT_SIZE, "lanczos3")
        prediction = self.session.run({PICTURE: np.clip(code, 0, 1)[np.newaxis]})
        return np.asarray(prediction[0].transpose(1, 2, 0), dtype=np.float32)

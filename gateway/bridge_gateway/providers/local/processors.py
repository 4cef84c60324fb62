"""What each service does to a frame: one picture in, a picture for each output out.

A processor serves one job. Its pictures already have the sample type of the output format, so that
nothing is rounded to the plate's bits before it has to be.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge_core.errors import InvalidRequest
from bridge_gateway.arrays import FloatArray
from bridge_gateway.inference.matte import MatteExtractor, MatteSettings
from bridge_gateway.inference.onnx_session import OnnxSession
from bridge_gateway.inference.upscale import DEFAULT_PEAK, Upscaler, require_finite
from bridge_gateway.media.colour import DATA, MODEL_SPACE, ColourManager
from bridge_gateway.media.picture import MAX_PIXELS, Picture, make_picture
from bridge_gateway.pixel_transform import PixelTransform
from bridge_gateway.providers.local import services
from bridge_gateway.providers.local.local_task import LocalTask

MAIN_OUTPUT = "main"
#: Middle grey, scene-linear: both dark and bright subjects are visible against it.
_MATTE_BACKGROUND = np.float32(0.18)

#: Returns the loaded network of a catalogue id.
SessionLoader = Callable[[str], OnnxSession]


@dataclass(frozen=True)
class ProcessedFrame:
    """The result of a service for a frame: a picture for each output, and what its proxy shows.

    ``proxy_rgb`` covers the display window, as half or float (height, width, 3) in the colour space
    ``proxy_space``.
    """

    outputs: Mapping[str, Picture]
    proxy_rgb: NDArray[Any]
    proxy_space: str
    pixel_aspect: float


class FrameProcessor(ABC):
    """One service with its parameters.

    ``output_spaces`` maps each output's name to its colour space, ``main`` first;
    ``colour_conversions`` describes the conversions in order; ``sessions`` are the networks in
    use.
    """

    output_spaces: Mapping[str, str]
    colour_conversions: tuple[str, ...]
    sessions: tuple[OnnxSession, ...] = ()

    @abstractmethod
    def process(self, picture: Picture) -> ProcessedFrame:
        """
        :raises UnreadableMedia: NaN or infinity in the input of a network.
        """


def create_processor(
    task: LocalTask, colour: ColourManager, load_session: SessionLoader
) -> FrameProcessor:
    """The processor of a task's service.

    :raises ModelMissing: the weights are not installed.
    """
    transform = ModelSpaceTransform(colour, task.colour_space)
    match task.service:
        case services.UPSCALE:
            model = services.UPSCALE_MODELS[str(task.parameters["model"])]
            return UpscaleProcessor(transform, load_session(model), task.model_memory_mb)
        case services.MATTE:
            settings = MatteSettings(
                threshold=float(task.parameters["threshold"]),
                softness=float(task.parameters["softness"]),
            )
            return MatteProcessor(transform, load_session(services.MATTE_MODEL), settings)
        case services.ROUND_TRIP if task.parameters["mode"] == services.COLOUR_ROUND_TRIP:
            return ColourRoundTripProcessor(transform)
        case services.ROUND_TRIP:
            return PassthroughProcessor(transform)
    raise AssertionError(f"no processor for the service {task.service!r}")


class ModelSpaceTransform:
    """Conversions between the plate's colour space and the models' space."""

    def __init__(self, colour: ColourManager, space: str) -> None:
        self.space = space
        self._colour = colour
        self.to_model_description = colour.describe_conversion(space, MODEL_SPACE)
        self.to_plate_description = colour.describe_conversion(MODEL_SPACE, space)

    def to_model(self, rgb: FloatArray) -> FloatArray:
        return self._colour.convert(rgb, self.space, MODEL_SPACE)

    def to_plate(self, rgb: FloatArray) -> FloatArray:
        return self._colour.convert(rgb, MODEL_SPACE, self.space)

    def finish(self) -> PixelTransform | None:
        """:meth:`to_plate` as a transform; None if nothing is converted."""
        if self._colour.is_data(self.space) or self.space == MODEL_SPACE:
            return None
        return self._colour.conversion(MODEL_SPACE, self.space)

    def peak_value(self) -> float:
        """The brightest value that a plate in this space can hold, the same for all its frames.

        A display encoding ends at white, a camera's log curve at its own peak. Linear spaces have
        no limit and get the models' peak.
        """
        if self._colour.is_linear(self.space):
            return DEFAULT_PEAK
        corners = np.array([*itertools.product((0, 1), repeat=3)], np.float32)
        return float(np.clip(self.to_model(corners).max(), 1.0, DEFAULT_PEAK))


class PassthroughProcessor(FrameProcessor):
    """Changes nothing: only reading and writing affect the result."""

    def __init__(self, transform: ModelSpaceTransform) -> None:
        self._space = transform.space
        self.output_spaces = {MAIN_OUTPUT: transform.space}
        self.colour_conversions = (f"{transform.space}, not converted",)

    def process(self, picture: Picture) -> ProcessedFrame:
        return _processed_frame(picture, self._space)


class ColourRoundTripProcessor(FrameProcessor):
    """Converts to the models' space and back, without processing."""

    def __init__(self, transform: ModelSpaceTransform) -> None:
        self._transform = transform
        self.output_spaces = {MAIN_OUTPUT: transform.space}
        self.colour_conversions = (transform.to_model_description, transform.to_plate_description)

    def process(self, picture: Picture) -> ProcessedFrame:
        transform = self._transform
        rgb = transform.to_plate(transform.to_model(picture.rgb()))
        return _processed_frame(picture.replace_rgb(rgb), transform.space)


class UpscaleProcessor(FrameProcessor):
    """Upscales the colours with the network, alpha and other layers with filters."""

    def __init__(
        self, transform: ModelSpaceTransform, session: OnnxSession, memory_mb: float
    ) -> None:
        self._transform = transform
        self._upscaler = Upscaler(
            session,
            peak=transform.peak_value(),
            memory_mb=memory_mb,
            to_output=transform.finish(),
        )
        self.output_spaces = {MAIN_OUTPUT: transform.space}
        self.colour_conversions = (transform.to_model_description, transform.to_plate_description)
        self.sessions = (session,)

    def process(self, picture: Picture) -> ProcessedFrame:
        """
        :raises UnreadableMedia: NaN or infinity in the colours or their alpha.
        :raises InvalidRequest: the result would be too large to be read again.
        """
        scale = self._upscaler.scale
        for window in (picture.main_part.data_window, picture.display_window):
            width, height = window.width * scale, window.height * scale
            if width * height > MAX_PIXELS:
                raise InvalidRequest(
                    f"the result would be {width}x{height}",
                    where=picture.where,
                    next_step=f"results are limited to {MAX_PIXELS} pixels (16384x16384): send a "
                    "smaller picture or choose a smaller factor",
                )
        alpha = picture.alpha()
        if alpha is not None:
            require_finite(alpha[..., np.newaxis])  # the filter would spread it
        dtype = np.float16 if picture.depth == "half" else np.float32
        rgb = self._upscaler.upscale(self._transform.to_model(picture.rgb()), dtype)
        enlarged = picture.upsampled(rgb, scale)
        return _processed_frame(enlarged, self._transform.space)


class MatteProcessor(FrameProcessor):
    """The plate with the matte as its alpha, and the matte as an output of its own.

    The plate's colours are neither changed nor multiplied by the matte; only the proxy shows the
    subject alone, over middle grey.
    """

    def __init__(
        self, transform: ModelSpaceTransform, session: OnnxSession, settings: MatteSettings
    ) -> None:
        self._transform = transform
        self._extractor = MatteExtractor(session)
        self._settings = settings
        self.output_spaces = {MAIN_OUTPUT: transform.space, services.MATTE: DATA}
        self.colour_conversions = (f"for the network only: {transform.to_model_description}",)
        self.sessions = (session,)

    def process(self, picture: Picture) -> ProcessedFrame:
        rgb = self._transform.to_model(picture.rgb())
        matte = self._extractor.extract(rgb, self._settings)
        coverage = matte[..., np.newaxis]
        return ProcessedFrame(
            outputs={
                MAIN_OUTPUT: picture.with_matte(matte),
                # Viewers show a single Y as grey and a single A as black.
                services.MATTE: make_picture({"Y": matte}, like=picture),
            },
            proxy_rgb=picture.fit_to_display(rgb * coverage + _MATTE_BACKGROUND * (1 - coverage)),
            proxy_space=MODEL_SPACE,
            pixel_aspect=picture.pixel_aspect,
        )


def _processed_frame(picture: Picture, space: str) -> ProcessedFrame:
    """A single output, which its proxy shows unchanged."""
    rgb = picture.fit_to_display(picture.stored_rgb())
    return ProcessedFrame({MAIN_OUTPUT: picture}, rgb, space, picture.pixel_aspect)

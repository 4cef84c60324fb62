"""What each service does to a frame: a picture in, a picture for each output out.

A maker is made for one job. The pictures that it gets have the samples of the delivery already, so
that nothing is rounded to the plate's bits before it has to be.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge_core.errors import InvalidRequest
from bridge_gateway.media.colour import DATA, MODEL_SPACE, Colour
from bridge_gateway.media.parts import MOST_PIXELS
from bridge_gateway.media.pictures import Picture, make_picture
from bridge_gateway.models.matte import Matter, MatteSettings
from bridge_gateway.models.runtime import Session
from bridge_gateway.models.upscale import DEFAULT_PEAK, Upscaler, require_finite
from bridge_gateway.providers.local import services
from bridge_gateway.providers.local.recipe import Recipe

Float = NDArray[np.float32]

MAIN = "main"
#: Middle grey, scene-linear: dark subjects and light ones stand out from it.
_BEHIND = np.float32(0.18)

#: The loaded network of a catalogue id.
Sessions = Callable[[str], Session]


@dataclass(frozen=True)
class Frame:
    """A frame as a service made it: a picture for each output, and what its proxy shows.

    ``look`` is float32 (height, width, 3) in the colour space ``look_space``, of the display
    window.
    """

    outputs: Mapping[str, Picture]
    look: Float
    look_space: str
    pixel_aspect: float


class Maker(ABC):
    """One service with its parameters settled.

    ``spaces`` maps each output's name to its colour space, ``main`` first; ``colour`` are the
    conversions in words, in order; ``sessions`` the networks in use.
    """

    spaces: Mapping[str, str]
    colour: tuple[str, ...]
    sessions: tuple[Session, ...] = ()

    @abstractmethod
    def make(self, picture: Picture) -> Frame:
        """
        :raises UnreadableMedia: NaN or infinity where a network would have to look at it.
        """


def maker(recipe: Recipe, colour: Colour, sessions: Sessions) -> Maker:
    """The maker of a recipe's service.

    :raises ModelMissing: its weights are not installed.
    """
    light = Light(colour, recipe.colour_space)
    match recipe.service:
        case services.UPSCALE:
            return Upscale(light, sessions(services.UPSCALERS[str(recipe.parameters["model"])]))
        case services.MATTE:
            wanted = MatteSettings(
                threshold=float(recipe.parameters["threshold"]),
                softness=float(recipe.parameters["softness"]),
            )
            return Matte(light, sessions(services.MATTE_MODEL), wanted)
        case services.ROUND_TRIP if recipe.parameters["through"] == services.MODEL_SPACE:
            return ThereAndBack(light)
        case services.ROUND_TRIP:
            return AsItIs(light)
    raise AssertionError(f"no maker for the service {recipe.service!r}")


class Light:
    """The way between the plate's colour space and the one that the models know."""

    def __init__(self, colour: Colour, space: str) -> None:
        self.space = space
        self._colour = colour
        self.into = colour.describe(space, MODEL_SPACE)
        self.back = colour.describe(MODEL_SPACE, space)

    def to_model(self, rgb: Float) -> Float:
        return self._colour.convert(rgb, self.space, MODEL_SPACE)

    def to_plate(self, rgb: Float) -> Float:
        return self._colour.convert(rgb, MODEL_SPACE, self.space)

    def peak(self) -> float:
        """The brightest light that a plate of this space holds, the same for all its frames.

        A display's encoding ends at white and a camera's log curve at what it was made for; what
        is linear has no end, and gets the models' own.
        """
        if self._colour.is_linear(self.space):
            return DEFAULT_PEAK
        corners = np.array([*itertools.product((0, 1), repeat=3)], np.float32)
        return float(np.clip(self.to_model(corners).max(), 1.0, DEFAULT_PEAK))


class AsItIs(Maker):
    """Nothing is done: what comes back is what reading and writing make of it."""

    def __init__(self, light: Light) -> None:
        self._space = light.space
        self.spaces = {MAIN: light.space}
        self.colour = (f"{light.space}, not converted",)

    def make(self, picture: Picture) -> Frame:
        return _frame(picture, self._space)


class ThereAndBack(Maker):
    """Into the models' space and back, with nothing done there."""

    def __init__(self, light: Light) -> None:
        self._light = light
        self.spaces = {MAIN: light.space}
        self.colour = (light.into, light.back)

    def make(self, picture: Picture) -> Frame:
        light = self._light
        rgb = light.to_plate(light.to_model(picture.rgb()))
        return _frame(picture.replace_rgb(rgb), light.space)


class Upscale(Maker):
    """The colours enlarged by the network, alpha and further layers by filters."""

    def __init__(self, light: Light, session: Session) -> None:
        self._light = light
        self._upscaler = Upscaler(session, peak=light.peak())
        self.spaces = {MAIN: light.space}
        self.colour = (light.into, light.back)
        self.sessions = (session,)

    def make(self, picture: Picture) -> Frame:
        """
        :raises UnreadableMedia: NaN or infinity in the colours or their alpha.
        :raises InvalidRequest: nobody could read the result.
        """
        scale = self._upscaler.scale
        for window in (picture.main.data_window, picture.display):
            width, height = window.width * scale, window.height * scale
            if width * height > MOST_PIXELS:
                raise InvalidRequest(
                    f"the result would be {width}x{height}",
                    where=picture.where,
                    next_step=f"at most {MOST_PIXELS} pixels (16384x16384) are made; send a "
                    "smaller picture or choose a smaller factor",
                )
        opacity = picture.alpha()
        if opacity is not None:
            require_finite(opacity[..., np.newaxis])  # the filter would spread it
        rgb = self._upscaler.upscale(self._light.to_model(picture.rgb()))
        enlarged = picture.resized(self._light.to_plate(rgb), scale)
        return _frame(enlarged, self._light.space)


class Matte(Maker):
    """The plate with the matte as its alpha, and the matte by itself.

    The plate's colours are not touched, nor multiplied by the matte; only the proxy shows the
    subject alone, before a middle grey.
    """

    def __init__(self, light: Light, session: Session, settings: MatteSettings) -> None:
        self._light = light
        self._matter = Matter(session)
        self._settings = settings
        self.spaces = {MAIN: light.space, services.MATTE: DATA}
        self.colour = (f"for the network's eyes only: {light.into}",)
        self.sessions = (session,)

    def make(self, picture: Picture) -> Frame:
        rgb = self._light.to_model(picture.rgb())
        matte = self._matter.matte(rgb, self._settings)
        subject = matte[..., np.newaxis]
        return Frame(
            outputs={
                MAIN: picture.with_matte(matte),
                # Y: what viewers show as grey, where a lone A would look black.
                services.MATTE: make_picture({"Y": matte}, like=picture),
            },
            look=picture.framed(rgb * subject + _BEHIND * (1 - subject)),
            look_space=MODEL_SPACE,
            pixel_aspect=picture.pixel_aspect,
        )


def _frame(picture: Picture, space: str) -> Frame:
    """One output, looked at as it is."""
    look = picture.framed(picture.rgb())
    return Frame({MAIN: picture}, look, space, picture.pixel_aspect)

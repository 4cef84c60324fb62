"""How pictures leave: which samples, which files, and what is told of them afterwards.

Each frame is a file of its own while the job runs, so that a kill costs one frame at most. Where
the delivery is a movie it is put together from them at the end, and they go away.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path, PurePath
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bridge_core.errors import InvalidRequest
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import PlateKind
from bridge_core.models.requests import Delivery
from bridge_core.models.versions import Output
from bridge_gateway.media import layers, movie_writer
from bridge_gateway.media.movie_writer import MovieCodec, write_movie
from bridge_gateway.media.movies import MovieReader
from bridge_gateway.media.pictures import Picture, read_picture, to_exr, write_picture
from bridge_gateway.media.plates import probe
from bridge_gateway.providers.contract import PICTURE
from bridge_gateway.providers.local.recipe import Recipe

#: Compressions of OpenEXR that give back what they were given.
_LOSSLESS = frozenset({"none", "rle", "zip", "zips", "piz"})
#: Folder, in the task's, of the frames that a movie is made of.
_REEL = "reel"


class Deliverer(Protocol):
    colour: tuple[str, ...]
    """What the files do to colours, in words; empty where they take values as they are."""

    def ready(self, picture: Picture) -> Picture:
        """A plate's picture with the samples that this delivery has."""

    def write(self, frame: int, outputs: Mapping[str, Picture]) -> None:
        """A frame's pictures, whole on disk on return."""

    def finish(self, spaces: Mapping[str, str]) -> tuple[Output, ...]:
        """After the last frame: what was delivered, read back from the files. ``spaces`` maps
        each output's name to its colour space."""


def deliverer(recipe: Recipe) -> Deliverer:
    """Stills, or movies where the plate is one and its own format is asked for.

    Frames with gaps between them, of a try, come as OpenEXR stills even then: in a movie they
    would stand at other times than in the shot.
    """
    if recipe.delivery is Delivery.EXR:
        return Stills(recipe, ".exr")
    if recipe.plate.kind is not PlateKind.MOVIE:
        # Of the plate's own path: what was sent is called otherwise in the gateway.
        return Stills(recipe, PurePath(recipe.plate.path).suffix.lower())
    if recipe.frames[-1] - recipe.frames[0] + 1 != len(recipe.frames):
        return Stills(recipe, ".exr")
    return Movies(recipe)


class Stills:
    """A file for each frame and output."""

    colour: tuple[str, ...] = ()

    def __init__(self, recipe: Recipe, ending: str) -> None:
        self._recipe = recipe
        self._ending = ending
        self._as_exr = recipe.delivery is Delivery.EXR or recipe.plate.kind is PlateKind.MOVIE

    def ready(self, picture: Picture) -> Picture:
        return to_exr(picture) if self._as_exr else picture

    def write(self, frame: int, outputs: Mapping[str, Picture]) -> None:
        for output, picture in outputs.items():
            compression = _compression(picture) if self._as_exr else None
            write_picture(self._path(output, frame), picture, compression=compression)

    def finish(self, spaces: Mapping[str, str]) -> tuple[Output, ...]:
        return tuple(self._described(output, space) for output, space in spaces.items())

    def _described(self, output: str, space: str) -> Output:
        picture = read_picture(self._path(output, self._recipe.frames[0]))
        return Output(
            name=output,
            pattern=f"{output}.%04d{self._ending}",
            range=_range(self._recipe),
            colour_space=space,
            width=picture.display.width,
            height=picture.display.height,
            pixel_aspect=picture.pixel_aspect,
            channels=_shown(picture.main.channels),
            depth=picture.depth,
        )

    def _path(self, output: str, frame: int) -> Path:
        name = PICTURE.format(output=output, frame=frame, ending=self._ending)
        return self._recipe.folder / name


class Movies:
    """A movie for each output: H.264 or HEVC where the plate is an MP4, ProRes in MOV otherwise.

    Pictures stay in the plate's colour space, so they are stored and tagged as the plate is.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._mp4 = PurePath(recipe.plate.path).suffix.lower() in (".mp4", ".m4v")
        with MovieReader(recipe.files[recipe.frames[0]]) as movie:
            plate = movie.facts
        self._bits = plate.bits
        self._start_timecode = plate.timecode_at(recipe.frames[0] - recipe.plate.range.first)
        self._tags = plate.tags.to_write(plate.width, plate.height)
        codes = "/".join(map(str, self._tags))
        bits = movie_writer.bits_of(self._codec(plate.width))
        self.colour: tuple[str, ...] = (
            f"encoded in video range and {bits} bits, H.273 codes {codes}",
        )

    def ready(self, picture: Picture) -> Picture:
        # Half and float keep what the codec's samples would round away before their time.
        return to_exr(picture)

    def write(self, frame: int, outputs: Mapping[str, Picture]) -> None:
        for output, picture in outputs.items():
            if picture.alpha() is not None:
                raise InvalidRequest(
                    "the movies that are written here hold no alpha",
                    where=f"output {output}",
                    next_step="ask for OpenEXR (delivery: exr)",
                )
            width, height = picture.display.width, picture.display.height
            codec = self._codec(width)
            if not movie_writer.fits(codec, width, height):
                raise InvalidRequest(
                    f"{codec} needs even sides, and the pictures are {width}x{height}",
                    where=f"output {output}",
                    next_step="ask for OpenEXR (delivery: exr)",
                )
            path = self._still(output, frame)
            path.parent.mkdir(exist_ok=True)
            write_picture(path, picture, compression="zip")

    def finish(self, spaces: Mapping[str, str]) -> tuple[Output, ...]:
        paths = {output: self._recipe.folder / self._name(output) for output in spaces}
        for output, path in paths.items():
            if not path.exists():
                self._assemble(output, path)
        shutil.rmtree(self._recipe.folder / _REEL, ignore_errors=True)
        return tuple(self._described(output, spaces[output], paths[output]) for output in spaces)

    def _described(self, output: str, space: str, path: Path) -> Output:
        facts = probe(path)
        return Output(
            name=output,
            pattern=path.name,
            range=_range(self._recipe),
            colour_space=space,
            width=facts.width,
            height=facts.height,
            pixel_aspect=facts.pixel_aspect,
            channels=facts.channels,
            depth=facts.depth,
        )

    def _assemble(self, output: str, path: Path) -> None:
        first = read_picture(self._still(output, self._recipe.frames[0]))
        write_movie(
            path,
            self._frames(output),
            codec=self._codec(first.display.width),
            rate=self._recipe.plate.range.rate,
            tags=self._tags,
            start_timecode=self._start_timecode,
            pixel_aspect=Fraction(first.pixel_aspect).limit_denominator(1000),
        )

    def _frames(self, output: str) -> Iterator[NDArray[np.float32]]:
        for frame in self._recipe.frames:
            picture = read_picture(self._still(output, frame))
            yield picture.framed(picture.rgb())

    def _codec(self, width: int) -> MovieCodec:
        if self._mp4:
            deep = MovieCodec.HEVC_10 if self._bits <= 10 else MovieCodec.HEVC_12
            return MovieCodec.H264 if self._bits <= 8 else deep
        # 4:2:2 needs an even width, and the 4444 family is where Apple puts 12 bits; FFmpeg's
        # encoder has 10 of them.
        if width % 2 or self._bits > 10:
            return MovieCodec.PRORES_4444
        return MovieCodec.PRORES_422_HQ

    def _name(self, output: str) -> str:
        return f"{output}.mp4" if self._mp4 else f"{output}.mov"

    def _still(self, output: str, frame: int) -> Path:
        name = PICTURE.format(output=output, frame=frame, ending=".exr")
        return self._recipe.folder / _REEL / name


def _compression(picture: Picture) -> str | None:
    """None, each part's own, where that loses nothing: a version is not made worse twice."""
    used = {part.header.get_string_attribute("compression") for part in picture.parts}
    return None if used <= _LOSSLESS else "zip"


def _range(recipe: Recipe) -> FrameRange:
    return FrameRange(first=recipe.frames[0], last=recipe.frames[-1], rate=recipe.plate.range.rate)


def _shown(channels: Sequence[str]) -> tuple[str, ...]:
    """The channels that are the picture. Others travel along, as they were in the plate, and may
    hold what no picture may: a depth of infinity."""
    three = layers.beauty(channels)
    if three is None:
        one = layers.grey(channels)
        return tuple(channels) if one is None else (channels[one],)
    alpha = layers.alpha(channels, layers.split(channels[three[0]])[0])
    return tuple(channels[index] for index in (*three, alpha) if index is not None)

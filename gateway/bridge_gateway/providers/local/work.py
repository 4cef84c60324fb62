"""Makes the frames of a job: read, make, write, one frame ahead and one behind the network.

While a network works on a frame, one thread reads the next and another writes the one before, so
at most three frames are in memory. docs/services.md says what that saves.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import bridge_core
from bridge_core.models.media import PlateKind
from bridge_core.models.settings import ColourSettings
from bridge_core.models.versions import ModelUsed
from bridge_gateway.media import atomic
from bridge_gateway.media.colour import Colour
from bridge_gateway.media.movies import MovieReader
from bridge_gateway.media.pictures import Picture
from bridge_gateway.media.plates import PlateReader
from bridge_gateway.media.proxies import write_proxy
from bridge_gateway.models.installed import require
from bridge_gateway.models.runtime import Session
from bridge_gateway.providers.contract import PROXY, Made
from bridge_gateway.providers.local.delivering import Deliverer, deliverer
from bridge_gateway.providers.local.makers import Frame, Maker, maker
from bridge_gateway.providers.local.recipe import Recipe

#: Distributions that touch the pixels.
_SOFTWARE = ("OpenImageIO", "opencolorio", "av", "numpy")


class Workbench:
    """What stays warm from job to job: networks and colour configs."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, int], Session] = {}
        self._colours: dict[str, Colour] = {}

    def make(self, recipe: Recipe, frame_done: Callable[[int], None]) -> Made:
        """Make what is unfinished of a job; ``frame_done`` is called from another thread.

        :raises MissingFrames: with all frames of the plate that are not there, before any work.
        :raises ShotbridgeError: what reading, colour, network or writing say.
        """
        _open_folder(recipe.folder)
        colour = self._colour(recipe.colour)
        way = maker(recipe, colour, lambda model: self._session(recipe, model))
        out = deliverer(recipe)
        frames = recipe.unfinished()
        with PlateReader(recipe.plate, recipe.files) as plate:
            plate.check(frames)
            _in_a_row(
                frames,
                read=lambda frame: out.ready(plate.read(frame)),
                make=way.make,
                write=lambda frame, made: _write(recipe, colour, out, frame, made),
                done=frame_done,
            )
        return Made(
            outputs=out.finish(way.spaces),
            models=tuple(_used(session) for session in way.sessions),
            runtime=_runtime(recipe, way),
            software={
                "shotbridge": bridge_core.__version__,
                **{name: version(name) for name in _SOFTWARE},
            },
            colour=(
                *_decoding(recipe),
                *way.colour,
                *out.colour,
                colour.describe_view(recipe.colour_space),
            ),
        )

    def _colour(self, settings: ColourSettings) -> Colour:
        key = settings.model_dump_json()
        if key not in self._colours:
            self._colours[key] = Colour(settings)
        return self._colours[key]

    def _session(self, recipe: Recipe, model_id: str) -> Session:
        """By content: weights that were installed anew are loaded anew."""
        model = require(recipe.models_dir, model_id)
        key = (model.sha256, recipe.threads)
        if key not in self._sessions:
            self._sessions[key] = Session(model, threads=recipe.threads)
        return self._sessions[key]


def _open_folder(folder: Path) -> None:
    """
    :raises NotWritable: it cannot be written to.
    """
    proxies = (folder / PROXY).parent
    try:
        proxies.mkdir(parents=True, exist_ok=True)
        atomic.sweep(folder)
    except OSError as error:
        raise atomic.storage_error(error, proxies) from error


def _decoding(recipe: Recipe) -> tuple[str, ...]:
    """What a movie's samples went through before they were R, G and B."""
    if recipe.plate.kind is not PlateKind.MOVIE:
        return ()
    with MovieReader(recipe.files[recipe.frames[0]]) as movie:
        return (f"decoded as {movie.facts.decoding}",)


def _in_a_row(
    frames: tuple[int, ...],
    *,
    read: Callable[[int], Picture],
    make: Callable[[Picture], Frame],
    write: Callable[[int, Frame], None],
    done: Callable[[int], None],
) -> None:
    """Each frame through read, make and write, in order; three frames at once, one in each."""

    def write_and_tell(frame: int, made: Frame) -> None:
        write(frame, made)
        done(frame)

    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
        ahead: Future[Picture] | None = None
        behind: Future[None] | None = None
        for frame, following in zip(frames, (*frames[1:], None), strict=False):
            picture = (ahead or reader.submit(read, frame)).result()
            ahead = reader.submit(read, following) if following is not None else None
            made = make(picture)
            if behind is not None:
                behind.result()
            behind = writer.submit(write_and_tell, frame, made)
        if behind is not None:
            behind.result()


def _write(recipe: Recipe, colour: Colour, out: Deliverer, frame: int, made: Frame) -> None:
    """The proxy comes last: where it stands, the frame is finished."""
    out.write(frame, made.outputs)
    write_proxy(
        recipe.folder / PROXY.format(frame=frame),
        made.look,
        made.look_space,
        colour,
        recipe.proxies.width,
        recipe.proxies.quality,
        pixel_aspect=made.pixel_aspect,
    )


def _used(session: Session) -> ModelUsed:
    model = session.model
    return ModelUsed(
        id=model.id,
        name=model.entry.title,
        version=f"{model.entry.package.name} {model.entry.package.version}",
        sha256=model.sha256,
        licence=model.entry.licence,
    )


def _runtime(recipe: Recipe, way: Maker) -> dict[str, str]:
    if not way.sessions:
        return {}
    return {
        "library": f"onnxruntime {version('onnxruntime')}",
        "execution_provider": ", ".join(dict.fromkeys(s.provider for s in way.sessions)),
        "threads": str(recipe.threads),
    }

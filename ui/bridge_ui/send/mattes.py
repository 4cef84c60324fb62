"""Finds the files of a matte that somebody chose, on storage that may hang."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.errors import InvalidRequest, MediaError, ShotbridgeError, UnreadableMedia
from bridge_core.models.base import validation_message
from bridge_core.models.media import PICTURE_EXTENSIONS, detect_pattern, file_extension
from bridge_core.plate_file_search import frames_on_disk, source_files
from bridge_core.system.files import unreadable_media
from bridge_ui.core.observable import unwatch_all
from bridge_ui.core.thread_pool import LatestCall, OnError

if TYPE_CHECKING:
    from bridge_core.models.requests import MatteRegion, Request
    from bridge_ui.core.session import Session


def find_matte(path: str, frames: Iterable[int]) -> MatteRegion:
    """The matte that a file belongs to: the sequence that it is a frame of, if most of ``frames``
    are beside it, otherwise this picture alone.

    :raises InvalidRequest: it is a movie, or no picture.
    :raises UnreadableMedia: its folder cannot be read.
    """
    from bridge_core.models.requests import MatteRegion

    chosen = str(Path(path).expanduser().absolute())
    if file_extension(chosen) not in PICTURE_EXTENSIONS:
        raise InvalidRequest(
            f"{Path(chosen).name} cannot be a matte: it is not a picture",
            where=chosen,
            next_step="choose a picture, or a frame of a sequence of pictures",
        )
    wanted, detected = set(frames), detect_pattern(chosen)
    if detected is not None:
        pattern, _ = detected
        # "sky_v002.png" beside "sky_v001.png" is no sequence.
        if 2 * len(wanted.intersection(frames_on_disk(pattern))) > len(wanted):
            chosen = pattern
    try:
        return MatteRegion(path=chosen)
    except ValueError as error:
        text, next_step = validation_message(error), "rename the file, or choose another one"
        raise InvalidRequest(text, where=chosen, next_step=next_step) from error


def check_mattes(requests: Sequence[Request]) -> None:
    """Whether the files of all mattes are there and can be opened; a picture is not decoded.

    :raises MissingFrames: frames of a sequence are missing.
    :raises UnreadableMedia: a file does not exist, is empty, or is not accessible.
    """
    for request in requests:
        try:
            for matte in request.mattes:
                _check_matte(request, matte)
        except MediaError as error:
            if len(requests) > 1:
                error.message = f"{request.shot.id.shot}: {error.message}"
            raise


def _check_matte(request: Request, matte: MatteRegion) -> None:
    plate = matte.as_plate(request.shot.plate.range)
    for number, file in enumerate(source_files(plate, request.frames_of(matte))):
        path = Path(file.path)
        try:
            if number == 0:  # the others are hardly less accessible
                path.open("rb").close()
        except OSError as error:
            raise unreadable_media(error, path) from error
        if not file.size:
            next_step = "write it again, or choose another file"
            raise UnreadableMedia(f"{path.name} is empty", where=file.path, next_step=next_step)


class MatteFinder:
    """``on_changed`` is called when :attr:`problem` may have changed."""

    def __init__(self, session: Session, on_changed: Callable[[], None]) -> None:
        self.problem = ("", "")
        """Why a matte of the latest requests cannot be read, and the next step; otherwise empty."""
        self._on_changed = on_changed
        self._requests: tuple[Request, ...] = ()
        """Those with mattes."""
        self._find_call: LatestCall[MatteRegion] = LatestCall(session.plate_pool)
        self._check_call: LatestCall[None] = LatestCall(session.plate_pool)
        self.close = unwatch_all(self._find_call.cancel, self._check_call.cancel)

    def find(
        self,
        path: str,
        frames: Iterable[int],
        found: Callable[[MatteRegion], None],
        on_error: OnError,
    ) -> None:
        """Call ``found`` with the matte of a file, see :func:`find_matte`, unless another one is
        chosen first."""
        self._find_call.run(lambda _: find_matte(path, frames), found, on_error)

    def update(self, requests: Iterable[Request]) -> None:
        """Check the mattes of these requests, unless they are the latest."""
        earlier = [(request.shot, request.mattes) for request in self._requests]
        self._requests = tuple(request for request in requests if request.mattes)
        if [(request.shot, request.mattes) for request in self._requests] != earlier:
            self.problem = ("", "")
            self._check()

    def retry(self) -> None:
        """Check again what could not be read; it may have been rendered meanwhile."""
        if any(self.problem):
            self._check()

    def _check(self) -> None:
        requests = self._requests
        if requests:
            self._check_call.run(lambda _: check_mattes(requests), self._checked, self._checked)
        else:
            self._check_call.cancel()

    def _checked(self, error: ShotbridgeError | None) -> None:
        self.problem = (error.message, error.next_step) if error is not None else ("", "")
        self._on_changed()

"""How pictures come in: by path where the gateway can read them itself, else by content."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated

from anyio import to_thread
from fastapi import Body, Header, Path, Request

from bridge_core.errors import InvalidRequest, PlateChanged, TransferError
from bridge_core.models.frames import FrameRange
from bridge_core.models.gateway import MediaFacts, PlateFrame, ReachableAnswer, ReachableQuery
from bridge_core.models.media import ContentAddress, ContentState, Plate, SourceFile
from bridge_gateway.api.bodies import LIST_LIMIT
from bridge_gateway.api.errors import documented
from bridge_gateway.api.files import JPEG, Download, picture
from bridge_gateway.api.parts import INTEGER, Here, Parts, router
from bridge_gateway.media.plate_proxies import Source

routes = router("media")

Bytes = Annotated[int, Header(ge=0, le=INTEGER)]


@routes.post("/media/reachable", responses=documented(413))
def reachable(here: Here, query: ReachableQuery) -> ReachableAnswer:
    """Which of these files the gateway can read where they lie, and finds unchanged."""
    if len(query.files) > LIST_LIMIT:
        raise InvalidRequest(
            f"{len(query.files)} files are asked about, at most {LIST_LIMIT} can be at once",
            where="files",
            next_step="ask in parts",
        )
    return ReachableAnswer(readable=tuple(here.roots.readable_among(query.files)))


@routes.post(
    "/media/proxy",
    response_class=Download,
    responses=documented(403, 409, 413, 416, 507) | JPEG,
)
async def proxy(here: Here, wanted: PlateFrame) -> Download:
    """A frame of a plate with the display view baked in. The file is read where it lies, or from
    the content that was sent; see `POST /v1/media/reachable`."""
    return picture(await to_thread.run_sync(_look, here, wanted, limiter=here.looking))


@routes.post("/media/facts", responses=documented(403, 409, 413))
async def facts(here: Here, file: SourceFile) -> MediaFacts:
    """The size, rate, length, timecode and colour tags of a movie or a still. The file is found as
    for `POST /v1/media/proxy`."""
    return await to_thread.run_sync(_facts, here, file, limiter=here.looking)


@routes.post("/content/states", responses=documented(413))
def states(
    here: Here, addresses: Annotated[list[ContentAddress], Body(max_length=LIST_LIMIT)]
) -> list[ContentState]:
    """How much of each content is there. What is complete stays for the next hours."""
    return here.contents.states(addresses)


@routes.patch(
    "/content/{sha256}",
    responses=documented(409, 507),
    openapi_extra={
        "requestBody": {
            "description": "The bytes from the offset on: all that is missing, or a part of it.",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def append(
    here: Here,
    request: Request,
    sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")],
    upload_offset: Bytes,
    upload_length: Bytes,
) -> ContentState:
    """Send a content on from where it stands. After a cut line, ask for its state and go on.

    409 with ``details.offset`` says where it really stands.
    """
    return await here.contents.append(sha256, upload_offset, upload_length, request.stream())


def _facts(here: Parts, file: SourceFile) -> MediaFacts:
    plate = Plate(path=file.path, range=FrameRange.of(1, 1))
    found = here.plate_proxies.facts(plate, _source(here, file), 1)
    return MediaFacts(
        width=found.width,
        height=found.height,
        pixel_aspect=found.pixel_aspect,
        rate=found.rate,
        frames=found.frames,
        start_timecode=found.start_timecode,
        colour=found.colour.words if found.colour else "",
    )


def _look(here: Parts, wanted: PlateFrame) -> FilePath:
    return here.plate_proxies.proxy(wanted.plate, _source(here, wanted.file), wanted.frame)


def _source(here: Parts, file: SourceFile) -> Source:
    """
    :raises OutsideRoots: a path that this gateway may not read.
    :raises PlateChanged: it is not there, or not as the client saw it.
    :raises TransferError: the content is not here.
    """
    if file.sha256 is None:
        path = here.roots.resolve(file.path)
        if not here.roots.readable(file):
            raise PlateChanged(
                "this file is not there any more, or was changed",
                where=file.path,
                next_step="look at the plate's files again and ask anew",
            )
        return Source(path, f"{file.size}:{file.mtime_ns}")
    content = here.contents.path(file.sha256)
    if content is None:
        raise TransferError(
            "this picture has not arrived here",
            where=file.path,
            next_step="send its content, then ask again",
            details={"sha256": [file.sha256]},
        )
    return Source(content, file.sha256)

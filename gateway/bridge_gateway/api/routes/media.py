"""Input files: read by path where the gateway can, and uploaded otherwise."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated

from anyio import to_thread
from fastapi import Body, Header, Path, Request

from bridge_core.errors import InvalidRequest, PlateChanged, TransferError
from bridge_core.models.frames import FrameRange
from bridge_core.models.gateway import (
    MediaInfo,
    PlateFrameQuery,
    ReadableFilesQuery,
    ReadableFilesResponse,
)
from bridge_core.models.media import ContentAddress, ContentState, Plate, SourceFile
from bridge_gateway.api.dependencies import MAX_INTEGER, ApiContext, ContextDep, create_router
from bridge_gateway.api.downloads import JPEG_RESPONSES, DownloadResponse, jpeg_response
from bridge_gateway.api.errors import error_responses
from bridge_gateway.api.request_limits import MAX_LIST_LENGTH
from bridge_gateway.media.plate_proxy_cache import PlateFile

router = create_router("media")

ByteCountHeader = Annotated[int, Header(ge=0, le=MAX_INTEGER)]


@router.post("/media/readable", responses=error_responses(413))
def find_readable(context: ContextDep, query: ReadableFilesQuery) -> ReadableFilesResponse:
    """The positions of the files that the gateway can read itself and that are unchanged."""
    if len(query.files) > MAX_LIST_LENGTH:
        raise InvalidRequest(
            f"{len(query.files)} files in one call; the limit is {MAX_LIST_LENGTH}",
            where="files",
            next_step="ask in several calls",
        )
    readable = context.storage.media.readable_positions(query.files)
    return ReadableFilesResponse(readable=tuple(readable))


@router.post(
    "/media/proxy",
    response_class=DownloadResponse,
    responses=error_responses(403, 409, 413, 416, 507) | JPEG_RESPONSES,
)
async def get_plate_proxy(context: ContextDep, plate_frame: PlateFrameQuery) -> DownloadResponse:
    """A frame of a plate with the display view baked in. The file is read by its path, or from what
    was uploaded; see `POST /v1/media/readable`."""
    return jpeg_response(
        await to_thread.run_sync(
            _render_plate_proxy, context, plate_frame, limiter=context.media_limiter
        )
    )


@router.post("/media/info", responses=error_responses(403, 409, 413))
async def get_media_info(context: ContextDep, file: SourceFile) -> MediaInfo:
    """The size, rate, length, timecode and colour tags of a movie or a still. The file is read as
    for `POST /v1/media/proxy`."""
    return await to_thread.run_sync(_read_info, context, file, limiter=context.media_limiter)


@router.post("/content/states", responses=error_responses(413))
def get_content_states(
    context: ContextDep,
    addresses: Annotated[list[ContentAddress], Body(max_length=MAX_LIST_LENGTH)],
) -> list[ContentState]:
    """How much of each file the gateway has. Complete files are kept for some hours."""
    return context.storage.blobs.states(addresses)


@router.patch(
    "/content/{sha256}",
    responses=error_responses(409, 507),
    openapi_extra={
        "requestBody": {
            "description": "The bytes from the offset on: all missing ones, or a part.",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def upload_content(
    context: ContextDep,
    request: Request,
    sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")],
    upload_offset: ByteCountHeader,
    upload_length: ByteCountHeader,
) -> ContentState:
    """Upload a file, or the rest of it. After a lost connection, ask for its state and continue.

    409 has the offset to continue from in ``details.offset``.
    """
    return await context.storage.blobs.append(
        sha256, upload_offset, upload_length, request.stream()
    )


def _read_info(context: ApiContext, file: SourceFile) -> MediaInfo:
    plate = Plate(path=file.path, range=FrameRange.of(1, 1))
    info = context.plate_proxies.read_info(plate, _resolve_source(context, file), 1)
    return MediaInfo(
        width=info.width,
        height=info.height,
        pixel_aspect=info.pixel_aspect,
        rate=info.rate,
        frame_count=info.frame_count,
        start_timecode=info.start_timecode,
        colour=info.colour_tag.description if info.colour_tag else "",
    )


def _render_plate_proxy(context: ApiContext, plate_frame: PlateFrameQuery) -> FilePath:
    return context.plate_proxies.proxy(
        plate_frame.plate, _resolve_source(context, plate_frame.file), plate_frame.frame
    )


def _resolve_source(context: ApiContext, file: SourceFile) -> PlateFile:
    """
    :raises OutsideMediaRoots: a path that this gateway may not read.
    :raises PlateChanged: it does not exist, or is not as the client saw it.
    :raises TransferError: the file was not uploaded.
    """
    path = context.storage.locate(file)
    if path is None:
        raise TransferError(
            "this picture has not been uploaded",
            where=file.path,
            next_step="upload the file, then ask again",
            details={"sha256": [file.sha256]},
        )
    if file.sha256 is None and not context.storage.media.is_readable(file):
        raise PlateChanged(
            "this file no longer exists, or has changed",
            where=file.path,
            next_step="list the plate's files again and repeat the call",
        )
    return PlateFile(path, file.sha256 or f"{file.size}:{file.mtime_ns}")

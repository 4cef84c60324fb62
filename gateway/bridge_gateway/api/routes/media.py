"""How pictures come in: by path where the gateway can read them itself, else by content."""

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


@router.post("/media/reachable", responses=error_responses(413))
def find_reachable(context: ContextDep, query: ReadableFilesQuery) -> ReadableFilesResponse:
    """Which of these files the gateway can read where they lie, and finds unchanged."""
    if len(query.files) > MAX_LIST_LENGTH:
        raise InvalidRequest(
            f"{len(query.files)} files are asked about, at most {MAX_LIST_LENGTH} can be at once",
            where="files",
            next_step="ask in parts",
        )
    return ReadableFilesResponse(
        readable=tuple(context.media_roots.readable_positions(query.files))
    )


@router.post(
    "/media/proxy",
    response_class=DownloadResponse,
    responses=error_responses(403, 409, 413, 416, 507) | JPEG_RESPONSES,
)
async def get_plate_proxy(context: ContextDep, plate_frame: PlateFrameQuery) -> DownloadResponse:
    """A frame of a plate with the display view baked in. The file is read where it lies, or from
    the content that was sent; see `POST /v1/media/reachable`."""
    return jpeg_response(
        await to_thread.run_sync(
            _render_plate_proxy, context, plate_frame, limiter=context.media_limiter
        )
    )


@router.post("/media/facts", responses=error_responses(403, 409, 413))
async def get_media_facts(context: ContextDep, file: SourceFile) -> MediaInfo:
    """The size, rate, length, timecode and colour tags of a movie or a still. The file is found as
    for `POST /v1/media/proxy`."""
    return await to_thread.run_sync(_read_facts, context, file, limiter=context.media_limiter)


@router.post("/content/states", responses=error_responses(413))
def get_blob_states(
    context: ContextDep,
    addresses: Annotated[list[ContentAddress], Body(max_length=MAX_LIST_LENGTH)],
) -> list[ContentState]:
    """How much of each content is there. What is complete stays for the next hours."""
    return context.blob_store.states(addresses)


@router.patch(
    "/content/{sha256}",
    responses=error_responses(409, 507),
    openapi_extra={
        "requestBody": {
            "description": "The bytes from the offset on: all that is missing, or a part of it.",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def upload_blob(
    context: ContextDep,
    request: Request,
    sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")],
    upload_offset: ByteCountHeader,
    upload_length: ByteCountHeader,
) -> ContentState:
    """Send a content on from where it stands. After a cut line, ask for its state and go on.

    409 with ``details.offset`` says where it really stands.
    """
    return await context.blob_store.append(sha256, upload_offset, upload_length, request.stream())


def _read_facts(context: ApiContext, file: SourceFile) -> MediaInfo:
    plate = Plate(path=file.path, range=FrameRange.of(1, 1))
    facts = context.plate_proxies.read_info(plate, _resolve_source(context, file), 1)
    return MediaInfo(
        width=facts.width,
        height=facts.height,
        pixel_aspect=facts.pixel_aspect,
        rate=facts.rate,
        frame_count=facts.frame_count,
        start_timecode=facts.start_timecode,
        colour=facts.colour_tag.description if facts.colour_tag else "",
    )


def _render_plate_proxy(context: ApiContext, plate_frame: PlateFrameQuery) -> FilePath:
    return context.plate_proxies.proxy(
        plate_frame.plate, _resolve_source(context, plate_frame.file), plate_frame.frame
    )


def _resolve_source(context: ApiContext, file: SourceFile) -> PlateFile:
    """
    :raises OutsideRoots: a path that this gateway may not read.
    :raises PlateChanged: it is not there, or not as the client saw it.
    :raises TransferError: the content is not here.
    """
    if file.sha256 is None:
        path = context.media_roots.resolve(file.path)
        if not context.media_roots.is_readable(file):
            raise PlateChanged(
                "this file is not there any more, or was changed",
                where=file.path,
                next_step="look at the plate's files again and ask anew",
            )
        return PlateFile(path, f"{file.size}:{file.mtime_ns}")
    blob_path = context.blob_store.find(file.sha256)
    if blob_path is None:
        raise TransferError(
            "this picture has not arrived here",
            where=file.path,
            next_step="send its content, then ask again",
            details={"sha256": [file.sha256]},
        )
    return PlateFile(blob_path, file.sha256)

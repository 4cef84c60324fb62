"""Test frames, and the lineage, files and proxies of results."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from bridge_core.models.versions import Lineage, ResultFile, TestFrame
from bridge_gateway.api.dependencies import ContextDep, FramePath, IdPath, create_router
from bridge_gateway.api.downloads import (
    JPEG_ROUTE,
    DownloadResponse,
    download_response,
    jpeg_response,
    safe_relative_path,
)
from bridge_gateway.api.errors import error_responses

router = create_router("results")


@router.get("/test-frames/{id}", responses=error_responses(404))
def get_test_frame(context: ContextDep, test_frame_id: IdPath) -> TestFrame:
    return context.runtime.results.get_test_frame(test_frame_id)


@router.get("/results/{id}/lineage", responses=error_responses(404))
def get_lineage(context: ContextDep, result_id: IdPath) -> Lineage:
    """How a version or a test frame was made."""
    return context.runtime.results.get_lineage(result_id)


@router.get("/results/{id}/files", responses=error_responses(404))
def list_files(context: ContextDep, result_id: IdPath) -> list[ResultFile]:
    return context.runtime.results.list_files(result_id)


@router.get(
    "/results/{id}/files/{path:path}",
    response_class=DownloadResponse,
    responses=error_responses(404, 416)
    | {
        200: {
            "description": "The file",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        },
        206: {"description": "The range of it that the header Range asks for"},
    },
)
def get_file(
    context: ContextDep, result_id: IdPath, path: Annotated[str, Path(max_length=1024)]
) -> DownloadResponse:
    """A file of the list, whole or a range of its bytes."""
    return download_response(context.runtime.results.find_file(result_id, safe_relative_path(path)))


@router.get("/results/{id}/proxies/{frame}", **JPEG_ROUTE)
def get_proxy(context: ContextDep, result_id: IdPath, frame: FramePath) -> DownloadResponse:
    """The proxy of a frame, with the display view baked in."""
    return jpeg_response(context.runtime.results.find_proxy(result_id, frame))


@router.get("/results/{id}/thumbnail", **JPEG_ROUTE)
def get_thumbnail(context: ContextDep, result_id: IdPath) -> DownloadResponse:
    return jpeg_response(context.runtime.results.find_thumbnail(result_id))

"""Responses that are files."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

from fastapi.responses import FileResponse
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from bridge_core.errors import InvalidRequest, NotFound
from bridge_gateway.api.errors import error_responses, problem_response

#: For ``responses=`` of routes that return a picture.
JPEG_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "JPEG",
        "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
    },
    206: {"description": "The range of it that the header Range asks for"},
}

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class DownloadResponse(FileResponse):
    """A file, or one range of its bytes, so that downloads can be resumed.

    As HTTP allows, any other kind of Range header is ignored and the whole file is sent.
    """

    #: Worker threads read the file; with smaller blocks, switching threads costs more than reading.
    chunk_size = 1 << 20

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        range_header = Headers(scope=scope).get("range")
        size = int(self.headers["content-length"])
        if range_header is not None:
            match = _RANGE.fullmatch(range_header)
            first, last = match.groups() if match else ("", "")
            if not (first or last) or (first and last and int(last) < int(first)):
                kept = [header for header in scope["headers"] if header[0] != b"range"]
                scope = {**scope, "headers": kept}
            elif int(first or 0) >= size or (not first and int(last) == 0):
                error = InvalidRequest(
                    f"the file has {size} bytes; the range {range_header} contains none of them",
                    where="header Range",
                    next_step="ask for a range within the file",
                )
                response = problem_response(
                    error, status=416, headers={"Content-Range": f"bytes */{size}"}
                )
                await response(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


#: Arguments of a route that returns a proxy or a thumbnail.
JPEG_ROUTE: dict[str, Any] = {
    "response_class": DownloadResponse,
    "responses": error_responses(404, 416) | JPEG_RESPONSES,
}


def download_response(path: Path) -> DownloadResponse:
    """A file to save.

    :raises NotFound: the file no longer exists.
    """
    try:
        stat_result = path.stat()
    except OSError as error:
        raise NotFound(
            f"the file no longer exists: {error.strerror}",
            where=path.name,
            next_step="ask the administrator of the gateway's library",
        ) from error
    return DownloadResponse(
        path, stat_result=stat_result, filename=path.name, media_type="application/octet-stream"
    )


def jpeg_response(path: Path) -> DownloadResponse:
    """A JPEG as a picture to show.

    :raises NotFound: the file no longer exists.
    """
    response = download_response(path)
    response.headers["content-type"] = "image/jpeg"
    del response.headers["content-disposition"]
    return response


def safe_relative_path(path: str) -> str:
    """A path from a URL, relative to a result's folder.

    :raises NotFound: it leads out of the folder, or could.
    """
    parts = path.split("/")
    if not {"", ".", ".."}.isdisjoint(parts) or any(character in path for character in "\0\\:"):
        raise NotFound(
            "the result has no such file",
            where=repr(path[:200]),
            next_step="ask for the result's list of files and use a path from it",
        )
    return str(PurePosixPath(path))

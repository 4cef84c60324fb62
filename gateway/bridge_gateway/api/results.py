"""What versions and tries are made of: lineage, files, proxies."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from bridge_core.models.versions import Lineage, ResultFile, Try
from bridge_gateway.api.errors import documented
from bridge_gateway.api.files import JPEG, Download, download, inner, picture
from bridge_gateway.api.parts import Frame, Here, Id, router

routes = router("results")


@routes.get("/tries/{id}", responses=documented(404))
def tried(here: Here, which: Id) -> Try:
    return here.desk.tried(which)


@routes.get("/results/{id}/lineage", responses=documented(404))
def lineage(here: Here, which: Id) -> Lineage:
    """How a version or a try was made."""
    return here.desk.lineage(which)


@routes.get("/results/{id}/files", responses=documented(404))
def files(here: Here, which: Id) -> list[ResultFile]:
    return here.desk.files(which)


@routes.get(
    "/results/{id}/files/{path:path}",
    response_class=Download,
    responses=documented(404, 416)
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
def file(here: Here, which: Id, path: Annotated[str, Path(max_length=1024)]) -> Download:
    """One of the files in the list, whole or a range of bytes."""
    return download(here.desk.file(which, inner(path)))


@routes.get(
    "/results/{id}/proxies/{frame}",
    response_class=Download,
    responses=documented(404, 416) | JPEG,
)
def proxy(here: Here, which: Id, frame: Frame) -> Download:
    """A frame with the display view baked in."""
    return picture(here.desk.proxy(which, frame))


@routes.get(
    "/results/{id}/thumbnail", response_class=Download, responses=documented(404, 416) | JPEG
)
def thumbnail(here: Here, which: Id) -> Download:
    return picture(here.desk.thumbnail(which))

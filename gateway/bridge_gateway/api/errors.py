"""Every error leaves as a :class:`Problem`, and none of them tells more than it should."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge_core.errors import GatewayFault, InvalidRequest, NotFound, ShotbridgeError
from bridge_core.models.base import short
from bridge_core.models.problems import Problem

PROBLEM = "application/problem+json"

_log = logging.getLogger(__name__)


class Refusal(HTTPException):
    """An error with a status of its own, for places where FastAPI lets only its own kind out."""

    def __init__(self, status: int, error: ShotbridgeError) -> None:
        super().__init__(status, error.what)
        self.error = error


def respond(
    error: ShotbridgeError,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer that carries an error; ``status`` instead of the error's own."""
    return Response(
        Problem.of(error).model_dump_json(),
        status_code=status or error.status,
        media_type=PROBLEM,
        headers=headers,
    )


def install(app: FastAPI) -> None:
    """Make the application's expected errors problems; :class:`Faults` does the others."""

    @app.exception_handler(ShotbridgeError)
    async def told(_: Request, error: ShotbridgeError) -> Response:
        return respond(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return respond(invalid_call(error.errors()))

    @app.exception_handler(StarletteHTTPException)
    async def refused(request: Request, error: StarletteHTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            # Routes are made for one method each, and the router names the first one's only.
            headers["Allow"] = ", ".join(_methods(app, request.url.path)) or headers["Allow"]
        return respond(_http(request, error), status=error.status_code, headers=headers)


class Faults:
    """Outermost middleware: what nobody expected is logged under a reference, and only the
    reference is sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            _log.info("%s %s: the client went away", scope["method"], scope["path"])
        except Exception:
            reference = uuid4().hex[:12]
            _log.exception("fault %s in %s %s", reference, scope["method"], scope["path"])
            if started:
                raise  # too late for an answer: the server cuts the line
            fault = GatewayFault(
                "the gateway made a mistake",
                where=f"log reference {reference}",
                next_step="give this reference to whoever runs the gateway; its log says more",
            )
            await respond(fault)(scope, receive, send)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For ``responses=`` of a route: the errors that it answers with besides the common ones."""
    return {
        status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in statuses
    }


def invalid_call(errors: Sequence[Mapping[str, Any]], count: int | None = None) -> InvalidRequest:
    """An invalid call. ``errors``: as pydantic reports them; ``count``: how many there are, where
    these are not all."""
    count = len(errors) if count is None else count
    fields = [
        {
            "field": _clean(".".join(str(part) for part in item["loc"])),
            "problem": _clean(_reason(item)),
            "value": _clean(short(item.get("input"))),
        }
        for item in errors[:100]
    ]
    told = "; ".join(f"{item['field']}: {item['problem']}" for item in fields[:5])
    more = f", and {count - 5} more" if count > 5 else ""
    return InvalidRequest(
        f"the call is not valid: {told}{more}",
        where=fields[0]["field"] if fields else "",
        next_step="correct these fields and try again; /v1/openapi.json describes them",
        details={"fields": fields},
    )


def _reason(item: Mapping[str, Any]) -> str:
    if item["type"] == "json_invalid":
        return f"is not JSON: {item['ctx']['error']}"
    return str(item["msg"])


def _http(request: Request, error: StarletteHTTPException) -> ShotbridgeError:
    if isinstance(error, Refusal):
        return error.error
    where = f"{request.method} {request.url.path}"
    if error.status_code == HTTPStatus.NOT_FOUND:
        return NotFound(
            "there is nothing at this address",
            where=where,
            next_step="/v1/openapi.json lists all addresses",
        )
    return InvalidRequest(
        f"the call cannot be taken: {error.detail}",
        where=where,
        next_step="/v1/openapi.json describes every call",
    )


def _methods(app: FastAPI, path: str) -> list[str]:
    """What an address can be called with."""
    return sorted(
        method.upper()
        for template, calls in app.openapi()["paths"].items()
        if compile_path(template)[0].match(path)
        for method in calls
    )


def _clean(text: str) -> str:
    """Without the lone surrogates that JSON can name and UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode("utf-8")

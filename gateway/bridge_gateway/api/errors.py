"""Converts errors to :class:`Problem` responses that reveal nothing confidential."""

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
from bridge_core.models.base import shorten
from bridge_core.models.problems import Problem

PROBLEM_MEDIA_TYPE = "application/problem+json"

_log = logging.getLogger(__name__)


class HttpProblem(HTTPException):
    """An error with its own status and headers, for code where FastAPI passes on only
    HTTPException."""

    def __init__(
        self, status: int, error: ShotbridgeError, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status, error.message, headers)
        self.error = error


def problem_response(
    error: ShotbridgeError,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response for an error; ``status`` replaces the error's own."""
    return Response(
        Problem.from_error(error).model_dump_json(),
        status_code=status or error.status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers=headers,
    )


def install_error_handlers(app: FastAPI) -> None:
    """Convert expected errors to problems; :class:`UnexpectedErrorMiddleware` does the others."""

    @app.exception_handler(ShotbridgeError)
    async def handle_shotbridge_error(_: Request, error: ShotbridgeError) -> Response:
        return problem_response(error)

    @app.exception_handler(RequestValidationError)
    async def handle_validation_error(_: Request, error: RequestValidationError) -> Response:
        return problem_response(invalid_call(error.errors()))

    @app.exception_handler(StarletteHTTPException)
    async def handle_http_exception(request: Request, error: StarletteHTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            # Each route has one method, and the router lists only the first route's.
            headers["Allow"] = (
                ", ".join(_allowed_methods(app, request.url.path)) or headers["Allow"]
            )
        return problem_response(
            _from_http_exception(request, error), status=error.status_code, headers=headers
        )


class UnexpectedErrorMiddleware:
    """Outermost middleware: logs an unexpected error under a reference, and sends only the
    reference."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def tracking_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, tracking_send)
        except ClientDisconnect:
            _log.info("%s %s: the client disconnected", scope["method"], scope["path"])
        except Exception:
            reference = uuid4().hex[:12]
            _log.exception(
                "unexpected error %s in %s %s", reference, scope["method"], scope["path"]
            )
            if started:
                raise  # too late for a response: the server closes the connection
            fault = GatewayFault(
                "an unexpected error occurred in the gateway",
                where=f"log reference {reference}",
                next_step="give this reference to the gateway's administrator; its log has the "
                "details",
            )
            await problem_response(fault)(scope, receive, send)


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For ``responses=`` of a route: its errors besides the common ones."""
    return {
        status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in statuses
    }


def invalid_call(errors: Sequence[Mapping[str, Any]], count: int | None = None) -> InvalidRequest:
    """The error for an invalid call. ``errors``: as pydantic reports them; ``count``: their number,
    where these are not all."""
    count = len(errors) if count is None else count
    fields = [
        {
            "field": _without_surrogates(".".join(str(part) for part in item["loc"])),
            "problem": _without_surrogates(_reason(item)),
            "value": _without_surrogates(shorten(item.get("input"))),
        }
        for item in errors[:100]
    ]
    summary = "; ".join(f"{item['field']}: {item['problem']}" for item in fields[:5])
    remainder = f", and {count - 5} more" if count > 5 else ""
    return InvalidRequest(
        f"the call is not valid: {summary}{remainder}",
        where=fields[0]["field"] if fields else "",
        next_step="correct these fields and try again; /v1/openapi.json describes them",
        details={"fields": fields},
    )


def _reason(item: Mapping[str, Any]) -> str:
    if item["type"] == "json_invalid":
        return f"is not JSON: {item['ctx']['error']}"
    return str(item["msg"])


def _from_http_exception(request: Request, error: StarletteHTTPException) -> ShotbridgeError:
    if isinstance(error, HttpProblem):
        return error.error
    where = f"{request.method} {request.url.path}"
    if error.status_code == HTTPStatus.NOT_FOUND:
        return NotFound(
            "there is nothing at this path",
            where=where,
            next_step="/v1/openapi.json lists all paths",
        )
    return InvalidRequest(
        f"the call is not valid: {error.detail}",
        where=where,
        next_step="/v1/openapi.json describes every call",
    )


def _allowed_methods(app: FastAPI, path: str) -> list[str]:
    """The methods that a path allows."""
    return sorted(
        method.upper()
        for template, calls in app.openapi()["paths"].items()
        if compile_path(template)[0].match(path)
        for method in calls
    )


def _without_surrogates(text: str) -> str:
    """Replace lone surrogates, which JSON can contain and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")

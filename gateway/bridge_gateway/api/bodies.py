"""JSON bodies: of bounded size, and nothing in them that databases or JSON cannot hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute

from bridge_core.errors import InvalidRequest
from bridge_gateway.api.errors import Refusal

#: Greatest JSON body in bytes: a submission of 100,000 files has about 13 MB.
JSON_LIMIT = 16 * 1024 * 1024

#: Most entries of a list in one call; longer ones are asked in parts.
LIST_LIMIT = 50_000


class BoundedRequest(Request):
    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            body = bytearray()
            async for chunk in self.stream():
                body += chunk
                if len(body) > JSON_LIMIT:
                    raise Refusal(
                        413,
                        InvalidRequest(
                            f"the body is greater than {JSON_LIMIT} bytes",
                            where=f"{self.method} {self.url.path}",
                            next_step="send less at once",
                        ),
                    )
            self._body = bytes(body)
        return self._body

    async def json(self) -> Any:
        body = await self.body()
        value = json.loads(body, parse_constant=_not_json)
        # Only an escape can bring a null character in; JSON itself forbids the bare one.
        if b"\\u0000" in body and _holds_null(value):
            raise _refused("text holds no null character")
        return value


class BoundedRoute(APIRoute):
    """A route whose JSON body is a :class:`BoundedRequest`'s."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            return await handler(BoundedRequest(request.scope, request.receive))

        return bounded


def _holds_null(value: Any) -> bool:
    match value:
        case str():
            return "\0" in value
        case dict():
            return any("\0" in key or _holds_null(inner) for key, inner in value.items())
        case list():
            return any(map(_holds_null, value))
        case _:
            return False


def _not_json(constant: str) -> NoReturn:
    raise _refused(f"{constant} is not a number in JSON")


def _refused(what: str) -> Refusal:
    return Refusal(422, InvalidRequest(what, where="body", next_step="send JSON (RFC 8259)"))

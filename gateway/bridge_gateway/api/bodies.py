"""Calls as they come in: bodies of bounded size, nothing in them that JSON or a database cannot
hold, and no search by a word that nobody knows."""

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
        try:
            value = json.loads(body, parse_constant=_not_json)
        except json.JSONDecodeError:
            raise  # FastAPI tells where in the body
        except (ValueError, RecursionError) as error:
            # Not UTF-8, a number of thousands of digits, or lists in lists without end.
            raise _refused(f"this cannot be read as JSON: {error}", "send plain JSON") from error
        # Only an escape can bring a null character in; JSON itself forbids the bare one.
        if b"\\u0000" in body and _holds_null(value):
            raise _refused("text holds no null character", "take it out")
        return value


class StrictRoute(APIRoute):
    """A route that takes :class:`BoundedRequest` bodies and the parameters that it has.

    A parameter with a slip in its name is refused: passed over, it would give everything to
    somebody who asked for one shot.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        known = {parameter.alias for parameter in self.dependant.query_params}

        async def strict(request: Request) -> Response:
            unknown = set(request.query_params) - known
            if unknown:
                raise InvalidRequest(
                    f"there is no such parameter: {', '.join(sorted(unknown))[:200]}",
                    where=f"{request.method} {request.url.path}",
                    next_step=f"it takes: {', '.join(sorted(known)) or 'none'}",
                )
            return await handler(BoundedRequest(request.scope, request.receive))

        return strict


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
    raise _refused(f"{constant} is not a number in JSON", "send a number or null")


def _refused(what: str, next_step: str) -> Refusal:
    return Refusal(422, InvalidRequest(what, where="body", next_step=next_step))

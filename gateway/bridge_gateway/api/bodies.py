"""Calls as they come in: bodies of bounded size, nothing in them that JSON or a database cannot
hold, and no search by a word that nobody knows."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from itertools import islice
from typing import Annotated, Any, NoReturn

from anyio import to_thread
from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.types import Receive, Scope

from bridge_core.errors import InvalidRequest
from bridge_core.models.requests import MOST_FRAMES
from bridge_gateway.api.errors import Refusal, invalid_call

#: Greatest JSON body in bytes: a submission of 100,000 files has about 13 MB.
JSON_LIMIT = 16 * 1024 * 1024

#: Most entries of a list in one call; longer ones are asked in parts.
LIST_LIMIT = 50_000

#: Bytes up to which a body is parsed on the event loop: a thread would cost more than it saves.
SHORT = 32_768
#: Commas and colons in a body: a submission of 100,000 files has a million.
MOST_VALUES = 2_000_000
#: Fields of one object: the parameters of a service are some dozen.
LARGEST_OBJECT = 1000
#: Mistakes that are listed one by one.
MOST_MISTAKES = 1000
#: Levels of nesting; a submission has eight, and its parameters.
DEEPEST = 64


class BoundedRequest(Request):
    """A call whose body is parsed and validated here, in a thread where it is long, so that no body
    delays other calls."""

    def __init__(self, scope: Scope, receive: Receive, takes: TypeAdapter[Any] | None) -> None:
        super().__init__(scope, receive)
        self._takes = takes

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
        if len(body) <= SHORT:
            return _read(body, self._takes)
        return await to_thread.run_sync(_read, body, self._takes)


class StrictRoute(APIRoute):
    """A route that takes :class:`BoundedRequest` bodies and the parameters that it has.

    A parameter with a slip in its name is refused: passed over, it would give everything to
    somebody who asked for one shot.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        info = self.body_field.field_info if self.body_field is not None else None
        takes: TypeAdapter[Any] | None = None
        if info is not None:
            takes = TypeAdapter(Annotated[info.annotation, info])  # type: ignore[arg-type]
        known = {parameter.alias for parameter in self.dependant.query_params}

        async def strict(request: Request) -> Response:
            unknown = set(request.query_params) - known
            if unknown:
                raise InvalidRequest(
                    f"there is no such parameter: {', '.join(sorted(unknown))[:200]}",
                    where=f"{request.method} {request.url.path}",
                    next_step=f"it takes: {', '.join(sorted(known)) or 'none'}",
                )
            return await handler(BoundedRequest(request.scope, request.receive, takes))

        return strict


def _read(body: bytes, takes: TypeAdapter[Any] | None) -> Any:
    """A body as the type that the route takes. FastAPI validates it again, which costs nothing for
    a value of that type.

    :raises Refusal: it is not JSON, or not what the route takes.
    """
    # Before anything is built: a value of two characters costs a hundred bytes.
    if body.count(b",") + body.count(b":") > MOST_VALUES:
        raise _refused(f"the body holds more than {MOST_VALUES} values", "send less at once")
    try:
        value = json.loads(body, parse_constant=_not_json)
    except json.JSONDecodeError:
        raise  # FastAPI tells where in the body
    except (ValueError, RecursionError) as error:
        # Not UTF-8, a number of thousands of digits, or lists in lists without end.
        raise _refused(f"this cannot be read as JSON: {error}", "send plain JSON") from error
    # Only an escape can bring a null character in; JSON itself forbids the bare one.
    _check(value, nulls=b"\\u0000" in body)
    if takes is None:
        return value
    try:
        return takes.validate_python(value)
    except ValidationError as error:
        raise Refusal(422, _mistakes(error, value, takes)) from None


def _mistakes(error: ValidationError, value: Any, takes: TypeAdapter[Any]) -> InvalidRequest:
    """What is wrong with a body. Listing a hundred thousand mistakes takes seconds in which nothing
    else runs, so of many only those at the beginning are listed."""
    count = error.error_count()
    if count > MOST_MISTAKES:
        try:
            takes.validate_python(_beginning(value))
        except ValidationError as shorter:
            error = shorter
        else:
            return InvalidRequest(
                f"the call is not valid: {count} values are wrong",
                where="body",
                next_step="/v1/openapi.json describes what it takes",
            )
    return invalid_call(
        [{**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)], count
    )


def _beginning(value: Any) -> Any:
    match value:
        case dict():
            return {key: _beginning(inner) for key, inner in islice(value.items(), 50)}
        case list():
            return [_beginning(inner) for inner in value[:10]]
        case _:
            return value


def _check(value: Any, *, nulls: bool) -> None:
    """Refuse what no call needs and what would be slow to refuse field by field."""
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                if len(one) > LARGEST_OBJECT:
                    raise _refused(
                        f"an object has {len(one)} fields, at most {LARGEST_OBJECT} are taken",
                        "leave out what the call does not take",
                    )
                inner += one.values()
                inner += one if nulls else ()
            elif isinstance(one, list):
                if len(one) > MOST_FRAMES:
                    raise _refused(
                        f"a list has {len(one)} entries, at most {MOST_FRAMES} are taken",
                        "send less at once",
                    )
                inner += one
            elif nulls and isinstance(one, str) and "\0" in one:
                raise _refused("text holds no null character", "take it out")
        level = inner
        if not level:
            return
    raise _refused(f"the body is nested deeper than {DEEPEST} levels", "send flatter JSON")


def _not_json(constant: str) -> NoReturn:
    raise _refused(f"{constant} is not a number in JSON", "send a number or null")


def _refused(what: str, next_step: str) -> Refusal:
    return Refusal(422, InvalidRequest(what, where="body", next_step=next_step))

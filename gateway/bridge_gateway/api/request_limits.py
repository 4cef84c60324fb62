"""Validation of calls: bodies of bounded size without values that JSON or the database cannot hold,
and no unknown query parameters."""

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
from bridge_core.models.requests import MAX_FRAMES
from bridge_gateway.api.errors import HttpProblem, invalid_call

#: Limit of a JSON body in bytes: a submission of 100,000 files has about 13 MB.
MAX_BODY_BYTES = 16 * 1024 * 1024

#: Limit of the entries of a list in one call; longer lists are sent in several calls.
MAX_LIST_LENGTH = 50_000

#: Bytes up to which a body is parsed on the event loop, because a thread would cost more. A
#: submission of 400 frames has about 60,000 and takes a millisecond.
MAX_INLINE_BYTES = 65_536
#: Commas and colons in a body: a submission of 100,000 files has a million.
MAX_VALUES = 2_000_000
#: Fields of one object: the parameters of a service are some dozen.
MAX_OBJECT_FIELDS = 1000
#: Limit of the errors that are listed one by one.
MAX_LISTED_ERRORS = 1000
#: Levels of nesting; a submission has eight, and its parameters.
MAX_NESTING = 64


class BoundedRequest(Request):
    """A call whose body is parsed and validated here, in a thread if it is large, so that it does
    not delay other calls."""

    def __init__(self, scope: Scope, receive: Receive, body_type: TypeAdapter[Any] | None) -> None:
        super().__init__(scope, receive)
        self._body_type = body_type

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            body = bytearray()
            async for chunk in self.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise HttpProblem(
                        413,
                        InvalidRequest(
                            f"the body is larger than {MAX_BODY_BYTES} bytes",
                            where=f"{self.method} {self.url.path}",
                            next_step="send less in one call",
                        ),
                    )
            self._body = bytes(body)
        return self._body

    async def json(self) -> Any:
        body = await self.body()
        if len(body) <= MAX_INLINE_BYTES:
            return _parse_body(body, self._body_type)
        return await to_thread.run_sync(_parse_body, body, self._body_type)


class StrictRoute(APIRoute):
    """A route that uses :class:`BoundedRequest` and refuses unknown query parameters.

    If a misspelt parameter were ignored, a search for one shot would return all of them.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        info = self.body_field.field_info if self.body_field is not None else None
        body_type: TypeAdapter[Any] | None = None
        if info is not None:
            body_type = TypeAdapter(Annotated[info.annotation, info])  # type: ignore[arg-type]
        known_parameters = {parameter.alias for parameter in self.dependant.query_params}

        async def handle_strictly(request: Request) -> Response:
            unknown = set(request.query_params) - known_parameters
            if unknown:
                raise InvalidRequest(
                    f"there is no such parameter: {', '.join(sorted(unknown))[:200]}",
                    where=f"{request.method} {request.url.path}",
                    next_step=f"it takes: {', '.join(sorted(known_parameters)) or 'none'}",
                )
            return await handler(BoundedRequest(request.scope, request.receive, body_type))

        return handle_strictly


def _parse_body(body: bytes, body_type: TypeAdapter[Any] | None) -> Any:
    """A body as the type that the route accepts. FastAPI validates it again, which costs nothing
    for a value of that type.

    :raises HttpProblem: it is not JSON, or not of that type.
    """
    # Before parsing: a value of two characters takes a hundred bytes of memory.
    if body.count(b",") + body.count(b":") > MAX_VALUES:
        raise _invalid_body(
            f"the body holds more than {MAX_VALUES} values", "send less in one call"
        )
    try:
        value = json.loads(body, parse_constant=_reject_constant)
    except json.JSONDecodeError:
        raise  # FastAPI reports the position
    except (ValueError, RecursionError) as error:
        # Not UTF-8, a number of thousands of digits, or too many nested lists.
        raise _invalid_body(
            f"the body cannot be read as JSON: {error}", "send plain JSON"
        ) from error
    # A null character can only be escaped; JSON itself forbids a literal one.
    _check_structure(value, reject_nulls=b"\\u0000" in body)
    if body_type is None:
        return value
    try:
        return body_type.validate_python(value)
    except ValidationError as error:
        raise HttpProblem(422, _validation_problem(error, value, body_type)) from None


def _validation_problem(
    error: ValidationError, value: Any, body_type: TypeAdapter[Any]
) -> InvalidRequest:
    """The errors in a body. Listing a hundred thousand errors takes seconds in which nothing else
    runs, so only the first ones are listed."""
    count = error.error_count()
    if count > MAX_LISTED_ERRORS:
        try:
            body_type.validate_python(_truncated(value))
        except ValidationError as shorter:
            error = shorter
        else:
            return InvalidRequest(
                f"the call is not valid: {count} values are wrong",
                where="body",
                next_step="/v1/openapi.json describes its fields",
            )
    return invalid_call(
        [{**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)], count
    )


def _truncated(value: Any) -> Any:
    match value:
        case dict():
            return {key: _truncated(inner) for key, inner in islice(value.items(), 50)}
        case list():
            return [_truncated(inner) for inner in value[:10]]
        case _:
            return value


def _check_structure(value: Any, *, reject_nulls: bool) -> None:
    """Refuse structures that no call needs and that would be slow to validate."""
    level: list[Any] = [value]
    for _ in range(MAX_NESTING):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                if len(item) > MAX_OBJECT_FIELDS:
                    raise _invalid_body(
                        f"an object has {len(item)} fields; the limit is {MAX_OBJECT_FIELDS}",
                        "leave out fields that the call does not accept",
                    )
                inner += item.values()
                inner += item if reject_nulls else ()
            elif isinstance(item, list):
                if len(item) > MAX_FRAMES:
                    raise _invalid_body(
                        f"a list has {len(item)} entries; the limit is {MAX_FRAMES}",
                        "send less in one call",
                    )
                inner += item
            elif reject_nulls and isinstance(item, str) and "\0" in item:
                raise _invalid_body("text must not contain null characters", "remove them")
        level = inner
        if not level:
            return
    raise _invalid_body(f"the body is nested deeper than {MAX_NESTING} levels", "send flatter JSON")


def _reject_constant(constant: str) -> NoReturn:
    raise _invalid_body(f"{constant} is not a number in JSON", "send a number or null")


def _invalid_body(message: str, next_step: str) -> HttpProblem:
    return HttpProblem(422, InvalidRequest(message, where="body", next_step=next_step))

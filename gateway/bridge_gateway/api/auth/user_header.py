"""Who makes a call: the person named in its header, or else the user who runs the gateway."""

from __future__ import annotations

from functools import cache
from urllib.parse import unquote

from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import Headers

from bridge_core.errors import InvalidRequest
from bridge_core.models.base import PersonName
from bridge_core.text.person_names import default_person_name
from bridge_gateway.api.errors import HttpProblem
from bridge_gateway.policy.principal import Principal

#: The name of the person, as percent-encoded UTF-8. Whoever has the token can name anybody.
USER_HEADER = "Shotbridge-User"

_NAME = TypeAdapter(PersonName)


def identify_principal(headers: Headers) -> Principal:
    """The principal of an authorised call.

    :raises HttpProblem: the header is there, and does not have one valid name.
    """
    values = headers.getlist(USER_HEADER)
    if not values:
        return _gateway_user()
    if len(values) > 1:
        raise _invalid_user("there are several of this header", values)
    try:
        name = unquote(values[0].encode("ascii").decode(), errors="strict")
        return Principal(_NAME.validate_python(name))
    except UnicodeError as error:
        raise _invalid_user("the name is not percent-encoded UTF-8", values) from error
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise _invalid_user(reason, values) from error


@cache
def _gateway_user() -> Principal:
    return Principal(default_person_name() or "gateway")


def _invalid_user(reason: str, values: list[str]) -> HttpProblem:
    error = InvalidRequest(
        f"the user's name cannot be used: {reason}",
        where=f"header {USER_HEADER}: {', '.join(values)[:60]!r}",
        next_step="send one name of 1 to 200 characters, percent-encoded as UTF-8, or no such "
        "header; in Shotbridge, correct client.user",
    )
    return HttpProblem(400, error)

"""Creates the FastAPI application."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

import bridge_core
from bridge_core.models.gateway import Event
from bridge_gateway.api import errors
from bridge_gateway.api.activity import Activity
from bridge_gateway.api.auth.middleware import (
    CLIENT_HEADER,
    PUBLIC_PATH,
    AuthConfig,
    AuthMiddleware,
)
from bridge_gateway.api.auth.user_header import USER_HEADER
from bridge_gateway.api.dependencies import ApiContext
from bridge_gateway.api.routes import (
    about,
    events,
    jobs,
    ledger,
    media,
    results,
    services,
    versions,
)

_DESCRIPTION = f"""Sends shots to AI services and returns versions.

Every call except `GET {PUBLIC_PATH}` needs `Authorization: Bearer TOKEN`. Clients send their
version in the header `{CLIENT_HEADER}`; a client that is too old gets status 426. The header
`{USER_HEADER}` names the person who makes the call, as percent-encoded UTF-8; without it, the call
is made by the user that runs the gateway. Errors are `Problem` documents
(`{errors.PROBLEM_MEDIA_TYPE}`).
"""

#: Errors that any call may return: their status and cause.
_COMMON_ERRORS = {
    400: f"The header `{USER_HEADER}` does not have one valid name",
    401: "The token is missing or wrong",
    403: "A foreign host name, a web page, or files outside the media roots",
    422: "The call is not valid; `details.fields` lists the invalid fields",
    426: "The client is too old",
    500: "An unexpected error; the gateway's log has it under the reference in `where`",
    503: "The database, or a disk that the call needs, is not available now; try again",
}

_SCHEMA_REF = "#/components/schemas/{model}"


def create_app(context: ApiContext, auth: AuthConfig, activity: Activity) -> FastAPI:
    """The application with its routes, middleware and context."""
    app = create_routes_app()
    app.state.context = context
    app.state.auth = auth
    # The last one added is the outermost: unexpected errors are caught everywhere, and only
    # authorised calls count as activity.
    app.add_middleware(activity.count_calls)
    app.add_middleware(AuthMiddleware, config=auth)
    app.add_middleware(errors.UnexpectedErrorMiddleware)
    return app


def create_routes_app() -> FastAPI:
    """The routes without a context: enough for the OpenAPI document."""
    app = FastAPI(
        title="Shotbridge gateway",
        version=bridge_core.API_VERSION,
        description=_DESCRIPTION,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    errors.install_error_handlers(app)
    for module in (about, services, media, jobs, ledger, versions, results, events):
        app.include_router(module.router)
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = _complete_openapi(generate())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
    return app


def _complete_openapi(document: dict[str, Any]) -> dict[str, Any]:
    """FastAPI's document with the token, the middleware's responses, and the form of errors."""
    components = document["components"]
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    # The messages of the event stream have no type in OpenAPI; their model is added here.
    event = Event.model_json_schema(ref_template=_SCHEMA_REF, mode="serialization")
    for name, schema in (*event.pop("$defs").items(), ("Event", event)):
        components["schemas"].setdefault(name, schema)
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    document["security"] = [{"token": []}]
    document["paths"][PUBLIC_PATH]["get"]["security"] = []
    content = {errors.PROBLEM_MEDIA_TYPE: {"schema": {"$ref": _SCHEMA_REF.format(model="Problem")}}}
    for calls in document["paths"].values():
        for call in calls.values():
            responses = call["responses"]
            for status, description in _COMMON_ERRORS.items():
                responses[str(status)] = {"description": description}
            for status, response in responses.items():
                if int(status) >= 400:
                    response["content"] = content
    return document

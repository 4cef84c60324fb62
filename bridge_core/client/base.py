"""What all calls of the client need: the connection to the gateway, and the person who acts."""

from __future__ import annotations

import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar

from bridge_core.connection.transport import Transport, user_header
from bridge_core.errors import ConfigError
from bridge_core.text.person_names import default_person_name, login_name, normalise_person_name

if TYPE_CHECKING:
    from bridge_core.connection.endpoint import Endpoint
    from bridge_core.models.settings import Settings

T = TypeVar("T")


class ClientBase:
    """A connection to one gateway: the studio's, or a local one of this user. The calls are in
    subclasses, one for each subject."""

    def __init__(self, settings: Settings, *, start_gateway: bool = True) -> None:
        self.settings = settings
        self._start_gateway = start_gateway

    @property
    def user(self) -> str:
        """The name under which requests, notes and decisions are recorded: ``client.user``, else
        the login name.

        :raises ConfigError: there is neither, or the login name is not the name of a person.
        """
        return _require_name(self.settings.client.user or login_name())

    def set_user(self, name: str | None) -> None:
        """Use this name from now on; None: the login name."""
        client = self.settings.client.model_copy(update={"user": name})
        self.settings = self.settings.model_copy(update={"client": client})
        if "_transport" in self.__dict__:
            self._transport.user = name or default_person_name()

    def close(self) -> None:
        """Close the connections. The gateway keeps running."""
        if "_transport" in self.__dict__:
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def _transport(self) -> Transport:
        return Transport(self._find_endpoint, self.settings.client)

    def _find_endpoint(self) -> Endpoint:
        from bridge_core import gateway_launcher

        if self._start_gateway:
            return gateway_launcher.ensure_gateway(self.settings)
        return gateway_launcher.find_gateway(self.settings)

    def _acting_user(self, user: str | None) -> str:
        """:raises ConfigError: nobody is named, or not by a valid name."""
        return self.user if user is None else _require_name(user)

    def _get(self, result_type: type[T], path: str, **params: Any) -> T:
        return self._transport.request_json(result_type, "GET", path, params=params)

    def _post_once(
        self, result_type: type[T], path: str, body: Any, key: str | None, user: str | None
    ) -> T:
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        headers |= user_header(self._acting_user(user))
        return self._transport.request_json(
            result_type, "POST", path, body=body, headers=headers, idempotent=True
        )

    def _get_bytes(self, path: str) -> bytes:
        return self._transport.request("GET", path).content


def _require_name(name: str) -> str:
    try:
        return normalise_person_name(name)
    except ValueError as error:
        reason = error if name.strip() else "there is none"
        raise ConfigError(
            f"requests, notes and decisions are recorded under a name, and {reason}",
            next_step="set client.user in your configuration, or --set client.user=NAME",
        ) from error

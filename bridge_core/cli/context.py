"""The context of a ``shotbridge`` command: its arguments, settings, client and output."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bridge_core.cli.output import CommandOutput
from bridge_core.errors import ConfigError

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.config import LoadedSettings


@dataclass
class CommandContext:
    """One call of ``shotbridge``. Settings and client are created on first use."""

    arguments: argparse.Namespace
    output: CommandOutput
    _clients: list[Client] = field(default_factory=list)

    @cached_property
    def config(self) -> LoadedSettings:
        from bridge_core.config import load_settings

        return load_settings(self.overrides, show=self.arguments.show)

    @cached_property
    def overrides(self) -> dict[str, Any]:
        """The values given with ``--set``, by dotted key."""
        before, after = self.arguments.set_before or (), self.arguments.set or ()
        return dict(parse_key_value(text) for text in (*before, *after))

    def set_defaults(self, settings: Mapping[str, Any]) -> None:
        """Set a command's own settings where ``--set`` does not; call it before the client."""
        for key, value in settings.items():
            self.overrides.setdefault(key, value)
        self.__dict__.pop("config", None)

    @cached_property
    def client(self) -> Client:
        from bridge_core.client import Client

        client = Client(self.config.settings)
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()


Command = Callable[[CommandContext], int]


def parse_key_value(text: str) -> tuple[str, str]:
    """Split ``key=value``.

    :raises ConfigError: there is no ``=``, or nothing before it.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(
            f"{text!r} is not a setting",
            next_step="write KEY=VALUE, such as client.parallel_transfers=8",
        )
    return key.strip(), value

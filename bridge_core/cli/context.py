"""What all commands of ``shotbridge`` share: settings, client, output, ids, common options."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bridge_core.cli.output import CommandOutput
from bridge_core.errors import ConfigError, InvalidRequest

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.config import LoadedSettings
    from bridge_core.models.jobs import Job
    from bridge_core.models.versions import Version


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

    def version_id(self, prefix: str) -> str:
        """The complete id of a version; a prefix is enough where only one id begins with it.

        :raises InvalidRequest: no id, or more than one, begins with ``prefix``.
        """
        return _expand_id(prefix, "version", self.client.versions)

    def job_id(self, prefix: str) -> str:
        """As :meth:`version_id`, for a job. A prefix is looked up among the newest 500."""
        return _expand_id(prefix, "job", lambda: self.client.jobs(limit=500))

    def close(self) -> None:
        for client in self._clients:
            client.close()


Command = Callable[[CommandContext], int]


def add_command(
    commands: Any,
    common: argparse.ArgumentParser,
    name: str,
    run: Command,
    help: str,  # noqa: A002
    **details: Any,
) -> argparse.ArgumentParser:
    """Add a command with the common options; its own are added to the parser that is returned."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, parents=[common], help=help, **details
    )
    parser.set_defaults(run=run)
    return parser


def short_id(full_id: str) -> str:
    """What tables show of an id."""
    return full_id[:8]


def _expand_id(prefix: str, kind: str, query: Callable[[], Sequence[Version | Job]]) -> str:
    if len(prefix) >= 32:  # it is complete
        return prefix
    matches = [found.id for found in query() if prefix and found.id.startswith(prefix)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        next_step = f"give more characters: {', '.join(matches[:3])}"
        raise InvalidRequest(f"{len(matches)} {kind}s begin with {prefix!r}", next_step=next_step)
    next_step = f"`shotbridge {kind}s` lists them"
    raise InvalidRequest(f"no {kind} begins with {prefix!r}", next_step=next_step)


def parse_key_value(text: str) -> tuple[str, str]:
    """Split ``key=value``.

    :raises ConfigError: there is no ``=``, or nothing before it.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        next_step = "write KEY=VALUE, such as client.parallel_transfers=8"
        raise ConfigError(f"{text!r} is not a setting", next_step=next_step)
    return key.strip(), value

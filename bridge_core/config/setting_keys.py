"""The keys of the configuration, read off the model: their types, limits and defaults in words."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bridge_core.models.settings import Settings


@dataclass(frozen=True)
class SettingKey:
    """One setting. ``name`` is dotted (``gateway.proxies.width``)."""

    name: str
    section: type[BaseModel]
    schema: Mapping[str, Any]
    """The field's JSON schema, without the choice of null."""
    optional: bool
    """Whether null (none) is a value."""

    @property
    def field(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def default(self) -> Any:
        return self.section.model_fields[self.field].get_default(call_default_factory=True)

    @property
    def description(self) -> str:
        """What the setting is for, in one line."""
        return " ".join((self.section.model_fields[self.field].description or "").split())

    @property
    def is_text(self) -> bool:
        """Text or a path: what stands in an environment variable is taken as it stands."""
        return self.schema.get("type") == "string"

    @property
    def is_list(self) -> bool:
        return self.schema.get("type") == "array"

    @property
    def is_path(self) -> bool:
        """A path, or a list of paths."""
        return (self.schema.get("items") or self.schema).get("format") == "path"

    @property
    def accepted_values(self) -> str:
        """Type and limits in words."""
        words = _describe_type(self.schema)
        return f"{words}, or null" if self.optional else words

    def find_problem(self, value: Any) -> str:
        """What is wrong with a value, in words; empty when it will do."""
        if isinstance(value, bool) and self.schema.get("type") in ("integer", "number"):
            return f"it takes {self.accepted_values}"
        try:
            self.section.model_validate({self.field: value})
        except (ValidationError, RecursionError) as error:
            if isinstance(error, ValidationError):
                first = error.errors(include_url=False)[0]
                if first["type"] == "value_error":
                    return first["msg"].removeprefix("Value error, ")
            return f"it takes {self.accepted_values}"
        return ""


@cache
def setting_keys() -> Mapping[str, SettingKey]:
    """Every key by its dotted name, in the order of the model."""
    return {key.name: key for key in _walk_model(Settings, "")}


@cache
def setting_sections() -> Mapping[str, type[BaseModel]]:
    """Every section by its dotted name; the whole is not one."""
    by_name: dict[str, type[BaseModel]] = {}
    for key in setting_keys().values():
        by_name.setdefault(key.name.rpartition(".")[0], key.section)
    return by_name


def unknown_key_message(name: str) -> str:
    """What to say of a key that does not exist: the nearest one that does."""
    known = [*setting_keys(), *setting_sections()]
    last = name.rpartition(".")[2]
    matches = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    # Somebody may know a key's own name and not its section.
    matches = matches or [key for key in known if key.rpartition(".")[2] == last]
    if matches:
        return f"there is no such key; did you mean {matches[0]}?"
    return "there is no such key; docs/configuration.md lists them all"


def _walk_model(model: type[BaseModel], prefix: str) -> Iterator[SettingKey]:
    properties = model.model_json_schema()["properties"]
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _walk_model(inner, f"{prefix}{name}.")
            continue
        schema = properties[name]
        choices = schema.get("anyOf", [schema])
        kinds = [choice for choice in choices if choice.get("type") != "null"]
        yield SettingKey(f"{prefix}{name}", model, kinds[0], optional=len(kinds) < len(choices))


def _describe_type(schema: Mapping[str, Any]) -> str:
    match schema:
        case {"type": "array", "items": {"format": "path"}}:
            return "a list of paths"
        case {"type": "array"}:
            return "a list of texts"
        case {"format": "path"}:
            return "a path"
        case {"type": "string", "pattern": str(pattern)} if pattern.startswith("^https?://"):
            return "an address such as https://gateway.studio:8080"
        case {"type": "string", "maxLength": int(most)}:
            return f"text of {schema.get('minLength', 0)} to {most} characters"
        case {"type": "string"}:
            return "text"
        case {"type": "boolean"}:
            return "true or false"
        case {"type": "integer"}:
            return f"a whole number{_describe_limits(schema)}"
        case _:
            return f"a number{_describe_limits(schema)}"


def _describe_limits(schema: Mapping[str, Any]) -> str:
    minimum, maximum = schema.get("minimum"), schema.get("maximum")
    above = schema.get("exclusiveMinimum")
    if minimum is not None and maximum is not None:
        return (
            f" from {minimum:g} to {maximum:g}"
            if maximum < 1e6
            else f" from {minimum} to {maximum}"
        )
    parts = []
    if above is not None:
        parts.append(f"above {above}")
    if minimum is not None:
        parts.append(f"at least {minimum}")
    if maximum is not None:
        parts.append(f"at most {maximum}")
    return f" {' and '.join(parts)}" if parts else ""


def format_value(value: Any) -> str:
    """A value as people write it in a configuration file; passwords in addresses are left out."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return f"[{', '.join(format_value(item) for item in value)}]"
    text = (
        str(value) if isinstance(value, Path) else value if isinstance(value, str) else repr(value)
    )
    return str(mask_password(text))


def mask_password(value: Any) -> Any:
    """An address without the password in it; everything else as it is."""
    if not isinstance(value, str):
        return value
    scheme, mark, rest = value.partition("://")
    account, at, host_and_path = rest.rpartition("@")
    if mark and at and ":" in account:
        return f"{scheme}://{account.partition(':')[0]}:...@{host_and_path}"
    return value

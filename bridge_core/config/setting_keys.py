"""The keys of the configuration with their types, limits and defaults, derived from the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from bridge_core.models.base import validation_message
from bridge_core.models.settings import Settings


@dataclass(frozen=True)
class SettingKey:
    """A setting. ``name`` is dotted (``gateway.proxies.width``)."""

    name: str
    section: type[BaseModel]

    @property
    def field(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def default(self) -> Any:
        return self.section.model_fields[self.field].get_default(
            call_default_factory=True, validated_data={}
        )

    @property
    def description(self) -> str:
        return " ".join(self._schema.get("description", "").split())

    @property
    def is_text(self) -> bool:
        """Text or a path, which is taken verbatim from an environment variable."""
        return not self.is_list and not self._classes.isdisjoint((str, Path))

    @property
    def is_list(self) -> bool:
        return tuple in self._classes

    @property
    def is_path(self) -> bool:
        """A path, or a list of paths."""
        return Path in self._classes

    @property
    def accepted_values(self) -> str:
        """A description of type and limits."""
        choices = self._schema.get("anyOf", [self._schema])
        description = _describe_type(next(one for one in choices if one.get("type") != "null"))
        return f"{description}, or null" if NoneType in self._classes else description

    @cached_property
    def _classes(self) -> frozenset[Any]:
        return _classes_in(self.section.model_fields[self.field].annotation)

    @property
    def _schema(self) -> Mapping[str, Any]:
        """The field's JSON schema. It is only made for messages and documents: that takes longer
        than everything else when the configuration is loaded."""
        return _field_schemas(self.section)[self.field]

    def find_problem(self, value: Any) -> str:
        """What is wrong with a value; empty if it is valid."""
        if isinstance(value, bool) and not self._classes.isdisjoint((int, float)):
            return f"it must be {self.accepted_values}"
        try:
            self.section.model_validate({self.field: value})
        except (ValidationError, RecursionError) as error:
            if isinstance(error, ValidationError):
                first = error.errors(include_url=False)[0]
                if first["type"] == "value_error":
                    return validation_message(error)
            return f"it must be {self.accepted_values}"
        return ""


@cache
def setting_keys() -> Mapping[str, SettingKey]:
    """All keys by dotted name, in the order of the model."""
    return {key.name: key for key in _walk_model(Settings, "")}


@cache
def setting_sections() -> Mapping[str, type[BaseModel]]:
    """All sections by dotted name, without the root."""
    by_name: dict[str, type[BaseModel]] = {}
    for key in setting_keys().values():
        by_name.setdefault(key.name.rpartition(".")[0], key.section)
    return by_name


def unknown_key_message(name: str) -> str:
    """The message for an unknown key, with the most similar one."""
    import difflib  # only for this message

    known = [*setting_keys(), *setting_sections()]
    last = name.rpartition(".")[2]
    matches = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    # The key may be right and its section wrong.
    matches = matches or [key for key in known if key.rpartition(".")[2] == last]
    if matches:
        return f"there is no such key; did you mean {matches[0]}?"
    return "there is no such key; docs/configuration.md lists all keys"


def _walk_model(model: type[BaseModel], prefix: str) -> Iterator[SettingKey]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _walk_model(inner, f"{prefix}{name}.")
        else:
            yield SettingKey(f"{prefix}{name}", model)


def _classes_in(annotation: Any) -> frozenset[Any]:
    """The classes in an annotation: ``tuple`` and ``Path`` in ``tuple[Path, ...]``."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        arguments = arguments[:1]
    return frozenset({get_origin(annotation) or annotation}).union(*map(_classes_in, arguments))


@cache
def _field_schemas(section: type[BaseModel]) -> Mapping[str, Mapping[str, Any]]:
    properties: dict[str, dict[str, Any]] = section.model_json_schema()["properties"]
    return properties


def _describe_type(schema: Mapping[str, Any]) -> str:
    match schema:
        case {"type": "array", "items": {"format": "path"}}:
            return "a list of paths"
        case {"type": "array"}:
            return "a list of text values"
        case {"format": "path"}:
            return "a path"
        case {"type": "string", "pattern": str(pattern)} if pattern.startswith("^https?://"):
            return "a URL such as https://gateway.studio:8080"
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
    if minimum is not None and maximum is not None:
        number_format = "g" if maximum < 1e6 else ""
        return f" from {minimum:{number_format}} to {maximum:{number_format}}"
    texts = {"exclusiveMinimum": "above", "minimum": "at least", "maximum": "at most"}
    parts = [f"{text} {schema[limit]}" for limit, text in texts.items() if limit in schema]
    return f" {' and '.join(parts)}" if parts else ""


def format_value(value: Any) -> str:
    """A value as it is written in a configuration file; passwords in URLs are masked."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(format_value, value))}]"
    return str(mask_password(str(value) if isinstance(value, str | Path) else repr(value)))


def mask_password(value: Any) -> Any:
    """A URL with its password masked; other values unchanged."""
    if not isinstance(value, str):
        return value
    scheme, separator, rest = value.partition("://")
    account, at, host_and_path = rest.rpartition("@")
    if separator and at and ":" in account:
        return f"{scheme}://{account.partition(':')[0]}:...@{host_and_path}"
    return value

"""What all models have in common: frozen, strict about what people send, tolerant in reading."""

from __future__ import annotations

import hashlib
import json
import reprlib
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from bridge_core.errors import IncompatibleVersion, InvalidRequest, ShotbridgeError
from bridge_core.text.control_characters import escape_controls

Timestamp = AwareDatetime


def _valid_person_name(value: str) -> str:
    if not value.strip():
        raise ValueError("a name is not blank")
    if escape_controls(value) != value:
        raise ValueError("a name holds no control characters")
    return value


#: Under which a person asks, decides and writes.
PersonName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_valid_person_name)]


class StrictModel(BaseModel):
    """Something that people or hosts say; a field nobody knows is a mistake and is refused, and
    so is a number that is none: JSON could not give infinity back."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


class ResponseModel(BaseModel):
    """Something that the gateway says; fields of a newer gateway are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


def canonical_json(model: BaseModel) -> str:
    """The same content always gives the same text: sorted keys, no spaces, UTF-8."""
    return json.dumps(
        model.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )


def fingerprint(model: BaseModel) -> str:
    """SHA-256 (hexadecimal) of the model's :func:`canonical` text."""
    return hashlib.sha256(canonical_json(model).encode("utf-8")).hexdigest()


def now() -> datetime:
    return datetime.now(UTC)


class StoredModel(StrictModel):
    """A model that is written to disk, with the version of its schema in it."""

    schema_version: int = 1

    @field_validator("schema_version")
    @classmethod
    def _known_version(cls, value: int) -> int:
        known = cls.model_fields["schema_version"].default
        if not 1 <= value <= known:
            raise ValueError(f"this Shotbridge knows schema versions 1 to {known}")
        return value

    @classmethod
    def parse(cls, text: str | bytes, *, where: str) -> Self:
        """Read what was stored.

        :raises IncompatibleVersion: written by a newer Shotbridge.
        :raises InvalidRequest: not such a document, or damaged.
        """
        known = cls.model_fields["schema_version"].default
        try:
            raw: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidRequest(
                f"this is not a readable {cls.__name__.lower()}: {error}",
                where=where,
                next_step="the file is damaged; restore it from a backup or remove it",
            ) from error
        version = raw.get("schema_version", 1) if isinstance(raw, dict) else 1
        if isinstance(version, int) and version > known:
            raise IncompatibleVersion(
                f"written in schema version {version}, this Shotbridge reads up to {known}",
                where=where,
                next_step="update Shotbridge",
            )
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            raise validation_error(error, label=cls.__name__.lower(), where=where) from error


def validation_error(
    error: ValidationError,
    *,
    label: str,
    where: str = "",
    error_class: type[ShotbridgeError] = InvalidRequest,
) -> ShotbridgeError:
    """A pydantic error in the words of the tree: which field, what is wrong, what it was."""
    problems = [
        {
            "field": ".".join(str(part) for part in item["loc"]),
            "problem": item["msg"],
            "value": shorten(item.get("input")),
        }
        for item in error.errors(include_url=False, include_context=False)
    ]
    summary = "; ".join(
        f"{item['field'] or 'it'}: {item['problem']} (got {item['value']})" for item in problems[:5]
    )
    more = f", and {len(problems) - 5} more" if len(problems) > 5 else ""
    return error_class(
        f"the {label} is not valid: {summary}{more}",
        where=where,
        next_step="correct these fields and try again",
        details={"fields": problems},
    )


class _ShortRepr(reprlib.Repr):
    """A value in few words, however great it is; only its beginning is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.maxother = self.maxlong = 60

    def repr_str(self, x: str, level: int) -> str:
        return repr(x[:60])


_SHORT_REPR = _ShortRepr()


def shorten(value: Any) -> str:
    """A value in at most 60 characters."""
    text = _SHORT_REPR.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

"""Base classes of all models: frozen, strict about input, tolerant of newer gateways."""

from __future__ import annotations

import hashlib
import json
import reprlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from bridge_core.errors import IncompatibleVersion, InvalidRequest
from bridge_core.text.person_names import MAX_NAME_LENGTH, normalise_person_name

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

Timestamp = AwareDatetime

#: The name of a person who sends requests, decides and writes notes; in NFC, without spaces around
#: it or invisible characters in it.
PersonName = Annotated[
    str, Field(min_length=1, max_length=MAX_NAME_LENGTH), AfterValidator(normalise_person_name)
]


class DescribedModel(BaseModel):
    """Its JSON schema describes the fields by their docstrings.

    They are read from the source when a schema is made, which only the gateway's API and the
    documents need. Pydantic's own ``use_attribute_docstrings`` reads them when a class is imported,
    which took a third of the time to import the models.
    """

    model_config = ConfigDict(frozen=True)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        from bridge_core.models.attribute_docstrings import attribute_docstrings

        schema = handler(core_schema)
        fields = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in attribute_docstrings(cls, DescribedModel).items():
            if name in fields:
                fields[name].setdefault("description", text)
        return schema


class StrictModel(DescribedModel):
    """Input from people or hosts. Unknown fields are refused, and so are infinity and NaN, which
    JSON cannot represent."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class TolerantModel(DescribedModel):
    """What the gateway writes: responses, events, checkpoints. Fields that this version does not
    know, because a newer one wrote them, are ignored."""

    model_config = ConfigDict(extra="ignore")


def canonical_json(model: BaseModel) -> str:
    """JSON that is the same for equal content: sorted keys, no spaces, not ASCII-escaped."""
    return json.dumps(
        model.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )


def fingerprint(model: BaseModel) -> str:
    """SHA-256 (hexadecimal) of the model's :func:`canonical_json`."""
    return hashlib.sha256(canonical_json(model).encode("utf-8")).hexdigest()


def now() -> datetime:
    return datetime.now(UTC)


class StoredModel(StrictModel):
    """A model that is written to disk, with its schema version.

    ``title`` names the document in messages.
    """

    title: ClassVar[str] = "document"

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
        """Read a stored document; ``where`` names its file in errors.

        :raises IncompatibleVersion: it was written by a newer Shotbridge.
        :raises InvalidRequest: it is not such a document, or damaged.
        """
        known = cls.model_fields["schema_version"].default
        try:
            raw: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            message = f"this is not a readable {cls.title}: {error}"
            next_step = "the file is damaged; restore it from a backup or remove it"
            raise InvalidRequest(message, where=where, next_step=next_step) from error
        version = raw.get("schema_version", 1) if isinstance(raw, dict) else 1
        if isinstance(version, int) and version > known:
            message = f"written in schema version {version}, this Shotbridge reads up to {known}"
            raise IncompatibleVersion(message, where=where, next_step="update Shotbridge")
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            raise validation_error(error, label=cls.title, where=where) from error


def validation_error(error: ValidationError, *, label: str, where: str = "") -> InvalidRequest:
    """Convert a pydantic error: which fields are wrong, why, and what was given."""
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
    message = f"the {label} is not valid: {summary}{more}"
    next_step = "correct these fields and try again"
    return InvalidRequest(message, where=where, next_step=next_step, details={"fields": problems})


def validation_message(error: ValueError) -> str:
    """The message of a validator, such as for a name with two frame numbers; of a pydantic error
    the first one."""
    if isinstance(error, ValidationError):
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    return str(error)


class _ShortRepr(reprlib.Repr):
    """An abbreviated ``repr`` that only looks at the beginning of a value."""

    def __init__(self) -> None:
        super().__init__()
        self.maxother = self.maxlong = 60

    def repr_str(self, x: str, level: int) -> str:
        return repr(x[:60])


_SHORT_REPR = _ShortRepr()


def shorten(value: Any) -> str:
    """The ``repr`` of a value in at most 60 characters."""
    text = _SHORT_REPR.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

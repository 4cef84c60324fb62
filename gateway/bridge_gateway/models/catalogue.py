"""The catalogue of weights and footage: ``catalogue.yaml``, read strictly.

A key that is not known here, a missing hash or a path that leaves the package is an error, so that
the file cannot say something that nobody acts on.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from bridge_core.errors import ConfigError, NotFound

CATALOGUE = Path(__file__).with_name("catalogue.yaml")

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
#: Becomes the name of a folder.
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise ValueError("must be a path inside the package")
    return path


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Package(_Strict):
    """A distribution file in a registry, by exact version and bytes."""

    registry: Literal["pypi"]
    name: Words
    version: Words
    file: Annotated[str, StringConstraints(pattern=r"^[^/\\]+\.whl$")]
    sha256: Sha256


class PackagedFile(_Strict):
    """A file inside the package."""

    path: Annotated[str, AfterValidator(_inside)]
    sha256: Sha256

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


class Network(_Strict):
    """What is true of an upscaling network.

    ``scale``: output pixels per input pixel along each axis. ``reach``: how many input pixels away,
    along one axis, an input pixel can still change an output pixel (half the receptive field): the
    count of 3x3 convolutions in a row.
    """

    scale: Annotated[int, Field(ge=1)]
    reach: Annotated[int, Field(ge=0)]


class Entry(_Strict):
    """One network or one piece of footage."""

    id: Identifier
    kind: Literal["weights", "footage"]
    title: Words
    purpose: Words
    package: Package
    format: Literal["ncnn", "onnx", "movie"]
    files: Annotated[list[PackagedFile], Field(min_length=1)]
    network: Network | None = None
    licence: Words
    caveats: Words
    origin: Words
    attribution: Words

    @model_validator(mode="after")
    def _fits_its_format(self) -> Entry:
        suffixes = sorted(PurePosixPath(file.path).suffix for file in self.files)
        expected = {"ncnn": [".bin", ".param"], "onnx": [".onnx"], "movie": [".mp4"]}[self.format]
        if suffixes != expected:
            raise ValueError(f"{self.id}: a {self.format} entry has files {expected}")
        if (self.kind == "footage") != (self.format == "movie"):
            raise ValueError(f"{self.id}: {self.kind} cannot be stored as {self.format}")
        return self

    @property
    def installed_name(self) -> str:
        """Name of the one file that is used once the entry is installed."""
        return self.files[0].name if self.format == "movie" else f"{self.id}.onnx"


class Catalogue(_Strict):
    """All entries, in the order of the file."""

    schema_version: Literal[1] = Field(alias="schema")
    entries: list[Entry]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Catalogue:
        twice = [name for name, count in Counter(e.id for e in self.entries).items() if count > 1]
        if twice:
            raise ValueError(f"used twice: {', '.join(twice)}")
        return self

    def entry(self, entry_id: str) -> Entry:
        """The entry of that id; raises :class:`bridge_core.errors.NotFound`."""
        for entry in self.entries:
            if entry.id == entry_id:
                return entry
        raise NotFound(
            f"there is no model or footage called {entry_id!r}",
            where=CATALOGUE.name,
            next_step=f"use one of {', '.join(e.id for e in self.entries)}",
        )


def load(path: Path = CATALOGUE) -> Catalogue:
    """Reads and checks a catalogue; raises :class:`bridge_core.errors.ConfigError`."""
    try:
        return Catalogue.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise ConfigError(
            f"the catalogue of models is not valid: {error}",
            where=str(path),
            next_step="correct the named keys; docs/models.md describes them",
        ) from error


@cache
def catalogue() -> Catalogue:
    """The catalogue that comes with this version of Shotbridge."""
    return load()

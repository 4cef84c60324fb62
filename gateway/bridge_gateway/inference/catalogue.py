"""The catalogue of weights and footage: ``catalogue.yaml``, validated strictly.

An unknown key, a missing hash or a path outside the package is an error, so that nothing in the
file is silently ignored.
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
from bridge_core.models.media import Sha256

#: Increase it whenever the graph of an installed model changes, so that models are built again.
GRAPH_VERSION = 2

#: Input and output of an installed graph (:mod:`.network_graphs`).
PICTURE, RESULT = "picture", "result"
#: Input of an upscaling graph: how far a result may leave the range of its neighbourhood, in code.
OVERSHOOT = "overshoot"

CATALOGUE_PATH = Path(__file__).with_name("catalogue.yaml")


NonEmptyText = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
#: Also the name of the entry's folder.
EntryId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


def _validate_package_path(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise ValueError("must be a path inside the package")
    return path


class _CatalogueModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PinnedPackage(_CatalogueModel):
    """A distribution file in a registry, with exact version and hash."""

    registry: Literal["pypi"]
    name: NonEmptyText
    version: NonEmptyText
    file: Annotated[str, StringConstraints(pattern=r"^[^/\\]+\.whl$")]
    sha256: Sha256


class PackagedFile(_CatalogueModel):
    """A file inside the package."""

    path: Annotated[str, AfterValidator(_validate_package_path)]
    sha256: Sha256

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


class UpscaleNetwork(_CatalogueModel):
    """Properties of an upscaling network.

    ``scale``: output pixels per input pixel along each axis. ``receptive_radius``: the largest
    distance, in input pixels along one axis, at which an input pixel still affects an output pixel
    (half the receptive field). It equals the number of successive 3x3 convolutions.
    ``bytes_per_pixel``: peak memory of a call on the CPU, divided by the input pixels.
    """

    scale: Annotated[int, Field(ge=1)]
    receptive_radius: Annotated[int, Field(ge=0)]
    bytes_per_pixel: Annotated[int, Field(ge=1)]


class CatalogueEntry(_CatalogueModel):
    """One network or one piece of footage.

    ``network`` is given for upscaling networks. Other networks take display code that is normalised
    as ImageNet's.
    """

    id: EntryId
    kind: Literal["weights", "footage"]
    title: NonEmptyText
    purpose: NonEmptyText
    package: PinnedPackage
    format: Literal["ncnn", "onnx", "movie"]
    files: Annotated[list[PackagedFile], Field(min_length=1)]
    network: UpscaleNetwork | None = None
    licence: NonEmptyText
    caveats: NonEmptyText
    origin: NonEmptyText
    attribution: NonEmptyText

    @model_validator(mode="after")
    def _check_format(self) -> CatalogueEntry:
        suffixes = sorted(PurePosixPath(file.path).suffix for file in self.files)
        expected = {"ncnn": [".bin", ".param"], "onnx": [".onnx"], "movie": [".mp4"]}[self.format]
        if suffixes != expected:
            raise ValueError(f"{self.id}: a {self.format} entry has files {expected}")
        if (self.kind == "footage") != (self.format == "movie"):
            raise ValueError(f"{self.id}: {self.kind} cannot be stored as {self.format}")
        return self

    @property
    def installed_filename(self) -> str:
        """Name of the file that an installed entry consists of."""
        return self.files[0].name if self.format == "movie" else f"{self.id}.onnx"


class ModelCatalogue(_CatalogueModel):
    """All entries, in the order of the file."""

    schema_version: Literal[1] = Field(alias="schema")
    entries: list[CatalogueEntry]

    @model_validator(mode="after")
    def _check_unique_ids(self) -> ModelCatalogue:
        duplicates = [
            name for name, count in Counter(e.id for e in self.entries).items() if count > 1
        ]
        if duplicates:
            raise ValueError(f"duplicate ids: {', '.join(duplicates)}")
        return self

    def get_entry(self, entry_id: str) -> CatalogueEntry:
        """The entry with that id.

        :raises NotFound: there is none.
        """
        for entry in self.entries:
            if entry.id == entry_id:
                return entry
        raise NotFound(
            f"there is no model or footage {entry_id!r}",
            where=CATALOGUE_PATH.name,
            next_step=f"use one of {', '.join(e.id for e in self.entries)}",
        )


def load_catalogue(path: Path = CATALOGUE_PATH) -> ModelCatalogue:
    """Read and validate a catalogue.

    :raises ConfigError: it is not valid.
    """
    try:
        return ModelCatalogue.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise ConfigError(
            f"the model catalogue is not valid: {error}",
            where=str(path),
            next_step="correct the named keys; docs/models.md describes them",
        ) from error


@cache
def bundled_catalogue() -> ModelCatalogue:
    """The catalogue of this version of Shotbridge."""
    return load_catalogue()

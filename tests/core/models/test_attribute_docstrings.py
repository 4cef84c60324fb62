"""Fields are described in JSON schemas by their docstrings, which importing the models does not
read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bridge_core.models
from bridge_core.models.attribute_docstrings import attribute_docstrings
from bridge_core.models.base import DescribedModel, StrictModel


class DescribedPerson(StrictModel):
    name: str
    """As it is
    written."""
    age: int = 0
    birthday: str = ""
    """Explained twice."""


class DescribedArtist(DescribedPerson):
    birthday: str = "unknown"
    person: DescribedPerson | None = None
    """Someone else."""


def test_a_schema_describes_fields_by_their_docstrings() -> None:
    fields = DescribedPerson.model_json_schema()["properties"]
    assert fields["name"]["description"] == "As it is\nwritten."
    assert "description" not in fields["age"]


def test_inherited_fields_keep_their_docstrings_until_they_are_declared_again() -> None:
    assert attribute_docstrings(DescribedArtist, DescribedModel) == {
        "name": "As it is\nwritten.",
        "person": "Someone else.",
    }
    schema = DescribedArtist.model_json_schema()
    assert schema["properties"]["person"]["description"] == "Someone else."
    # Also in the definitions of a schema, where the models of its fields are.
    described = schema["$defs"]["DescribedPerson"]["properties"]["birthday"]
    assert described["description"] == "Explained twice."


def test_a_class_without_source_has_no_docstrings() -> None:
    generated = type("Generated", (DescribedModel,), {"__module__": "gone"})
    assert not attribute_docstrings(generated, DescribedModel)


def test_importing_the_models_reads_no_source() -> None:
    (folder,) = bridge_core.models.__path__
    names = [f"bridge_core.models.{path.stem}" for path in Path(folder).glob("[a-z]*.py")]
    program = (
        f"import {', '.join(names)}\nimport linecache, sys\n"
        "print(len(linecache.cache), 'bridge_core.models.versions' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "True"]

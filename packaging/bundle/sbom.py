"""The bundle's bill of materials: CycloneDX 1.6, JSON.

``cyclonedx-py`` describes the Python packages of an environment that was installed from the
bundle's wheels. This module adds the hash of each wheel, and what no Python tool lists: weights
and footage with licence, origin and hash, and Blender's extensions.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

from tools import captured, run, tool_program

SPEC = "1.6"
#: A licence's SPDX name; other licences of the catalogue are entered as text.
_SPDX = re.compile(r"[A-Za-z0-9.+-]+-[0-9][A-Za-z0-9.+-]*|MIT")
#: Licences from the repositories of packages whose metadata has none.
_UNDECLARED = {"opencolorio": "BSD-3-Clause", "protobuf": "BSD-3-Clause"}
#: The licence of Blender's extension as a whole, from its manifest.
_EXTENSION = "GPL-3.0-or-later"
#: Run by the tool's Python, which has the library that validates.
_VALIDATE = """
import sys
from pathlib import Path
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(Path(sys.argv[1]).read_text())
sys.exit(str(problem) if problem else 0)
"""

Component = dict[str, Any]


def write(bundle: Path, python: Path, catalogue: list[dict[str, Any]], target: Path) -> None:
    """Describe the contents of ``bundle``; ``python`` is of an environment with its wheels.

    :raises SystemExit: the result is not valid CycloneDX.
    """
    run(
        *(str(tool_program("cyclonedx", "cyclonedx-py")), "environment", str(python)),
        *("--spec-version", SPEC, "--output-reproducible", "--output-file", str(target)),
    )
    described = json.loads(target.read_text(encoding="utf-8"))
    wheels = {_name(path): path for path in (bundle / "wheels").glob("*.whl")}
    described["metadata"]["component"] = {
        "type": "application",
        "bom-ref": "bundle",
        "name": "shotbridge",
        "version": json.loads((bundle / "bundle.json").read_text())["version"],
        "description": "Shotbridge for machines without a network",
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }
    described["components"] = [
        *(
            complete_component(component, wheels[_canonical(component["name"])])
            for component in described["components"]
            if _canonical(component["name"]) in wheels
        ),
        *model_components(catalogue, bundle / "models"),
        *(_file(path) for path in sorted((bundle / "blender").glob("*.zip"))),
    ]
    kept = {component["bom-ref"] for component in described["components"]}
    described["dependencies"] = [
        {**one, "dependsOn": [ref for ref in one.get("dependsOn", []) if ref in kept]}
        for one in described.get("dependencies", [])
        if one["ref"] in kept
    ]
    target.write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    validate(target)


def validate(path: Path) -> None:
    """:raises SystemExit: the file is not valid; the message says why."""
    completed = captured(tool_program("cyclonedx", "python"), "-c", _VALIDATE, path)
    if completed.returncode:
        sys.exit(f"{path.name} is not valid CycloneDX {SPEC}: {completed.stderr.strip()}")


def complete_component(component: Component, wheel: Path) -> Component:
    """The component with its wheel's hash and a licence, without download addresses."""
    kept = [
        reference
        for reference in component.get("externalReferences", [])
        if reference.get("type") not in ("distribution", "distribution-intake")
    ]
    found = {**component, "hashes": [_hash(wheel)]}
    known = _UNDECLARED.get(_canonical(component["name"]))
    if not component.get("licenses") and known:
        found["licenses"] = [{"license": {"id": known}}]
    found.pop("externalReferences", None)
    return {**found, "externalReferences": kept} if kept else found


def model_components(catalogue: list[dict[str, Any]], models: Path) -> list[Component]:
    """The weights and footage in ``models``, as the catalogue describes them."""
    components: list[Component] = []
    for entry in catalogue:
        record_file = models / entry["id"] / "installed.json"
        if not record_file.is_file():
            continue
        record = json.loads(record_file.read_text(encoding="utf-8"))
        licence = entry["licence"]
        properties = {
            "file": record["file"],
            "origin": entry["origin"],
            "caveats": entry["caveats"],
            "package": f"{record['package']} {record['version']}, sha256 "
            f"{record['package_sha256']}",
        }
        components.append(
            {
                "type": "machine-learning-model" if entry["kind"] == "weights" else "data",
                "bom-ref": f"model:{entry['id']}",
                "name": entry["id"],
                "version": record["version"],
                "description": f"{entry['title']}: {entry['purpose']}",
                "licenses": [{"license": {"id" if _SPDX.fullmatch(licence) else "name": licence}}],
                "copyright": entry["attribution"],
                "hashes": [{"alg": "SHA-256", "content": record["sha256"]}],
                "properties": [
                    {"name": f"shotbridge:{name}", "value": value}
                    for name, value in properties.items()
                ],
            }
        )
    return components


def _file(path: Path) -> Component:
    return {
        "type": "file",
        "bom-ref": f"file:{path.name}",
        "name": path.name,
        "licenses": [{"license": {"id": _EXTENSION}}],
        "hashes": [_hash(path)],
    }


def _hash(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        return {"alg": "SHA-256", "content": hashlib.file_digest(file, "sha256").hexdigest()}


def _name(wheel: Path) -> str:
    return _canonical(wheel.name.split("-")[0])


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

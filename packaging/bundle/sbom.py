"""The bundle's bill of materials: CycloneDX 1.6, JSON.

``cyclonedx-py`` describes the Python packages out of an environment that was installed from the
bundle's own wheels; this adds the hash of each wheel, and what no Python tool knows: the weights
and the footage, with their licences, origin and hashes, and Blender's extensions.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools import run, tool_program

SPEC = "1.6"
#: A licence by its SPDX name; what the catalogue says otherwise goes in as words.
_SPDX = re.compile(r"[A-Za-z0-9.+-]+-[0-9][A-Za-z0-9.+-]*|MIT")
#: Licences of packages that do not say it in their metadata, as their repositories' LICENSE does.
_UNDECLARED = {"opencolorio": "BSD-3-Clause", "protobuf": "BSD-3-Clause"}
#: Of Blender's extension as a whole, as its manifest says.
_EXTENSION = "GPL-3.0-or-later"
#: Run by the tool's own Python: the library that validates lives there.
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
    """Describe what ``bundle`` holds; ``python`` is of an environment installed from its wheels.

    :raises SystemExit: the result is not valid by CycloneDX' schema.
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
    """:raises SystemExit: says what the schema does not allow."""
    program = str(tool_program("cyclonedx", "python"))
    done = subprocess.run(
        [program, "-c", _VALIDATE, str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{path.name} is not valid CycloneDX {SPEC}: {done.stderr.strip()}")


def complete_component(component: Component, wheel: Path) -> Component:
    """The component with its file's hash and a licence, without addresses of download places."""
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
    """Weights and footage that are in ``models``, as the catalogue knows them."""
    components: list[Component] = []
    for entry in catalogue:
        record_file = models / entry["id"] / "installed.json"
        if not record_file.is_file():
            continue
        record = json.loads(record_file.read_text(encoding="utf-8"))
        licence = entry["licence"]
        spdx = _SPDX.fullmatch(licence)
        components.append(
            {
                "type": "machine-learning-model" if entry["kind"] == "weights" else "data",
                "bom-ref": f"model:{entry['id']}",
                "name": entry["id"],
                "version": record["version"],
                "description": f"{entry['title']}: {entry['purpose']}",
                "licenses": [{"license": {"id": licence} if spdx else {"name": licence}}],
                "copyright": entry["attribution"],
                "hashes": [{"alg": "SHA-256", "content": record["sha256"]}],
                "properties": [
                    {"name": "shotbridge:file", "value": record["file"]},
                    {"name": "shotbridge:origin", "value": entry["origin"]},
                    {"name": "shotbridge:caveats", "value": entry["caveats"]},
                    {
                        "name": "shotbridge:package",
                        "value": f"{record['package']} {record['version']}, "
                        f"sha256 {record['package_sha256']}",
                    },
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

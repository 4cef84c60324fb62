"""Documents, docstrings and comments name files, sections and modules that exist; the generated
API reference is current."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path.relative_to(REPO).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "packaging/**/*.md", "examples/**/*.md")
    for path in REPO.glob(pattern)
)
SOURCES = (
    "bridge_core",
    "ui",
    "gateway",
    "plugins",
    "tests",
    "packaging",
    "benchmarks",
    "docs",
    "examples",
)

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FILE_NAME = re.compile(r"`(\w+\.py)`")
_PATH = re.compile(
    r"(?<![\w./{])((?:bridge_core|ui|gateway|plugins|tests|packaging|benchmarks|docs|examples)"
    r"/[\w./-]*\.(?:py|md|sh|yaml|toml))\b"
)

_SOURCE_FOLDERS = {
    "bridge_core": REPO,
    "bridge_ui": REPO / "ui",
    "bridge_gateway": REPO / "gateway",
    **{path.name: path.parent for path in REPO.glob("plugins/*/bridge_*")},
}
_MODULE = re.compile(rf"`~?((?:{'|'.join(_SOURCE_FOLDERS)})(?:\.\w+)+)")

#: Groups of entry points that are not called like a module.
_ENTRY_POINT_GROUPS = {"bridge_ui.pages"}


def _anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives to headings."""
    headings = _HEADING.findall(path.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in headings}


def _module_exists(name: str) -> bool:
    """Whether a dotted name is a module, or a module and something that is named in it."""
    parts = name.split(".")
    base = _SOURCE_FOLDERS[parts[0]]
    for end in range(len(parts), 0, -1):
        path = base.joinpath(*parts[:end])
        module = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if module.exists():
            return end == len(parts) or parts[end] in module.read_text(encoding="utf-8")
    return False


def _missing(text: str) -> list[str]:
    missing = [path for path in _PATH.findall(text) if not (REPO / path).exists()]
    names = set(_MODULE.findall(text)) - _ENTRY_POINT_GROUPS
    return missing + sorted(name for name in names if not _module_exists(name))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_files_and_sections(name: str) -> None:
    document = REPO / name
    broken = []
    for link in _LINK.findall(document.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        path = document.parent / target if target else document
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in _anchors(path)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_name_existing_files_and_modules(name: str) -> None:
    assert not _missing((REPO / name).read_text(encoding="utf-8"))


def test_documents_name_existing_files_without_their_folder() -> None:
    existing = {path.name for folder in SOURCES for path in (REPO / folder).rglob("*.py")}
    existing |= {"api_truth.py", "setup.py"}  # of another project; in the root folder
    named = {name: _FILE_NAME.findall((REPO / name).read_text("utf-8")) for name in DOCUMENTS}
    missing = {name: set(files) - existing for name, files in named.items()}
    assert not {name: files for name, files in missing.items() if files}


@pytest.mark.parametrize("folder", SOURCES)
def test_code_names_existing_files_and_modules(folder: str) -> None:
    missing = {
        path.relative_to(REPO).as_posix(): names
        for path in sorted((REPO / folder).rglob("*.py"))
        if (names := _missing(path.read_text(encoding="utf-8")))
    }
    assert not missing


def test_api_reference_is_current(tmp_path: Path) -> None:
    pytest.importorskip("fastapi")
    generated = tmp_path / "api.md"
    script = REPO / "docs" / "api_reference.py"
    subprocess.run([sys.executable, script, generated], check=True, timeout=300)
    current = (REPO / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    assert generated.read_text(encoding="utf-8") == current, "run make docs"

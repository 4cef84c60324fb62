"""The rules of the house: which room may know which, what an import may cost."""

from __future__ import annotations

import ast
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).parents[1]

PACKAGES = {
    "bridge_core": REPO / "bridge_core",
    "bridge_ui": REPO / "ui" / "bridge_ui",
    "bridge_gateway": REPO / "gateway" / "bridge_gateway",
    "bridge_nuke": REPO / "plugins" / "nuke" / "bridge_nuke",
    "bridge_blender": REPO / "plugins" / "blender" / "bridge_blender",
    "bridge_resolve": REPO / "plugins" / "resolve" / "bridge_resolve",
}

#: The parts of the client that the gateway shares; everything else of it is none of its business.
GATEWAY_SHARED = (
    "bridge_core",
    "bridge_core.models",
    "bridge_core.errors",
    "bridge_core.config",
    "bridge_core.system.locks",
    "bridge_core.text.control_characters",
)

ALLOWED = {
    "bridge_core": ("bridge_core",),
    "bridge_ui": ("bridge_ui", "bridge_core"),
    "bridge_gateway": ("bridge_gateway",),
    "bridge_nuke": ("bridge_nuke", "bridge_ui", "bridge_core"),
    "bridge_blender": ("bridge_blender", "bridge_ui", "bridge_core"),
    "bridge_resolve": ("bridge_resolve", "bridge_ui", "bridge_core"),
}

#: Third-party packages that the client may import at all.
CLIENT_LIBRARIES = {"requests", "urllib3", "pydantic", "pydantic_core", "yaml", "opentimelineio"}

HEAVY = ("pydantic", "requests", "urllib3", "yaml", "opentimelineio", "PySide6", "numpy")


def _modules(package_name: str) -> Iterator[tuple[Path, str, ast.Module]]:
    base = PACKAGES[package_name]
    for path in sorted(base.rglob("*.py")):
        parts = path.relative_to(base.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield path, name, ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _imports(tree: ast.AST, module: str, *, package: bool) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                parts = module.split(".")
                base = parts[: len(parts) - node.level + (1 if package else 0)]
                yield ".".join([*base, *([node.module] if node.module else [])])
            elif node.module:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_ours(name: str) -> bool:
    return name.split(".")[0] in PACKAGES


def _is_shared(name: str) -> bool:
    return any(
        name == part or name.startswith(f"{part}.") for part in GATEWAY_SHARED[1:]
    ) or name in (
        "bridge_core",
        "bridge_core.__version__",
        "bridge_core.API_VERSION",
    )


@pytest.mark.parametrize("package_name", PACKAGES)
def test_dependencies_point_one_way(package_name: str) -> None:
    wrong = []
    for path, module, tree in _modules(package_name):
        for name in _imports(tree, module, package=path.name == "__init__.py"):
            if not _is_ours(name):
                continue
            fine = name.split(".")[0] in ALLOWED[package_name] or (
                package_name == "bridge_gateway" and _is_shared(name)
            )
            if not fine:
                wrong.append(f"{path.relative_to(REPO)} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_the_client_knows_no_qt_and_only_its_libraries() -> None:
    standard = sys.stdlib_module_names
    wrong = [
        f"{path.relative_to(REPO)} imports {name}"
        for path, module, tree in _modules("bridge_core")
        for name in _imports(tree, module, package=path.name == "__init__.py")
        if not _is_ours(name)
        and name.split(".")[0] not in standard
        and name.split(".")[0] not in CLIENT_LIBRARIES
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package_name", PACKAGES)
def test_no_import_cycles(package_name: str) -> None:
    """No module of a room leads back to itself, not even by an import inside a function."""
    known = {module for _, module, _ in _modules(package_name)}
    graph: dict[str, set[str]] = {module: set() for module in known}
    for path, module, tree in _modules(package_name):
        for name in _imports(tree, module, package=path.name == "__init__.py"):
            if name in known and name != module:
                graph[module].add(name)
    for module in graph:
        # A package's own __init__ is loaded before its modules and imports none of them.
        graph[module] = {n for n in graph[module] if not module.startswith(f"{n}.")}
    cycle = _import_cycle(graph)
    assert not cycle, " -> ".join(cycle)


def _import_cycle(graph: dict[str, set[str]]) -> list[str]:
    done: set[str] = set()

    def walk(node: str, trail: list[str]) -> list[str]:
        if node in trail:
            return [*trail[trail.index(node) :], node]
        if node in done:
            return []
        for following in sorted(graph[node]):
            found = walk(following, [*trail, node])
            if found:
                return found
        done.add(node)
        return []

    for node in sorted(graph):
        found = walk(node, [])
        if found:
            return found
    return []


def _loaded_by(statement: str) -> set[str]:
    return {name.split(".")[0] for name in _modules_loaded_by(statement)}


def _modules_loaded_by(statement: str) -> set[str]:
    answer = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport sys; print('\\n'.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(answer.stdout.split())


def test_importing_the_client_loads_nothing_heavy() -> None:
    assert not _loaded_by("import bridge_core, bridge_core.errors").intersection(HEAVY)


def test_importing_the_client_class_loads_no_library_that_it_may_never_need() -> None:
    loaded = _loaded_by("import bridge_core.client")
    assert not loaded.intersection({"requests", "urllib3", "yaml", "opentimelineio", "PySide6"})


def test_importing_what_opens_a_panel_loads_nothing_heavy() -> None:
    assert not _loaded_by("import bridge_ui.app.opening").intersection(HEAVY)


def test_starting_the_gateway_loads_no_pictures_and_no_networks() -> None:
    loaded = _loaded_by("import bridge_gateway.serve")
    assert not loaded.intersection({"OpenImageIO", "av", "onnxruntime", "onnx"})


def test_the_gateways_own_process_reads_no_picture() -> None:
    """Strangers' files are read by child processes, which they may harm."""
    readers = {
        f"bridge_gateway.media.{name}" for name in ("pictures", "movies", "plates", "checks")
    }
    assert not _modules_loaded_by("import bridge_gateway.serve").intersection(readers)


def test_tests_cannot_leave_loopback() -> None:
    with socket.socket() as one, pytest.raises(AssertionError, match="reached out"):
        one.connect(("192.0.2.1", 9))  # RFC 5737: an address that is nobody's

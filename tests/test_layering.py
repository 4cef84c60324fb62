"""The structure of the code: which package may import which, and what an import may load."""

from __future__ import annotations

import ast
import functools
import re
import socket
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).parents[1]

PLUGINS = {path.name: path for path in sorted(REPO.glob("plugins/*/bridge_*"))}

PACKAGES = {
    "bridge_core": REPO / "bridge_core",
    "bridge_ui": REPO / "ui" / "bridge_ui",
    "bridge_gateway": REPO / "gateway" / "bridge_gateway",
    **PLUGINS,
}

ALLOWED = {
    "bridge_core": ("bridge_core",),
    "bridge_ui": ("bridge_ui", "bridge_core"),
    "bridge_gateway": ("bridge_gateway",),
    **{name: (name, "bridge_ui", "bridge_core") for name in PLUGINS},
}

#: The parts of the client that the gateway shares.
GATEWAY_SHARED = (
    "bridge_core.models",
    "bridge_core.errors",
    "bridge_core.config",
    "bridge_core.system",
    "bridge_core.text",
)

#: Names that the gateway may import from ``bridge_core`` itself.
GATEWAY_SHARED_NAMES = ("bridge_core", "bridge_core.__version__", "bridge_core.API_VERSION")

#: The packages and modules of each import package, from the lowest layer to the highest. A layer
#: imports from the layers before it only. A new package gets its place here.
LAYERS = {
    "bridge_core": (
        ("errors", "text"),
        ("system",),
        ("models",),
        ("config", "connection", "plate_file_search", "version_fit"),
        ("gateway_program", "outbox", "transfer"),
        ("gateway_launcher", "outbox_sender"),
        ("client",),
        ("timeline",),
        ("hosts",),
        ("doctor",),
        ("cli",),
    ),
    "bridge_ui": (
        ("core", "icons", "theme"),
        ("widgets",),
        ("connection", "shots"),
        ("review",),
        ("host", "lineage"),
        ("send",),
        ("jobs",),
        ("app",),
        ("__main__",),
    ),
    "bridge_gateway": (
        ("arrays", "log", "threads", "workers"),
        ("pixel_transform",),
        ("db", "inference"),
        ("media", "policy"),
        ("demo", "providers"),
        ("library",),
        ("storage",),
        ("jobs",),
        ("api",),
        ("commands", "serve"),
        ("__main__",),
    ),
}

#: The packages of the gateway that know where files are.
STORAGE_PACKAGES = ("library", "storage")

#: What only they read, import or call. Everything else goes through ``Storage``.
STORAGE_NAMES = {
    "library_dir",
    "media_roots",
    "content_limit_mb",
    "version_folder_template",
    "file_name_template",
    "BlobStore",
    "MediaRoots",
    "LibraryFolder()",
    "LibraryPaths()",
    "WORK_DIR_NAME",
    "WorkDir()",
}

#: Classes of a host's API whose names are also ours: the fakes in tests/hosts keep them.
HOST_API_CLASSES = {"FrameRange"}  # nuke.FrameRange

#: Third-party packages that the client may import at all.
CLIENT_LIBRARIES = {"requests", "urllib3", "pydantic", "pydantic_core", "yaml", "opentimelineio"}

HEAVY = ("pydantic", "requests", "urllib3", "yaml", "opentimelineio", "PySide6", "numpy")

#: Packages of the panel that may use Qt in every module; elsewhere the name says so.
QT_PACKAGES = ("app", "icons", "theme", "widgets")
QT_MODULE = re.compile(
    r"(\w+_)?(page|view|widgets?|bar|menu|popover|prompt|layout|painter|player|shortcuts)"
)

#: Modules that read or write pictures. They run in child processes only.
PICTURE_MODULES = tuple(
    f"bridge_gateway.media.{name}"
    for name in (
        "movie_reader",
        "movie_writer",
        "output_checks",
        "picture_reader",
        "picture_writer",
        "plate_reader",
    )
)


@functools.cache
def _modules(package_name: str) -> list[tuple[Path, str, ast.Module]]:
    base = PACKAGES[package_name]
    modules = []
    for path in sorted(base.rglob("*.py")):
        parts = path.relative_to(base.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        modules.append((path, name, tree))
    return modules


def _imports(tree: ast.AST, module: str, *, package: bool) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                parents = parts[: len(parts) - node.level + (1 if package else 0)]
                base = ".".join([*parents, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


@functools.cache
def _import_graph(package_name: str) -> dict[str, set[str]]:
    """The modules of a package, each with those that it imports, inside functions and for types
    only included."""
    modules = _modules(package_name)
    known = {module for _, module, _ in modules}
    graph = {}
    for path, module, tree in modules:
        imported = set(_imports(tree, module, package=path.name == "__init__.py"))
        # A package's own __init__ is loaded before its modules and imports none of them.
        graph[module] = {
            name for name in imported & known if not f"{module}.".startswith(f"{name}.")
        }
    return graph


def _sibling_graph(graph: dict[str, set[str]], folder: str) -> dict[str, set[str]]:
    """The modules and packages directly in ``folder``, each with its siblings that it imports; a
    package counts as one."""
    depth = folder.count(".") + 1
    siblings: dict[str, set[str]] = defaultdict(set)
    for module, imported in graph.items():
        if not module.startswith(f"{folder}."):
            continue
        child = module.split(".")[depth]
        targets = {name.split(".")[depth] for name in imported if name.startswith(f"{folder}.")}
        siblings[child] |= targets - {child}
    return siblings


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


def _is_ours(name: str) -> bool:
    return name.split(".")[0] in PACKAGES


def _is_shared(name: str) -> bool:
    return name in GATEWAY_SHARED_NAMES or any(
        f"{name}.".startswith(f"{shared}.") for shared in GATEWAY_SHARED
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


def test_the_tools_know_each_plugin() -> None:
    """The only places besides its folder that a new plugin of this repository needs."""
    recipe = (REPO / "packaging" / "rez" / "shotbridge" / "package.py").read_text(encoding="utf-8")
    text = (REPO / "pyproject.toml").read_text(encoding="utf-8")
    tool = tomllib.loads(text)["tool"]
    for name, path in PLUGINS.items():
        folder = path.parent.relative_to(REPO).as_posix()
        assert path.parent.name in recipe.lower()
        assert folder in tool["ruff"]["src"]
        assert name in tool["mypy"]["packages"]
        assert f"$MYPY_CONFIG_FILE_DIR/{folder}" in tool["mypy"]["mypy_path"]
        assert folder in tool["pytest"]["ini_options"]["pythonpath"]


def test_client_imports_no_qt_and_only_its_libraries() -> None:
    standard = sys.stdlib_module_names
    wrong = [
        f"{path.relative_to(REPO)} imports {name}"
        for path, module, tree in _modules("bridge_core")
        for name in _imports(tree, module, package=path.name == "__init__.py")
        if not _is_ours(name)
        and name.split(".")[0] not in standard
        and name.split(".")[0] not in CLIENT_LIBRARIES
        and not (name == "pytest" and module.startswith("bridge_core.hosts.conformance"))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package_name", LAYERS)
def test_layers_import_from_lower_layers_only(package_name: str) -> None:
    layer_of = {name: number for number, layer in enumerate(LAYERS[package_name]) for name in layer}
    graph = _import_graph(package_name)
    siblings = _sibling_graph(graph, package_name)
    assert set(siblings) == set(layer_of), "LAYERS has to name each package and module"
    wrong = []
    for module in sorted(graph.keys() - {package_name}):
        child = module.split(".")[1]
        for name in sorted(graph[module]):
            target = name.split(".")[1] if "." in name else child
            if target != child and layer_of[target] >= layer_of[child]:
                wrong.append(f"{module} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_only_the_storage_knows_where_files_are() -> None:
    wrong, used = [], set()
    for path, module, tree in _modules("bridge_gateway"):
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        names |= {name.split(".")[-1] for name in _imports(tree, module, package=False)}
        names |= {f"{name}()" for name in _called_names(tree)}
        found = names & STORAGE_NAMES
        if module.split(".")[1:2] and module.split(".")[1] in STORAGE_PACKAGES:
            used |= found
        else:
            wrong += [f"{path.relative_to(REPO)} uses {name}" for name in sorted(found)]
    assert used == STORAGE_NAMES, "a name that no longer exists proves nothing"
    assert not wrong, "\n".join(wrong)


def _called_names(tree: ast.AST) -> set[str]:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {call.func.id for call in calls if isinstance(call.func, ast.Name)}


@pytest.mark.parametrize("package_name", PACKAGES)
def test_no_import_cycles_of_modules(package_name: str) -> None:
    """No module leads back to itself, not even by an import inside a function."""
    cycle = _import_cycle(_import_graph(package_name))
    assert not cycle, " -> ".join(cycle)


@pytest.mark.parametrize("package_name", PACKAGES)
def test_no_import_cycles_of_packages(package_name: str) -> None:
    """In each folder, its modules and packages are in one order; a package counts as one."""
    graph = _import_graph(package_name)
    folders = {module for path, module, _ in _modules(package_name) if path.name == "__init__.py"}
    cycles = [
        f"in {folder}: {' -> '.join(cycle)}"
        for folder in sorted(folders)
        if (cycle := _import_cycle(_sibling_graph(graph, folder)))
    ]
    assert not cycles, "\n".join(cycles)


def test_import_cycles_are_found() -> None:
    graph = {
        "p": set(),
        "p.a.one": {"p.b.one"},
        "p.b.one": set(),
        "p.b.two": {"p.a.two"},
        "p.a.two": set(),
    }
    assert _import_cycle(graph) == []
    assert _import_cycle(_sibling_graph(graph, "p")) == ["a", "b", "a"]


def test_each_class_name_is_used_once() -> None:
    """In the packages, the tests, the benchmarks and the scripts."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in _python_files():
        relative = path.relative_to(REPO)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
            if not isinstance(node, ast.ClassDef):
                continue
            if node.name in HOST_API_CLASSES and relative.is_relative_to("tests/hosts"):
                continue
            places[node.name].append(f"{relative}:{node.lineno}")
    assert "FrameRange" in places
    doubles = [f"{name}: {', '.join(found)}" for name, found in places.items() if len(found) > 1]
    assert not doubles, "\n".join(doubles)


def _python_files() -> Iterator[Path]:
    for folder in (*PACKAGES.values(), *(REPO / name for name in ("tests", "benchmarks"))):
        yield from folder.rglob("*.py")
    for name in ("docs", "examples", "packaging"):
        yield from (REPO / name).rglob("*.py")


def test_modules_of_the_panel_that_use_qt_are_named_so() -> None:
    wrong = []
    for path, module, tree in _modules("bridge_ui"):
        parts = module.split(".")
        if len(parts) > 1 and parts[1] in QT_PACKAGES:
            continue
        uses_qt = any(
            name.split(".")[0] in ("PySide6", "shiboken6")
            for name in _imports(_without_type_checking(tree), module, package=False)
        )
        if uses_qt and not QT_MODULE.fullmatch(parts[-1]):
            wrong.append(f"{path.relative_to(REPO)} uses Qt")
    assert not wrong, "\n".join(wrong)


def _without_type_checking(tree: ast.Module) -> ast.Module:
    """The module without its top-level ``if TYPE_CHECKING:`` blocks."""
    kept = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    ]
    return ast.Module(kept, tree.type_ignores)


def _loaded_by(statement: str) -> set[str]:
    return {name.split(".")[0] for name in _modules_loaded_by(statement)}


def _modules_loaded_by(statement: str) -> set[str]:
    completed = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport sys; print('\\n'.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(completed.stdout.split())


def test_importing_bridge_core_loads_nothing_heavy() -> None:
    assert not _loaded_by("import bridge_core, bridge_core.errors").intersection(HEAVY)


def test_importing_the_client_loads_no_optional_library() -> None:
    loaded = _loaded_by("import bridge_core.client")
    assert not loaded.intersection({"requests", "urllib3", "yaml", "opentimelineio", "PySide6"})


def test_importing_the_panels_entry_point_loads_nothing_heavy() -> None:
    assert not _loaded_by("import bridge_ui.app.opening").intersection(HEAVY)


def test_controllers_load_no_qt() -> None:
    """Controllers, and all that they import, run and are tested without Qt."""
    modules = {f"bridge_ui.app.{name}" for name in ("opening", "panel_loader", "standalone_host")}
    for _, module, _ in _modules("bridge_ui"):
        last = module.rpartition(".")[2]
        if module.startswith("bridge_ui.core.") or last.endswith(
            ("controller", "controllers", "state")
        ):
            modules.add(module)
    assert "bridge_ui.review.controller" in modules
    loaded = _loaded_by(f"import {', '.join(sorted(modules))}")
    assert not loaded.intersection({"PySide6", "requests", "yaml", "opentimelineio", "numpy"})


def test_starting_the_gateway_loads_no_pixel_or_model_library() -> None:
    loaded = _loaded_by("import bridge_gateway.serve")
    assert not loaded.intersection({"OpenImageIO", "av", "onnxruntime", "onnx"})


def test_gateway_process_reads_no_picture() -> None:
    """Files of unknown origin are read in child processes, which they can damage."""
    existing = {module for _, module, _ in _modules("bridge_gateway")}
    assert existing.issuperset(PICTURE_MODULES)
    assert not _modules_loaded_by("import bridge_gateway.serve").intersection(PICTURE_MODULES)


def test_tests_cannot_leave_loopback() -> None:
    with socket.socket() as one, pytest.raises(AssertionError, match="outside this machine"):
        one.connect(("192.0.2.1", 9))  # RFC 5737: reserved for documentation

"""Makes a wheel smaller by removing files; the remaining files are not changed.

A trimmed wheel has a special version (``0+shotbridge.6.8.3``) and a ``TRIMMED.txt`` beside its
licence. The version is lower than any other on purpose: of wheels with the same name, Blender
installs the highest version for all extensions, so a complete Qt of another extension is preferred
to our trimmed one. See docs/decisions/0012-qt-inside-blender.md.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

#: What the panel needs: the Qt modules that bridge_ui imports and what these load, by their file
#: names on each system. Removed are QML, the designer and its tools, databases, printing, headers
#: and translations.
_MODULES = "(?:Core|Gui|Widgets|Svg)"
_LIBRARIES = "(?:Core|Gui|Widgets|Svg|DBus|XcbQpa|WaylandClient|WlShellIntegration)"
_PLUGINS = (
    "iconengines/(?:lib)?qsvgicon",
    "imageformats/(?:lib)?q(?:gif|jpeg|svg|tiff|webp)",
    "platforminputcontexts/lib(?:compose|ibus)platforminputcontextplugin",
    "platforms/(?:lib)?q(?:cocoa|offscreen|wayland-generic|windows|xcb)",
    "platformthemes/libq(?:gtk3|xdgdesktopportal)",
    "styles/(?:lib)?q(?:macstyle|modernwindowsstyle)",
    "wayland-decoration-client/libbradient",
    "wayland-shell-integration/libxdg-shell",
)
_QT = re.compile(
    "|".join(
        (
            r"PySide6/(?:__init__|_config|_git_pyside_version)\.py",
            r"PySide6/support/.*\.py",
            rf"PySide6/Qt{_MODULES}(?:\.abi3\.so|\.pyd)",
            r"PySide6/(?:lib)?pyside6\.abi3\.(?:so\.[\d.]+|[\d.]+dylib|dll)",
            rf"PySide6/Qt6{_LIBRARIES}\.dll",
            r"PySide6/(?:concrt|msvcp|vcruntime)140\w*\.dll",
            rf"PySide6/Qt/lib/libQt6{_LIBRARIES}\.so\.6",
            r"PySide6/Qt/lib/libicu\w+\.so\.\d+",
            rf"PySide6/Qt/lib/Qt{_LIBRARIES}\.framework/(?!.*Headers/).*",
            rf"PySide6/(?:Qt/)?plugins/(?:{'|'.join(_PLUGINS)})\.(?:so|dll|dylib)",
        )
    )
)
_LIBRARY = re.compile(r"(?:lib)?Qt6\w+\.(?:so\.6|dll)|Qt\w+\.framework/Versions/A/Qt\w+")


def is_needed_by_panel(name: str) -> bool:
    """Whether the panel needs a file of the PySide6-Essentials wheel."""
    return _QT.fullmatch(name) is not None


def trim(wheel: Path, folder: Path, keep: Callable[[str], bool], version: str, reason: str) -> Path:
    """Write a wheel with the files for which ``keep`` is true, with another version, to ``folder``.

    The metadata is kept, except for entry points.

    :raises ValueError: a remaining library needs a removed one.
    """
    name, old, *tags = wheel.stem.split("-")
    before, after = f"{name}-{old}.dist-info/", f"{name}-{version}.dist-info/"
    target = folder / f"{'-'.join((name, version, *tags))}.whl"
    with zipfile.ZipFile(wheel) as source:
        members = [m for m in source.infolist() if not m.is_dir()]
        stay = [m for m in members if not m.filename.startswith(before) and keep(m.filename)]
        gone = {m.filename for m in members if not m.filename.startswith(before)}
        gone -= {m.filename for m in stay}
        _check_closed(source, stay, gone)
        record: list[str] = []
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:

            def write(member: zipfile.ZipInfo, path: str, data: bytes) -> None:
                info = zipfile.ZipInfo(path, member.date_time)
                info.external_attr = member.external_attr
                info.compress_type = zipfile.ZIP_DEFLATED
                out.writestr(info, data)
                digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
                record.append(f"{path},sha256={digest.decode()},{len(data)}")

            for member in stay:
                write(member, member.filename, source.read(member))
            for path, member, data in _metadata(source, before, old, version):
                write(member, after + path, data)
            last = source.getinfo(f"{before}RECORD")
            write(last, f"{after}TRIMMED.txt", _trim_note(wheel.name, reason, gone).encode())
            record.append(f"{after}RECORD,,")
            out.writestr(
                zipfile.ZipInfo(f"{after}RECORD", last.date_time), "\n".join([*record, ""])
            )
    return target


def _metadata(
    source: zipfile.ZipFile, folder: str, old: str, version: str
) -> Iterator[tuple[str, zipfile.ZipInfo, bytes]]:
    for member in source.infolist():
        path = member.filename.removeprefix(folder)
        if not member.filename.startswith(folder) or path in ("", "RECORD", "entry_points.txt"):
            continue
        data = source.read(member)
        if path == "METADATA":
            line = rb"(?m)^(Version: )" + re.escape(old).encode() + rb"(\r?)$"
            data, replaced = re.subn(line, rb"\g<1>" + version.encode() + rb"\2", data, count=1)
            if not replaced:
                raise ValueError(f"{source.filename}: METADATA does not say Version: {old}")
        yield path, member, data


def _check_closed(
    source: zipfile.ZipFile, stay: Iterable[zipfile.ZipInfo], gone: Iterable[str]
) -> None:
    """Check that no remaining binary contains the file name of a removed library, as all binary
    formats do for linked libraries."""
    libraries = {m[0].encode() for name in gone if (m := _LIBRARY.search(name))}
    for member in stay:
        data = source.read(member)
        if data[:4] == b"\x7fELF" or data[:2] == b"MZ" or data[:4] in _MACH_O:
            needed = sorted(lib.decode() for lib in libraries if lib in data)
            if needed:
                raise ValueError(
                    f"{source.filename}: {member.filename} stays and needs {', '.join(needed)}"
                )


_MACH_O = (b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe")


def _trim_note(wheel: str, reason: str, gone: Iterable[str]) -> str:
    return "\n".join(
        (
            f"This is {wheel} with files removed: {reason}.",
            "The remaining files are unchanged. The complete wheel is on the Python Package Index.",
            "",
            "Removed:",
            *sorted(gone),
            "",
        )
    )

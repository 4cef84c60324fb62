"""Colour management with OpenColorIO: plates' colour spaces, conversions, the proxies' view.

Pixels are float32 of shape (..., 3). Only :meth:`ColourManager.to_display` clamps: every other
conversion keeps values below 0 and above 1.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge_core.errors import ConfigError, UnknownColourSpace
from bridge_core.models.media import Plate
from bridge_core.models.settings import ColourSettings
from bridge_gateway.arrays import FloatArray
from bridge_gateway.media.view_table import ViewTable
from bridge_gateway.pixel_transform import PixelTransform

#: The local models' input before their own encoding: linear light, Rec.709 primaries, D65.
#: Every config has it: without such a space of its own, through OpenColorIO's built-in config.
MODEL_SPACE = "Linear Rec.709 (sRGB)"

#: The colour space of outputs whose values are not colours, such as a matte.
DATA = "data"

#: Pictures with fewer pixels are not worth the table of a view, which takes as long as the exact
#: view of this many. A rule of size keeps plates and results of one size alike.
_MIN_TABLE_PIXELS = 100_000

_BUILTIN_PREFIX = "ocio://"
_BUILTIN_CONFIG = f"{_BUILTIN_PREFIX}studio-config-latest"


@dataclass(frozen=True)
class ColourTag:
    """A file's statement about its own colour."""

    description: str
    """For people: ``PQ, BT.2020 (H.273 codes 9/16/9)``."""
    spaces: tuple[str, ...] = ()
    """Matching colour spaces, best first, as ids of the Color Interop Forum. Empty if no named
    space matches."""
    is_complete: bool = True
    """False if the file states the primaries only, and ``spaces`` assumes the rest."""


class ResolvedColourSpace(NamedTuple):
    space: str
    """Its name in the OCIO config."""
    warnings: tuple[str, ...] = ()
    """Contradictions with the file's own tag."""


class ColourManager:
    """One OCIO config with the display and view of the proxies. Thread-safe.

    A config named in the settings takes precedence over ``$OCIO``, and ``$OCIO`` over the default
    config.

    ``threads`` limits the threads of a conversion; None allows one for each core.

    :raises ConfigError: the config, display or view does not exist.
    """

    def __init__(self, settings: ColourSettings, threads: int | None = None) -> None:
        self._settings = settings
        self.threads = threads
        self._origin, self._config = _load_config(settings.config)
        self.display, self.view = self._display_and_view()
        self._transforms: dict[tuple[str, ...], PixelTransform] = {}
        self._view_tables: dict[str, ViewTable] = {}
        self._lock = Lock()

    def resolve_space(
        self, plate: Plate, tag: ColourTag | None = None, path: Path | str | None = None
    ) -> ResolvedColourSpace:
        """The colour space of a plate, with a warning if its file contradicts it.

        In this order: the plate's own colour space (a name, an alias or a role); the file rules of
        the studio's config for the plate's path, unless only the default rule matches; the file's
        own tag (``tag``); the rules of the built-in config, which go by file extension;
        ``gateway.colour.default_colour_space``. ``path`` is the gateway's file, for errors.

        :raises UnknownColourSpace: none of them gives a space, or the given one is unknown.
        """
        where = str(path or plate.path_at(plate.range.first))
        space = self._resolve_name(plate, tag, where)
        if tag is None:
            return ResolvedColourSpace(space)
        agrees = any(self._find_space(name) == space for name in tag.spaces)
        if agrees and (tag.is_complete or plate.colour_space is not None):
            return ResolvedColourSpace(space)
        warning = f"the file is tagged as {tag.description}; it is read as {space}"
        return ResolvedColourSpace(space, (warning,))

    def _resolve_name(self, plate: Plate, tag: ColourTag | None, where: str) -> str:
        if plate.colour_space is not None:
            return self.canonical_name(plate.colour_space, where=where)
        file = plate.path_at(plate.range.first)
        ruled = not self._config.filepathOnlyMatchesDefaultRule(file)
        # A studio's rules are more reliable than a tag: cameras tag their log curves as Rec.709.
        if tag is not None and (not ruled or self._origin.startswith(_BUILTIN_PREFIX)):
            tagged = next(filter(None, map(self._find_space, tag.spaces)), None)
            if tagged is not None:
                return tagged
        if ruled:
            return self.canonical_name(self._config.getColorSpaceFromFilepath(file)[0], where=where)
        if self._settings.default_colour_space is not None:
            return self.canonical_name(
                self._settings.default_colour_space, where="gateway.colour.default_colour_space"
            )
        raise UnknownColourSpace(
            "the colour space of this plate is unknown",
            where=where,
            next_step=(
                "set the plate's colour space, add a file rule to the OCIO config, or set "
                f"gateway.colour.default_colour_space; {self._suggestions()}"
            ),
            details={"spaces": self.space_names()},
        )

    def _find_space(self, name: str) -> str | None:
        """The config's space for a name, alias or id of the Color Interop Forum; else None."""
        known_space = self._config.getColorSpace(name)
        if known_space is None:
            # OpenColorIO has had these ids since 2.5.
            spaces = self._config.getColorSpaces()
            with_ids = (space for space in spaces if hasattr(space, "getInteropID"))
            known_space = next((space for space in with_ids if space.getInteropID() == name), None)
        return None if known_space is None else str(known_space.getName())

    def space_names(self) -> list[str]:
        """The names of the config's colour spaces."""
        return [str(name) for name in self._config.getColorSpaceNames()]

    def canonical_name(self, space: str, *, where: str = "") -> str:
        """The config's name for a colour space, alias or role; case does not matter.

        :raises UnknownColourSpace: listing the closest names first.
        """
        known_space = self._config.getColorSpace(space)
        if known_space is not None:
            return str(known_space.getName())
        if space == MODEL_SPACE:
            return space
        raise UnknownColourSpace(
            f"the OCIO config has no colour space {space!r}",
            where=where,
            next_step=self._suggestions(space),
            details={"space": space, "spaces": self.space_names()},
        )

    def is_data(self, space: str) -> bool:
        """Whether the values are not colours and are never converted."""
        known_space = self._config.getColorSpace(space)
        return space == DATA or (known_space is not None and bool(known_space.isData()))

    def is_linear(self, space: str) -> bool:
        """Whether values are proportional to light, so that pixels may be averaged directly."""
        known_space = self._config.getColorSpace(space)
        return space == MODEL_SPACE or (
            known_space is not None
            and known_space.getEncoding() in ("scene-linear", "display-linear")
        )

    def convert(self, rgb: FloatArray, source: str, target: str) -> FloatArray:
        """Pixels converted from one space to another, as a new array. Data is only copied.

        Infinity and NaN spread to all three channels of their pixel.

        :raises UnknownColourSpace: one of the spaces is unknown.
        """
        if source == target or self.is_data(source) or self.is_data(target):
            return np.array(rgb, np.float32)
        return self.conversion(source, target).apply(rgb)

    def to_display(self, rgb: NDArray[Any], source: str) -> NDArray[np.uint8]:
        """Pixels, half or float, through the proxies' display and view, 0 to 255. Data is only
        clamped."""
        if self.is_data(source):
            # NaN becomes black in a proxy; the output checks report it.
            shown = np.nan_to_num(np.asarray(rgb, np.float32), nan=0.0).clip(0, 1)
            return np.rint(shown * np.float32(255)).astype(np.uint8)
        view = self._view(source)
        is_large = rgb.size // 3 >= _MIN_TABLE_PIXELS
        if rgb.ndim == 3 and is_large and self.is_linear(source) and view.has_fixed_function:
            return self._view_table(source, view).apply(rgb)
        return view.apply(np.asarray(rgb, np.float32), np.uint8)

    def _view_table(self, source: str, view: PixelTransform) -> ViewTable:
        with self._lock:
            return self._view_tables.setdefault(source, ViewTable(view, self.threads))

    def describe_conversion(self, source: str, target: str) -> str:
        """A description of a conversion, for the lineage."""
        if source == target:
            return f"{source}, not converted"
        if self.is_data(source) or self.is_data(target):
            return f"{source} to {target}: data, not converted"
        return f"{source} to {target} ({self.describe_config()})"

    def describe_view(self, source: str) -> str:
        """A description of the proxies' view, for the lineage."""
        return f"proxies: {source} on {self.display}, {self.view} ({self.describe_config()})"

    def describe_config(self) -> str:
        import PyOpenColorIO as ocio

        name = str(self._config.getName()) or self._origin
        return f"OpenColorIO {ocio.GetVersion()}, config {name}"

    def _suggestions(self, near: str = "") -> str:
        names = self.space_names()
        aliases = {
            alias.lower(): name
            for name in names
            for alias in (name, *self._config.getColorSpace(name).getAliases())
        }
        close = difflib.get_close_matches(near.lower(), aliases, n=5, cutoff=0.5)
        first = list(dict.fromkeys(aliases[alias] for alias in close))
        return f"choose one of: {', '.join([*first, *(n for n in names if n not in first)])}"

    def _display_and_view(self) -> tuple[str, str]:
        config, settings = self._config, self._settings
        display = settings.display or str(config.getDefaultDisplay())
        _require_known("display", display, list(config.getDisplays()), "the OCIO config")
        view = settings.view or str(config.getDefaultView(display))
        _require_known("view", view, list(config.getViews(display)), f"the display {display!r}")
        return display, view

    def conversion(self, source: str, target: str) -> PixelTransform:
        """The conversion from one space to another, neither of them data.

        :raises UnknownColourSpace: one of the spaces is unknown.
        """
        import PyOpenColorIO as ocio

        config = self._config
        source, target = self.canonical_name(source), self.canonical_name(target)

        def make() -> Any:
            if config.getColorSpace(source) is None:
                return ocio.Config.GetProcessorFromBuiltinColorSpace(source, config, target)
            if config.getColorSpace(target) is None:
                return ocio.Config.GetProcessorToBuiltinColorSpace(config, source, target)
            return config.getProcessor(source, target)

        return self._cached_transform((source, target), make)

    def _view(self, source: str) -> PixelTransform:
        import PyOpenColorIO as ocio

        config, source = self._config, self.canonical_name(source)

        def make() -> Any:
            if config.getColorSpace(source) is not None:
                shown = ocio.DisplayViewTransform(source, self.display, self.view)
                return config.getProcessor(shown)
            # A space outside the config: convert into the config first, then apply its view.
            inside = str(config.getColorSpace(ocio.ROLE_SCENE_LINEAR).getName())
            both = ocio.GroupTransform()
            into = ocio.Config.GetProcessorFromBuiltinColorSpace(source, config, inside)
            both.appendTransform(into.createGroupTransform())
            both.appendTransform(ocio.DisplayViewTransform(inside, self.display, self.view))
            return config.getProcessor(both)

        return self._cached_transform((source, "", self.display, self.view), make)

    def _cached_transform(self, key: tuple[str, ...], create: Callable[[], Any]) -> PixelTransform:
        import PyOpenColorIO as ocio

        with self._lock:
            if key not in self._transforms:
                try:
                    self._transforms[key] = PixelTransform(create(), self.threads)
                except (ocio.Exception, ocio.ExceptionMissingFile) as error:
                    raise UnknownColourSpace(
                        f"the OCIO config cannot convert {' to '.join(filter(None, key[:2]))}: "
                        f"{error}",
                        where=self._origin,
                        next_step="add the role aces_interchange to the config, or choose other "
                        "colour spaces",
                    ) from error
            return self._transforms[key]


class ColourManagerCache:
    """Loads the manager of each settings once. For one thread."""

    def __init__(self) -> None:
        self._managers: dict[tuple[str, int | None], ColourManager] = {}

    def get(self, settings: ColourSettings, threads: int | None = None) -> ColourManager:
        """
        :raises ConfigError: the config, display or view does not exist.
        """
        key = settings.model_dump_json(), threads
        if key not in self._managers:
            self._managers[key] = ColourManager(settings, threads)
        return self._managers[key]


def _require_known(setting: str, name: str, known: list[str], owner: str) -> None:
    if name not in known:
        raise ConfigError(
            f"{owner} has no {setting} {name!r}",
            where=f"gateway.colour.{setting}",
            next_step=f"choose one of: {', '.join(known)}",
        )


def _load_config(setting: str) -> tuple[str, Any]:
    import PyOpenColorIO as ocio

    origin = (os.environ.get("OCIO") or setting) if setting == _BUILTIN_CONFIG else setting
    try:
        return origin, ocio.Config.CreateFromFile(origin)
    except (ocio.Exception, ocio.ExceptionMissingFile) as error:
        named = "$OCIO" if origin != setting else "gateway.colour.config"
        raise ConfigError(
            f"the OCIO config {origin} cannot be read: {error}",
            where=named,
            next_step=f"set an existing config, or {_BUILTIN_CONFIG} for the built-in ACES config",
        ) from error

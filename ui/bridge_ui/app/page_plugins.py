"""Pages from other packages, by entry points of the group ``bridge_ui.pages``.

The value of an entry point is a :class:`~bridge_ui.app.page_registry.PageSpec`, or a function
without arguments that returns one. They are loaded on the panel's loading thread, so the module of
an entry point imports no Qt; that of the page, ``PageSpec.module``, may. The pages are tabs after
the panel's own. Whatever fails in a page is shown in its place and nowhere else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bridge_core.errors import ConfigError
from bridge_ui.app.page_registry import PageContext, PageSpec, PartSpec

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from PySide6.QtWidgets import QWidget

    from bridge_ui.app.controllers import Controllers

ENTRY_POINT_GROUP = "bridge_ui.pages"

_log = logging.getLogger(__name__)


def load_pages() -> tuple[PageSpec, ...]:
    """The pages of other packages, in the order of their names."""
    # Already imported by pydantic, which reads the same metadata.
    from importlib.metadata import entry_points

    return pages_of(entry_points(group=ENTRY_POINT_GROUP))


def pages_of(found: Iterable[EntryPoint]) -> tuple[PageSpec, ...]:
    pages: dict[str, PageSpec] = {}
    for entry_point in sorted(found, key=lambda entry: (entry.name, entry.value)):
        page = _load_page(entry_point)
        if page.id in pages:
            _log.warning("there are two pages called %s; %s is not used", page.id, entry_point)
        else:
            pages[page.id] = page
    return tuple(pages.values())


def _load_page(entry_point: EntryPoint) -> PageSpec:
    # Names of the panel's own parts, present and future, are never like this.
    page_id = f"{ENTRY_POINT_GROUP}:{entry_point.name}"
    try:
        value = entry_point.load()
        page = value if isinstance(value, PageSpec) else value()
        if not isinstance(page, PageSpec):
            raise TypeError(f"{entry_point.value} gives no PageSpec")
        title = str(page.title())
    except Exception as error:
        _log.exception("the page %s cannot be loaded", entry_point.name)
        problem = _page_error(entry_point.name, entry_point.value, error)
        return PageSpec(
            id=page_id,
            title=lambda: entry_point.name,
            module=__name__,
            create=lambda panel: _problem_view(problem),
        )
    return replace(
        page,
        **_guarded_part(page, page_id, title),
        title=lambda: title,
        badge=_guarded_badge(page),
        has_column=False,  # the wide layout has its three columns
        header=_guarded(page.header, f"{page_id}:header", title),
        footer=_guarded(page.footer, f"{page_id}:footer", title),
    )


def _guarded(part: PartSpec | None, part_id: str, title: str) -> PartSpec | None:
    return None if part is None else replace(part, **_guarded_part(part, part_id, title))


def _guarded_part(part: PartSpec, part_id: str, title: str) -> dict[str, Any]:
    """The fields of a part that shows an error in its place if it cannot be created."""

    def create(panel: PageContext) -> QWidget:
        try:
            import_module(part.module)
            return part.create(panel)
        except Exception as error:
            _log.exception("the page %s cannot be created", title)
            return _problem_view(_page_error(title, part.module, error))

    def stop(widget: Any) -> None:
        from bridge_ui.app.loading_view import PageProblemView

        if isinstance(widget, PageProblemView):
            return  # it watches nothing, and is not what the page's function expects
        try:
            part.stop(widget)
        except Exception:
            _log.exception("the page %s cannot be stopped", title)

    return {"id": part_id, "module": __name__, "create": create, "stop": stop}


def _guarded_badge(page: PageSpec) -> Callable[[Controllers], int]:
    def badge(controllers: Controllers) -> int:
        try:
            return int(page.badge(controllers))
        except Exception:
            _log.debug("the badge of the page %s failed", page.id, exc_info=True)
            return 0

    return badge


def _page_error(title: str, where: str, error: Exception) -> ConfigError:
    return ConfigError(
        f"the page {title} cannot be shown: {type(error).__name__}: {error}",
        where=where,
        next_step="update or uninstall its package, or ask who made it",
    )


def _problem_view(error: ConfigError) -> QWidget:
    from bridge_ui.app.loading_view import PageProblemView

    return PageProblemView(error)

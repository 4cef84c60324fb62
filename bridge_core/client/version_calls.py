"""Versions, their review, and the results in them."""

# ruff: noqa: A002 - an ``id``, as in the API

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from bridge_core.client.base import ClientBase
from bridge_core.connection.transport import quote_id

if TYPE_CHECKING:
    from bridge_core.models.findings import Finding
    from bridge_core.models.notes import NewNote, Note
    from bridge_core.models.versions import (
        Decision,
        Lineage,
        Result,
        ReviewStatus,
        TestFrame,
        Version,
    )
    from bridge_core.transfer import ProgressCallback

#: Versions requested in one call. Parsing a response holds the GIL, which a panel needs sixty times
#: a second: 100 versions of 240 frames take about 2 ms.
PAGE_SIZE = 100


class VersionFilter(TypedDict, total=False):
    """Which versions are meant; None and what is left out: all."""

    show: str | None
    sequence: str | None
    shot: str | None
    service: str | None
    status: ReviewStatus | None
    newest: bool
    """Only the latest of each shot."""


class VersionCalls(ClientBase):
    """Reading and reviewing versions, and fetching results."""

    def versions(self, **only: Unpack[VersionFilter]) -> list[Version]:
        """All versions that :class:`VersionFilter` means, ordered by shot, service and number."""
        return [version for page in self.version_pages(**only) for version in page]

    def version_pages(self, **only: Unpack[VersionFilter]) -> Iterator[list[Version]]:
        """As :meth:`versions`, but each page is only requested when it is needed."""
        from bridge_core.models.versions import Version

        query = {**only, "newest": only.get("newest") or None, "limit": PAGE_SIZE}
        while True:
            page = self._get(list[Version], "/v1/versions", **query)
            if page:
                yield page
            if len(page) < PAGE_SIZE:
                return
            query["after"] = page[-1].id

    def version(self, id: str) -> Version:
        from bridge_core.models.versions import Version

        return self._get(Version, f"/v1/versions/{quote_id(id)}")

    def decide(
        self, id: str, decision: Decision, *, key: str | None = None, user: str | None = None
    ) -> Version:
        """Set a version's review status, and return the version. ``key`` is the idempotency key of
        this act; None: a new one. It is retried, and with the same key it is one decision. ``user``
        is the person who decides; None: :attr:`user`.

        :raises IdempotencyKeyReused: the key was used for another decision, or by another person.
        """
        from bridge_core.models.versions import Version

        path = f"/v1/versions/{quote_id(id)}/decisions"
        return self._post_once(Version, path, decision, key, user)

    def notes(self, id: str) -> list[Note]:
        from bridge_core.models.notes import Note

        return self._get(list[Note], f"/v1/versions/{quote_id(id)}/notes")

    def add_note(
        self, id: str, note: NewNote, *, key: str | None = None, user: str | None = None
    ) -> Note:
        """Add a note to a version; ``key`` and ``user`` as for :meth:`decide`.

        :raises IdempotencyKeyReused: the key was used for another note, or by another person.
        """
        from bridge_core.models.notes import Note

        return self._post_once(Note, f"/v1/versions/{quote_id(id)}/notes", note, key, user)

    def test_frame(self, id: str) -> TestFrame:
        from bridge_core.models.versions import TestFrame

        return self._get(TestFrame, f"/v1/test-frames/{quote_id(id)}")

    def lineage(self, result_id: str) -> Lineage:
        from bridge_core.models.versions import Lineage

        return self._get(Lineage, f"/v1/results/{quote_id(result_id)}/lineage")

    def result_text(self, result_id: str, name: str) -> str:
        """A text of a result, one of ``Result.texts``."""
        path = f"/v1/results/{quote_id(result_id)}/files/texts/{quote_id(name)}"
        return self._get_bytes(path).decode(errors="replace")

    def findings(self, result_id: str) -> tuple[Finding, ...]:
        """The findings of a result that has some, see ``Result.finding_count``."""
        from bridge_core.models.findings import Findings

        path = f"/v1/results/{quote_id(result_id)}/files/findings.json"
        return Findings.parse(self._get_bytes(path), where=path).findings

    def fetch(
        self,
        result: Result,
        folder: Path,
        progress: ProgressCallback | None = None,
        *,
        cancel: threading.Event | None = None,
    ) -> Path:
        """Download a result's files if necessary and return their folder on this machine, see
        :func:`bridge_core.transfer.fetch`."""
        from bridge_core.transfer import fetch

        return fetch(result, Path(folder), self._transport, progress, cancel=cancel)

    def proxy(self, result_id: str, frame: int) -> bytes:
        """JPEG of a frame of a result, with the display view baked in."""
        return self._get_bytes(f"/v1/results/{quote_id(result_id)}/proxies/{frame}")

    def thumbnail(self, result_id: str) -> bytes:
        """JPEG of a result's thumbnail."""
        return self._get_bytes(f"/v1/results/{quote_id(result_id)}/thumbnail")

"""What all of a fake Resolve's objects share: the program they belong to, and who calls them."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resolve_fake import Resolve


class CallRecorder:
    """Sees every call: on which threads, and how often each."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.calls: Counter[str] = Counter()

    def __call__(self, name: str) -> None:
        self.threads.add(threading.get_ident())
        self.calls[name] += 1

    def clear(self) -> None:
        self.threads.clear()
        self.calls.clear()


CALL_RECORDER = CallRecorder()


class ApiObject:
    def __init__(self, app: Resolve) -> None:
        self._app = app
        self._id = str(uuid.uuid4())

    def _is_refused(self, call: str) -> bool:
        """A test wants this call to fail, as Resolve's do: without a word."""
        return f"{type(self).__name__}.{call}" in self._app._refused

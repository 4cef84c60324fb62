"""Base class of the fake Resolve's objects, and a recorder of their calls."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resolve_fake import Resolve


class CallRecorder:
    """Records the threads and the number of all calls."""

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
        """Whether a test makes this call fail."""
        return f"{type(self).__name__}.{call}" in self._app._refused

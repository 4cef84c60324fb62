"""Calls to the host on the thread that it requires."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from bridge_core.errors import ShotbridgeError
from bridge_core.hosts.base import Capability, Host
from bridge_ui.core.workers import BackgroundTask, OnError, unexpected_error

T = TypeVar("T")

_log = logging.getLogger(__name__)


def call_host(
    host: Host,
    run_in_worker: Callable[[Callable[[BackgroundTask], T], Callable[[T], None], OnError], object],
    call: Callable[[BackgroundTask], T],
    done: Callable[[T], None],
    on_error: OnError,
) -> None:
    """Run ``call`` on the host: in a worker (``run_in_worker``, the ``run`` of a pool) if the host
    supports :attr:`Capability.ANY_THREAD`, otherwise synchronously on the panel's thread."""
    if Capability.ANY_THREAD in host.capabilities:
        run_in_worker(call, done, on_error)
        return
    try:
        result = call(BackgroundTask())
    except ShotbridgeError as error:
        on_error(error)
    except Exception as error:
        _log.exception("a call to the host failed")
        on_error(unexpected_error(error))
    else:
        done(result)

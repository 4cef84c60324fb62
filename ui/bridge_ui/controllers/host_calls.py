"""Asking the host on the thread where it wants to be asked."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from bridge_core.errors import ShotbridgeError
from bridge_core.host import Capability, Host
from bridge_ui.controllers.pool import Failed, Task, unexpected

T = TypeVar("T")

_log = logging.getLogger(__name__)


def ask_host(
    host: Host,
    elsewhere: Callable[[Callable[[Task], T], Callable[[T], None], Failed], object],
    call: Callable[[Task], T],
    done: Callable[[T], None],
    failed: Failed,
) -> None:
    """``call`` asks the host: here and now where the host keeps its things in memory, for its
    thread is the panel's; ``elsewhere``, a pool's ``run`` or ``ask``, where it reads files
    (:attr:`Capability.ANY_THREAD`)."""
    if Capability.ANY_THREAD in host.capabilities:
        elsewhere(call, done, failed)
        return
    try:
        answer = call(Task())
    except ShotbridgeError as error:
        failed(error)
    except Exception as error:
        _log.exception("a call to the host failed")
        failed(unexpected(error))
    else:
        done(answer)

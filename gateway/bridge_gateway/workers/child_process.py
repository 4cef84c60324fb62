"""One child process, as the gateway controls it."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import subprocess
import sys
from collections import deque
from threading import Thread
from typing import IO

log = logging.getLogger(__name__)

#: A killed process usually ends within milliseconds; a swapping machine takes longer.
_KILL_TIMEOUT_SECONDS = 10.0


class ProcessDied(Exception):
    """The process ended unexpectedly.

    ``reason`` names the signal or exit code, ``last_output`` holds the last lines of its log.
    """

    def __init__(self, reason: str, last_output: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.last_output = last_output


class ChildProcess:
    """A child process that runs ``module``; its log lines begin with ``name``.

    It leads its own session, so that Ctrl-C in the gateway's terminal does not reach it and one
    signal reaches all of its children. Everything it prints goes into the gateway's log.
    """

    def __init__(self, module: str, *, name: str, threads: int) -> None:
        environment = dict(os.environ)
        for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            environment[variable] = str(threads)
        self._name = name
        # -P: a file in the working directory must never shadow one of our modules.
        self._popen = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
            creationflags=_CREATION_FLAGS,
        )
        self._messages: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._last_lines: deque[str] = deque(maxlen=12)
        self._readers = [
            Thread(target=self._read_messages, name=f"{name}-{self.pid}-messages", daemon=True),
            Thread(target=self._read_log, name=f"{name}-{self.pid}-log", daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def send(self, task: bytes) -> None:
        """Send an encoded task.

        :raises ProcessDied: the process has ended.
        """
        stdin = _pipe(self._popen.stdin)
        try:
            stdin.write(task)
            stdin.flush()
        except OSError:
            raise self._death() from None

    def receive(self, timeout: float) -> bytes | None:
        """The next message; None after ``timeout`` seconds without one.

        :raises ProcessDied: the process has ended.
        """
        try:
            text = self._messages.get(timeout=timeout)
        except queue.Empty:
            return None
        if text is None:
            raise self._death()
        return text

    def kill(self) -> None:
        """Kill the process and its children. Does nothing if it has already ended."""
        _kill_group(self._popen)
        with contextlib.suppress(OSError):  # buffered data has no reader any more
            _pipe(self._popen.stdin).close()
        # The system may keep the process, as while it reads from a share whose server is gone.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_KILL_TIMEOUT_SECONDS)
        for reader in self._readers:
            reader.join(_KILL_TIMEOUT_SECONDS)

    def _death(self) -> ProcessDied:
        self.kill()
        return ProcessDied(_exit_reason(self._popen.returncode or 0), "\n".join(self._last_lines))

    def _read_messages(self) -> None:
        with _pipe(self._popen.stdout) as channel:
            for text in channel:
                if text.endswith(b"\n"):  # a kill may leave an incomplete line
                    self._messages.put(text)
        self._messages.put(None)

    def _read_log(self) -> None:
        with _pipe(self._popen.stderr) as channel:
            for raw in channel:
                text = raw.decode(errors="replace").rstrip()
                self._last_lines.append(text)
                log.info("%s process %d: %s", self._name, self.pid, text)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # all three are pipes
    return stream


def _exit_reason(exit_code: int) -> str:
    if exit_code < 0:
        try:
            return f"signal {signal.Signals(-exit_code).name}"
        except ValueError:
            return f"signal {-exit_code}"
    return f"exit code {exit_code}"


if sys.platform == "win32":
    # Windows has no sessions and ignores that argument; these flags serve the same purpose.
    _CREATION_FLAGS = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.BELOW_NORMAL_PRIORITY_CLASS

    def _kill_group(popen: subprocess.Popen[bytes]) -> None:
        popen.kill()

else:
    _CREATION_FLAGS = 0

    def _kill_group(popen: subprocess.Popen[bytes]) -> None:
        # Not waited for yet, so the process id has not been reused.
        if popen.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(popen.pid, signal.SIGKILL)

"""What the panel does, without Qt: one controller for each of its parts.

**Threads.** A controller belongs to one thread, the panel's. Its methods are called there, return
at once, and everything that it tells (:class:`~bridge_ui.core.observable.Observable`,
:class:`~bridge_ui.core.observable.Rows`) is told there. What waits for network or disk runs
in the session's :class:`~bridge_ui.core.workers.Pool`; its answers come back through ``post``,
a function that carries a call over to the panel's thread.
"""

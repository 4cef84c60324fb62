"""The panel's base without Qt.

**Threads.** A controller belongs to one thread, the panel's. Its methods are called there and
return at once; its watchers (:class:`~bridge_ui.core.observable.Observable`,
:class:`~bridge_ui.core.observable.ObservableList`) are called there too. Whatever waits for the
network or a disk runs in a :class:`~bridge_ui.core.thread_pool.ThreadPool` of the session. Its
results come back through ``post``, a function that runs a call on the panel's thread.
"""

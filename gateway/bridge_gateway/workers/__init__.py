"""Child processes that the gateway keeps warm, and the messages between them.

:mod:`.process_pool` and :mod:`.child_process` run in the gateway, :mod:`.child_main` is the main
loop of a child, :mod:`.messages` holds the messages that every kind of child sends. The tasks are
defined elsewhere: networks in :mod:`bridge_gateway.providers.local`, decoding in
:mod:`bridge_gateway.media.decode_tasks`.
"""

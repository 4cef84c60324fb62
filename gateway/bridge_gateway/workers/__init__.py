"""Child processes that the gateway keeps warm, and what crosses the pipes between.

:mod:`.pool` and :mod:`.process` are the gateway's side, :mod:`.child` is the main loop of the
child, :mod:`.messages` are the answers that every kind of child gives. What a child works on is
its own: networks in :mod:`bridge_gateway.providers.local`, pictures in
:mod:`bridge_gateway.media.decode_pool`.
"""

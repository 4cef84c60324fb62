"""The client: all that panels and the command line need from the gateway.

::

    with Client(load_settings().settings) as client:
        job = client.submit(request)
        [job] = client.wait([job.id])
        client.fetch(client.version(job.version_id), Path("versions"))

Nothing is connected or started, and no library is imported, before the first call. Calls can be
made from any thread. They wait for network and disk, so do not make them from a host's main thread.
"""

from bridge_core.client.client import Client

__all__ = ["Client"]

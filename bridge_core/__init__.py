"""The client of Shotbridge: no Qt, no host, no pixels.

Importing this package loads nothing else. Its modules are imported where they are used
(``from bridge_core.client import Client``), so that they do not slow down the start of a host.
"""

__version__ = "0.1.0"

#: Version of the HTTP API under ``/v1`` that this client uses.
API_VERSION = "1.0"

"""Shotbridge's client: no Qt, no host, no pixels.

Importing this package loads nothing but itself; the parts are imported where they are used
(``from bridge_core.client import Client``), so that a host's start-up never pays for them.
"""

__version__ = "0.1.0"

#: Version of the HTTP API under ``/v1`` that this client speaks.
API_VERSION = "1.0"

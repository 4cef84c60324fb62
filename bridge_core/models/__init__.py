"""The words of Shotbridge as pydantic models, spoken by the client and by the gateway.

Import from the module that holds the thing: ``from bridge_core.models.media import Plate``.
"""

"""The data model of Shotbridge in pydantic, shared by the client and the gateway.

Import from the module that defines the class: ``from bridge_core.models.media import Plate``.
"""

"""Shotbridge in Blender: sends shots to the studio's AI services, and reviews and places versions.

Blender loads this file and calls the two functions; everything else is in ``bridge_blender``.
"""

from .bridge_blender.registration import register, unregister

__all__ = ["register", "unregister"]

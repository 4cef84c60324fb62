"""Shotbridge in Blender: sends shots to the studio's AI services, reviews and places what returns.

Blender loads this file by itself and calls the two functions; everything else is in
``bridge_blender``.
"""

from .bridge_blender.registration import register, unregister

__all__ = ["register", "unregister"]

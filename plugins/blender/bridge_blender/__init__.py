"""Shotbridge inside Blender. Not built yet: this room holds nothing."""

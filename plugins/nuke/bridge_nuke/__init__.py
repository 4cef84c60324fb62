"""Shotbridge inside Nuke. Not built yet: this room holds nothing."""

"""Shotbridge inside DaVinci Resolve. Not built yet: this room holds nothing."""

"""Shotbridge inside Blender: the host, its panel's window, menus and operators."""

"""Pixels: files, colour, proxies, checks."""

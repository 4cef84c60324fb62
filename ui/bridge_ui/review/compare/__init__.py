"""Choosing and comparing A and B."""

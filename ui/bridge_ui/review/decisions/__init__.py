"""Decisions about versions."""

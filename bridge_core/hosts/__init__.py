"""Hosts: their interface, plugins, installations and self-test."""

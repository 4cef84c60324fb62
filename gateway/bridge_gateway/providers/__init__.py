"""Providers run services: :mod:`.base` is the contract, and each provider has its own package."""

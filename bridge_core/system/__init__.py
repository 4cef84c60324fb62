"""Locks, processes and private files of the operating system. Standard library only."""

"""Notes and drawings."""

"""Qt panels, embedded by every host and by the standalone window."""

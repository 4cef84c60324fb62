"""Measurements, printed as ratios to a named rival or limit of the same run."""

"""Cuts as OTIO: read shots from a timeline, and write versions back into it."""

"""Cuts as OTIO: shots out of a timeline, versions back into it."""

"""Frame sources, the frame cache and playback."""

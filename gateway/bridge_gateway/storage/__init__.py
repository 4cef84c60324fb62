"""Files on disk: media roots, the content store, atomic and private files."""

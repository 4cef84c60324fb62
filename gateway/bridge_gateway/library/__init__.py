"""The library: folders and files of versions and test frames."""

"""Media roots, the content store, and disks that may hang."""

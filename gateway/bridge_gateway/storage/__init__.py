"""Media roots, the blob store, and disks that may hang."""

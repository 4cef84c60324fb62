"""The Qt panel, embedded in hosts and in the standalone window."""

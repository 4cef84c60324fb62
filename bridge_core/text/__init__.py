"""Making text safe to show. Standard library only."""

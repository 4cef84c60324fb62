"""Making text safe to show, and the names of people. Standard library only."""

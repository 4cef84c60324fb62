"""Review reports as HTML and PDF."""

"""Who runs services: one contract, and one folder or module for each provider."""

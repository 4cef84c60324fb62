"""The durable workflow that turns a request into a version."""

"""The studio's AI service: a process with an HTTP API. Nothing imports it but itself."""

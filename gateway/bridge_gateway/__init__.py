"""The gateway: the studio's AI service, a process with an HTTP API. No other package imports it."""

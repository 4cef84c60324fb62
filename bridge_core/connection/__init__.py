"""How a gateway is reached: endpoint, sessions, calls and events."""

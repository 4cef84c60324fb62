"""The panel's colours, which adapt to the host, and a style sheet for its own widgets only."""

"""How the panel looks: colours that follow the host, and a style sheet for our own widgets only."""

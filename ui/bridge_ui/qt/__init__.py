"""Where controllers and Qt meet."""

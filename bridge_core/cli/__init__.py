"""``shotbridge``: the client on the command line."""

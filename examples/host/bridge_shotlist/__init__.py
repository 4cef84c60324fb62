"""An example of a host: a list of shots in a JSON file."""

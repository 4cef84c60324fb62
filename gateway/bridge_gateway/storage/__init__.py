"""What the gateway keeps: database, contents, permitted folders."""

"""Reading, writing and checking picture files and movies; colour management; proxies."""

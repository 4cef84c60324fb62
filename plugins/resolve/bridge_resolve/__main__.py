"""``python -m bridge_resolve``: the companion window, from outside of Resolve."""

import argparse
import sys

from bridge_resolve.window import main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="bridge_resolve", description="Shotbridge beside DaVinci Resolve."
    )
    parser.add_argument("--product", default="", help="what Resolve told its script that it is")
    sys.exit(main(product=parser.parse_args().product))

"""``python -m bridge_resolve``: the companion window, in a process of its own."""

import argparse
import sys

from bridge_resolve.window import main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="bridge_resolve", description="Shotbridge beside DaVinci Resolve."
    )
    parser.add_argument(
        "--product", default="", help="the product name that Resolve gave to its script"
    )
    sys.exit(main(product=parser.parse_args().product))

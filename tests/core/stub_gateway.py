"""A small program that starts and announces itself like the gateway, for tests of the launcher.

``--fail CODE`` prints something and ends; ``--silent`` never announces itself; ``--slow SECONDS``
waits first. Each start appends a line to ``starts``, beside the announcement.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

parser = argparse.ArgumentParser()
parser.add_argument("--fail", type=int)
parser.add_argument("--silent", action="store_true")
parser.add_argument("--slow", type=float, default=0)
parser.add_argument("command", choices=["serve"])
parser.add_argument("--announce", type=Path, required=True)
parser.add_argument("--token-file", type=Path, required=True)
parser.add_argument("--log", type=Path, required=True)
parser.add_argument("--idle-exit", action="store_true", required=True)
given = parser.parse_args()

with (given.announce.parent / "starts").open("a") as stream:
    environment = {k: v for k, v in os.environ.items() if k.startswith("SHOTBRIDGE__")}
    stream.write(json.dumps({"pid": os.getpid(), "environment": environment}) + "\n")

print("the stub gateway starts", flush=True)
if given.fail is not None:
    print("\n".join(f"line {number}" for number in range(50)), flush=True)
    print("the disk is full", file=sys.stderr)
    sys.exit(given.fail)
if given.silent:
    time.sleep(600)
time.sleep(given.slow)

from bridge_core.models.gateway import compute_proof  # noqa: E402  slow, and tests count on the moment

about = {
    "version": "0.1.0",
    "api_version": "1.0",
    "min_client_version": "0.1.0",
    "instance_id": uuid4().hex,
}


class StubGatewayHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        answer: dict[str, Any] = {"ok": True, "checks": []}
        if url.path == "/v1/about":
            token = given.token_file.read_text().strip()
            [challenge] = parse_qs(url.query).get("challenge", [""])
            answer = {**about, "proof": compute_proof(token, challenge, about["instance_id"])}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), StubGatewayHandler)
if not given.token_file.exists():
    descriptor = os.open(given.token_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(descriptor, b"stub-token-0123456789\n")
    os.close(descriptor)
announcement = {
    "url": f"http://127.0.0.1:{server.server_address[1]}",
    "pid": os.getpid(),
    "instance_id": about["instance_id"],
}
partial = given.announce.with_suffix(".half")
partial.write_text(json.dumps(announcement))
partial.replace(given.announce)


def stop(*_: Any) -> None:
    given.announce.unlink(missing_ok=True)
    os._exit(0)


signal.signal(signal.SIGTERM, stop)
server.serve_forever()

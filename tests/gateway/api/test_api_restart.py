"""Restarts of the gateway, and when it exits by itself."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from typing import Any

from in_process_gateway import InProcessGateway

from bridge_gateway import serve


def all_event_ids(own_gateway: InProcessGateway) -> list[int]:
    """The ids of all stored events."""
    return [event.id for event in own_gateway.runtime.events.list_events(after=0, limit=10_000)]


def test_a_restart_in_the_middle(own_gateway: InProcessGateway) -> None:
    version = own_gateway.make_version()
    start = own_gateway.runtime.events.last_event_id()
    received: list[int] = []
    last = start
    for round_ in range(3):
        with own_gateway.event_stream(last=last) as listener:
            for number in range(3):
                note = {"text": f"{round_} {number}"}
                own_gateway.call("POST", f"/v1/versions/{version}/notes", note)
            # Leave one unread: it is sent after the restart.
            received += [message["id"] for message in listener.take(2)]
            last = received[-1]
            closing = threading.Thread(target=own_gateway.close)
            closing.start()
            list(listener.messages())  # ends by itself
            closing.join(60)
        own_gateway.open()
    with own_gateway.event_stream(last=last) as listener:
        rest_of_all = [event for event in all_event_ids(own_gateway) if event > last]
        received += [message["id"] for message in listener.take(len(rest_of_all))]
    assert received == [event for event in all_event_ids(own_gateway) if event > start]


def test_an_upload_is_resumed_after_a_restart(own_gateway: InProcessGateway) -> None:
    data = hashlib.shake_128(b"restart").digest(3_000_000)
    sha256 = hashlib.sha256(data).hexdigest()

    def patch(start: int, end: int) -> Any:
        headers = {"Upload-Offset": str(start), "Upload-Length": str(len(data))}
        return own_gateway.call("PATCH", f"/v1/content/{sha256}", data[start:end], headers=headers)

    assert patch(0, 2_000_000).json()["offset"] == 2_000_000
    own_gateway.close()
    own_gateway.open()
    answer = own_gateway.call("POST", "/v1/content/states", [{"sha256": sha256, "size": len(data)}])
    assert answer.json()[0]["offset"] == 2_000_000
    assert patch(2_000_000, len(data)).json()["complete"]


def test_a_job_is_resumed_after_a_restart(own_gateway: InProcessGateway) -> None:
    job = own_gateway.send(own_gateway.submission(frames=3, seconds=0.5)).json()["id"]
    own_gateway.wait_until(lambda: own_gateway.call("GET", f"/v1/jobs/{job}/frames").json())
    own_gateway.close()
    own_gateway.open()
    assert own_gateway.wait_for_job(job)["state"] == "succeeded"


def test_it_does_not_exit_while_a_job_runs(own_gateway: InProcessGateway) -> None:
    server = serve.GatewayServer(
        serve.server_config(own_gateway.app),
        own_gateway.app.state.context.event_broadcaster,
        lambda: None,
    )
    job = own_gateway.send(own_gateway.submission(frames=3, seconds=0.7)).json()["id"]
    asyncio.run(
        asyncio.wait_for(
            serve.stop_when_idle(server, own_gateway.activity, own_gateway.runtime, 0.2), 60
        )
    )
    assert server.should_exit
    assert own_gateway.runtime.jobs.get_job(job).state.ended

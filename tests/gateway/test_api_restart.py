"""What a restart of the gateway leaves as it was, and when it may end by itself."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from typing import TYPE_CHECKING, Any

from bridge_gateway import serve

if TYPE_CHECKING:
    from conftest import House


def everything(house: House) -> list[int]:
    """Ids of all events that are kept."""
    return [event.id for event in house.desk.events(after=0, limit=10_000)]


def test_a_restart_in_the_middle(house: House) -> None:
    version = house.version()
    start = house.desk.last_event()
    seen: list[int] = []
    last = start
    for round_ in range(3):
        with house.listening(last=last) as listener:
            for number in range(3):
                note = {"text": f"{round_} {number}", "by": "Ada"}
                house.call("POST", f"/v1/versions/{version}/notes", note)
            # Leave one unread: it comes after the restart.
            seen += [message["id"] for message in listener.take(2)]
            last = seen[-1]
            closing = threading.Thread(target=house.close)
            closing.start()
            list(listener.messages())  # comes to an end by itself
            closing.join(60)
        house.open()
    with house.listening(last=last) as listener:
        rest_of_all = [event for event in everything(house) if event > last]
        seen += [message["id"] for message in listener.take(len(rest_of_all))]
    assert seen == [event for event in everything(house) if event > start]


def test_an_upload_goes_on_after_a_restart(house: House) -> None:
    data = hashlib.shake_128(b"restart").digest(3_000_000)
    sha256 = hashlib.sha256(data).hexdigest()

    def patch(start: int, end: int) -> Any:
        headers = {"Upload-Offset": str(start), "Upload-Length": str(len(data))}
        return house.call("PATCH", f"/v1/content/{sha256}", data[start:end], headers=headers)

    assert patch(0, 2_000_000).json()["offset"] == 2_000_000
    house.close()
    house.open()
    told = house.call("POST", "/v1/content/states", [{"sha256": sha256, "size": len(data)}])
    assert told.json()[0]["offset"] == 2_000_000
    assert patch(2_000_000, len(data)).json()["complete"]


def test_a_job_goes_on_after_a_restart(house: House) -> None:
    job = house.send(house.submission(frames=3, seconds=0.5)).json()["id"]
    house.until(lambda: house.call("GET", f"/v1/jobs/{job}/frames").json())
    house.close()
    house.open()
    assert house.ended(job)["state"] == "succeeded"


def test_it_does_not_end_by_itself_while_a_job_is_worked_on(house: House) -> None:
    server = serve.Server(serve.config(house.app), house.app.state.parts.events, lambda: None)
    job = house.send(house.submission(frames=3, seconds=0.7)).json()["id"]
    asyncio.run(asyncio.wait_for(serve.Idle(house.activity, house.desk, 0.2).end(server), 60))
    assert server.should_exit
    assert house.desk.job(job).state.ended

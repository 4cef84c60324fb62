"""``services``, ``send``, ``jobs``, ``watch``, ``cancel``, ``outbox``: ask, and see it done."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bridge_core.cli.ids import job_id, short
from bridge_core.cli.output import Bar, spell_bytes, spell_seconds, table
from bridge_core.cli.sources import add_cut_options, shots_of
from bridge_core.errors import ShotbridgeError

if TYPE_CHECKING:
    from bridge_core.cli.call import Call
    from bridge_core.models.gateway import Event
    from bridge_core.models.jobs import Job
    from bridge_core.models.requests import Request
    from bridge_core.models.services import Service
    from bridge_core.models.shots import Shot


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    services = commands.add_parser(
        "services", parents=[common], help="what can be asked for, with its parameters"
    )
    services.set_defaults(run=_services)

    send = commands.add_parser(
        "send",
        parents=[common],
        help="send shots of a cut, or one plate, to a service",
        description="Send the shots of an OTIO cut (or of an EDL, FCP XML or AAF), or one plate.",
    )
    send.add_argument(
        "source", help="a cut, or a plate: a movie, a still, a pattern as plate.%%04d.exr"
    )
    send.add_argument("--service", required=True, help="id of the service, see `services`")
    send.add_argument("--shot", action="append", default=[], help="only this shot; may be repeated")
    send.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the service; may be repeated",
    )
    send.add_argument(
        "--try", dest="try_frames", metavar="FRAMES", help="only these, as 1001,1040-1042"
    )
    send.add_argument("--note", default="", help="what you say to the service")
    send.add_argument("--delivery", choices=("exr", "plate"), default="exr")
    send.add_argument("--range", help="of a plate: first and last frame, as 1001-1100")
    add_cut_options(
        send,
        rate_help="frames per second, as 24000/1001: of a plate (else a movie's own, or 24), or "
        "what the cut counts at",
    )
    send.add_argument(
        "--colour-space",
        help="a name from the OCIO config: of a plate, or of the cut's plates that name none",
    )
    send.add_argument("--estimate", action="store_true", help="say what it means; send nothing")
    send.add_argument("--no-wait", action="store_true", help="return once all is accepted")
    send.set_defaults(run=_send)

    jobs = commands.add_parser("jobs", parents=[common], help="jobs, newest first")
    jobs.add_argument("--state", help="only queued, running, succeeded, failed, cancelled, unknown")
    jobs.add_argument("--limit", type=int, default=30)
    jobs.set_defaults(run=_jobs)

    watch = commands.add_parser("watch", parents=[common], help="follow jobs until they end")
    watch.add_argument("job", nargs="*", help="ids; none: all that are queued or running")
    watch.set_defaults(run=_watch)

    cancel = commands.add_parser("cancel", parents=[common], help="end jobs")
    cancel.add_argument("job", nargs="+")
    cancel.set_defaults(run=_cancel)

    outbox = commands.add_parser(
        "outbox", parents=[common], help="requests accepted here that the gateway has not got yet"
    )
    outbox.add_argument("--send", action="store_true", help="send them now")
    outbox.set_defaults(run=_outbox)


def _services(call: Call) -> int:
    services = call.client.services()
    blocks = []
    for service in services:
        state = "" if service.available else f"\n    not available: {service.unavailable_because}"
        lines = [
            f"{service.id}  {service.title} ({service.reach}){state}",
            f"    {service.summary}",
        ]
        lines += [f"    -p {_spell_parameter(item)}" for item in service.parameters]
        blocks.append("\n".join(lines))
    call.output.result(services, "\n\n".join(blocks))
    return 0


def _spell_parameter(parameter: Any) -> str:
    match parameter.kind:
        case "number" | "integer":
            limits = f"{parameter.minimum:g} to {parameter.maximum:g} {parameter.unit}".strip()
        case "choice":
            limits = ", ".join(choice.value for choice in parameter.choices)
        case "toggle":
            limits = "true, false"
        case _:
            limits = "text"
    return f"{parameter.name}={parameter.default}  {parameter.title}: {limits}"


def _send(call: Call) -> int:
    service = _find_service(call, call.arguments.service)
    requests = [_request(call, shot, service) for shot in shots_of(call)]
    if call.arguments.estimate:
        return _estimate(call, requests)
    jobs, errors = submit_all(call, requests)
    if call.arguments.no_wait:
        told = "\n".join(f"{short(job.id)}  {job.request.shot.id}" for job in jobs)
        call.output.result(jobs, told)
        code = 0
    else:
        code = report(call, follow(call, jobs))
    for error in errors:
        call.output.error(error)
    return errors[0].exit_code if errors else code


def _find_service(call: Call, wanted: str) -> Service | None:
    """The service; None where no gateway can be asked, which then judges the request later.

    :raises UnknownService: the gateway has no such service.
    """
    from bridge_core.errors import GatewayUnreachable, UnknownService

    try:
        services = call.client.services()
    except GatewayUnreachable:
        if call.arguments.estimate:
            raise
        return None
    for service in services:
        if service.id == wanted:
            return service
    raise UnknownService(
        f"there is no service {wanted!r}",
        next_step=f"the gateway offers: {', '.join(s.id for s in services) or 'none'}",
    )


def _request(call: Call, shot: Shot, service: Service | None) -> Request:
    from pydantic import ValidationError

    from bridge_core.cli.call import pair
    from bridge_core.cli.sources import frames_of
    from bridge_core.models.base import invalid
    from bridge_core.models.requests import Delivery, Request
    from bridge_core.models.services import settle_parameters

    arguments = call.arguments
    parameters = {name: _scalar(text) for name, text in map(pair, arguments.parameter)}
    if service is not None:
        settle_parameters(service, parameters)
    try:
        return Request(
            shot=shot,
            service=arguments.service,
            parameters=parameters,
            note=arguments.note,
            delivery=Delivery(arguments.delivery),
            try_frames=frames_of(arguments.try_frames) if arguments.try_frames else (),
            asked_by=call.user,
        )
    except ValidationError as error:
        raise invalid(error, what="request", where=str(shot.id)) from error


def _scalar(text: str) -> Any:
    """A parameter's value as YAML reads it: a number, true or false, or text."""
    import yaml

    from bridge_core import bounded_yaml

    try:
        value = bounded_yaml.load(text)
    except (yaml.YAMLError, ValueError):
        return text
    return value if isinstance(value, bool | int | float) else text


def _estimate(call: Call, requests: Sequence[Request]) -> int:
    estimates = [call.client.estimate(request) for request in requests]
    rows = [
        (
            request.shot.id.shot,
            estimate.frames,
            spell_seconds(estimate.seconds) or "not known yet",
            f"{estimate.cost.amount:.2f} {estimate.cost.currency}",
            estimate.reach,
            "yes" if estimate.allowed else f"no: {estimate.reason}",
        )
        for request, estimate in zip(requests, estimates, strict=True)
    ]
    head = ("shot", "frames", "takes", "costs", "goes to", "allowed")
    call.output.result(estimates, table(head, rows))
    return 0


def submit_all(call: Call, requests: Sequence[Request]) -> tuple[list[Job], list[ShotbridgeError]]:
    """Hand every request over, and say what became of those that could not be.

    One shot's missing frames do not keep the others. Once no gateway answers, the rest goes to
    the outbox without trying again for each.
    """
    from bridge_core.errors import GatewayUnreachable

    jobs: list[Job] = []
    errors: list[ShotbridgeError] = []
    lost = False
    for request in requests:
        if lost:
            call.client.outbox.put(request)
            call.output.say(f"{request.shot.id.shot}  kept in the outbox")
            continue
        bar = call.output.bar(f"{request.shot.id.shot}  sending")

        def sent(done: int, total: int, bar: Bar = bar) -> None:
            bar.update(done, total, f"{spell_bytes(done)} of {spell_bytes(total)}")

        try:
            jobs.append(call.client.submit(request, progress=sent))
        except ShotbridgeError as error:
            bar.end(error.what)
            errors.append(error)
            lost = isinstance(error, GatewayUnreachable)
        else:
            bar.end(f"accepted as job {short(jobs[-1].id)}")
    return jobs, errors


def follow(call: Call, jobs: Sequence[Job]) -> list[Job]:
    """Show the progress of jobs until all have ended; their last states, in the same order.

    A job's warnings are said as soon as there are any, before it is worked on.
    """
    bars: dict[str, Bar] = {}
    warned: set[str] = set()

    def warn(job: Job) -> None:
        if job.warnings and job.id not in warned:
            warned.add(job.id)
            for warning in job.warnings:
                call.output.say(f"{job.request.shot.id.shot}: {warning}")

    def seen(event: Event) -> None:
        job = event.job
        if job is None:
            return
        warn(job)
        title = f"{job.request.shot.id.shot}  {job.request.service}"
        bar = bars.setdefault(job.id, call.output.bar(title))
        if job.state.ended:
            bar.end(_spell_end(job))
        elif job.state == "queued":
            bar.update(0, 1, f"queued, {job.queue_position or 0} before it")
        else:
            left = spell_seconds(job.progress.seconds_left)
            words = f"{job.progress.step}  {job.progress.done} of {job.progress.total}"
            bar.update(
                job.progress.done, job.progress.total, words + (f"  {left} left" if left else "")
            )

    ended = call.client.wait([job.id for job in jobs], on_event=seen)
    for job in ended:
        warn(job)
    return ended


def _spell_end(job: Job) -> str:
    if job.problem:
        return f"{job.state}: {job.problem.what}"
    if job.started and job.finished:
        took = spell_seconds((job.finished - job.started).total_seconds())
        return f"{job.state} in {took}"
    return str(job.state)


def report(call: Call, jobs: Sequence[Job]) -> int:
    """Print the ends of jobs, and give the exit code."""
    call.output.result(jobs, ends(jobs))
    for job in jobs:
        if job.problem and job.problem.next_step:
            call.output.say(f"{job.request.shot.id.shot}: {job.problem.next_step}")
    return exit_code(jobs)


def ends(jobs: Sequence[Job]) -> str:
    """How each job ended, as a table."""
    rows = [
        (short(job.id), job.request.shot.id.shot, job.request.service, _spell_end(job))
        for job in jobs
    ]
    return table(("job", "shot", "service", "end"), rows)


def exit_code(jobs: Sequence[Job]) -> int:
    """0 only where all succeeded."""
    from bridge_core.errors import JobCancelled, JobFailed

    if all(job.state == "succeeded" for job in jobs):
        return 0
    cancelled = all(job.state in ("succeeded", "cancelled") for job in jobs)
    return JobCancelled.exit_code if cancelled else JobFailed.exit_code


def _jobs(call: Call) -> int:
    jobs = call.client.jobs(
        show=call.arguments.show, state=call.arguments.state, limit=call.arguments.limit
    )
    rows = [
        (
            short(job.id),
            job.request.shot.id,
            job.request.service,
            job.state,
            f"{job.progress.done} of {job.progress.total}" if job.progress.total else "",
            f"{job.created:%Y-%m-%d %H:%M}",
            job.request.asked_by,
        )
        for job in jobs
    ]
    head = ("job", "shot", "service", "state", "frames", "asked", "by")
    call.output.result(jobs, table(head, rows) or "no jobs")
    return 0


def _watch(call: Call) -> int:
    jobs = [call.client.job(job_id(call, typed)) for typed in call.arguments.job]
    if not jobs:
        jobs = [*call.client.jobs(state="running"), *call.client.jobs(state="queued")]
    if not jobs:
        call.output.result([], "nothing is queued or running")
        return 0
    return report(call, follow(call, jobs))


def _cancel(call: Call) -> int:
    jobs = [call.client.cancel(job_id(call, typed)) for typed in call.arguments.job]
    call.output.result(jobs, "\n".join(f"{short(job.id)}  {job.state}" for job in jobs))
    return 0


def _outbox(call: Call) -> int:
    if call.arguments.send:
        jobs = call.client.flush()
        call.output.say(f"{len(jobs)} sent")
    entries = call.client.outbox.entries()
    rows = [
        (e.key, e.request.shot.id, e.request.service, f"{e.created:%Y-%m-%d %H:%M}")
        for e in entries
    ]
    call.output.result(entries, table(("key", "shot", "service", "accepted"), rows) or "empty")
    return 0

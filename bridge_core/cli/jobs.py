"""Requests and their jobs: ``services``, ``send``, ``jobs``, ``watch``, ``cancel``,
``resolve-job``, ``outbox``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from bridge_core.cli.context import add_command, parse_key_value, short_id
from bridge_core.cli.output import ProgressBar, format_duration, format_table
from bridge_core.cli.sources import (
    add_cut_options,
    add_matte_options,
    load_shots,
    matte_regions,
    parse_frames,
)
from bridge_core.errors import ShotbridgeError

if TYPE_CHECKING:
    from bridge_core.cli.context import CommandContext
    from bridge_core.models.gateway import Event
    from bridge_core.models.jobs import Job, JobProgress
    from bridge_core.models.requests import Request
    from bridge_core.models.services import Service
    from bridge_core.models.shots import Shot


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    add = partial(add_command, commands, common)
    add("services", _list_services, "the available services and their parameters")

    send = add(
        "send",
        _send_shots,
        "send shots of a cut, or one plate, to a service",
        description="Send the shots of a cut (OTIO, EDL, FCP XML or AAF), or one plate.",
    )
    option = send.add_argument
    option("source", help="a cut, or a plate: a movie, a still, a pattern as plate.%%04d.exr")
    option("--service", required=True, help="id of the service, see `services`")
    option("--shot", action="append", default=[], help="only this shot; may be repeated")
    option(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the service; may be repeated",
    )
    option(
        "--test-frames",
        metavar="FRAMES",
        help="make test frames of these frames only, as 1001,1040-1042",
    )
    option("--note", default="", help="a note for the service")
    add_matte_options(send)
    option(
        "--output-format",
        choices=("exr", "plate"),
        default="exr",
        help="OpenEXR (default), or the plate's own format",
    )
    option("--range", help="of a plate: first and last frame, as 1001-1100")
    add_cut_options(
        send,
        rate_help="frames per second, as 24000/1001: of a plate (default: a movie's own, or 24), "
        "or of the cut",
    )
    option(
        "--colour-space",
        help="a name from the OCIO config: of a plate, or of the cut's plates that have none",
    )
    option("--quote", action="store_true", help="print frames, duration and cost; send nothing")
    option("--no-wait", action="store_true", help="return once all jobs are accepted")

    jobs = add("jobs", _list_jobs, "jobs, newest first")
    jobs.add_argument("--state", help="only queued, running, succeeded, failed, cancelled, unknown")
    jobs.add_argument("--limit", type=int, default=30)

    watch = add("watch", _watch_jobs, "follow jobs until they end")
    watch.add_argument("job", nargs="*", help="ids; none: all that are queued or running")

    add("cancel", _cancel_jobs, "cancel jobs").add_argument("job", nargs="+")

    resolve = add("resolve-job", _resolve_job, "say what became of a job whose outcome is unknown")
    resolve.add_argument("job", help="the id")
    resolve.add_argument(
        "outcome",
        choices=("not_made", "made_elsewhere"),
        help="the provider did nothing; or it did the work, and takes its price",
    )
    resolve.add_argument("text", help="how it was found out")

    outbox = add("outbox", _show_outbox, "requests that have not reached the gateway yet")
    outbox.add_argument("--send", action="store_true", help="send them now")


def _list_services(context: CommandContext) -> int:
    services = context.client.services()
    blocks = []
    for service in services:
        lines = [f"{service.id}  {service.title} ({service.data_locality})"]
        lines += [] if service.available else [f"    not available: {service.unavailable_reason}"]
        lines.append(f"    {service.summary}")
        lines += [f"    -p {_format_parameter(item)}" for item in service.parameters]
        blocks.append("\n".join(lines))
    context.output.print_result(services, "\n\n".join(blocks))
    return 0


def _format_parameter(parameter: Any) -> str:
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


def _send_shots(context: CommandContext) -> int:
    service = _find_service(context, context.arguments.service)
    requests = [_build_request(context, shot, service) for shot in load_shots(context)]
    if context.arguments.quote:
        return _print_quotes(context, requests)
    jobs, errors = submit_all(context, requests)
    if context.arguments.no_wait:
        text = "\n".join(f"{short_id(job.id)}  {job.request.shot.id}" for job in jobs)
        context.output.print_result(jobs, text)
        code = 0
    else:
        code = report_jobs(context, follow_jobs(context, jobs))
    for error in errors:
        context.output.print_error(error)
    return errors[0].exit_code if errors else code


def _find_service(context: CommandContext, service_id: str) -> Service | None:
    """The service; None where no gateway answers, which then checks the request later.

    :raises UnknownService: the gateway has no such service.
    """
    from bridge_core.errors import GatewayUnreachable, UnknownService

    try:
        services = context.client.services()
    except GatewayUnreachable:
        if context.arguments.quote:
            raise
        return None
    for service in services:
        if service.id == service_id:
            return service
    next_step = f"the gateway offers: {', '.join(s.id for s in services) or 'none'}"
    raise UnknownService(f"there is no service {service_id!r}", next_step=next_step)


def _build_request(context: CommandContext, shot: Shot, service: Service | None) -> Request:
    from pydantic import ValidationError

    from bridge_core.models.base import validation_error
    from bridge_core.models.requests import OutputFormat, Request
    from bridge_core.models.services import resolve_parameters

    arguments = context.arguments
    pairs = map(parse_key_value, arguments.parameter)
    parameters = {name: _parse_scalar(text) for name, text in pairs}
    if service is not None:
        resolve_parameters(service, parameters)
    try:
        return Request(
            shot=shot,
            service=arguments.service,
            parameters=parameters,
            note=arguments.note,
            regions=matte_regions(arguments, shot),
            output_format=OutputFormat(arguments.output_format),
            test_frames=parse_frames(arguments.test_frames) if arguments.test_frames else (),
        )
    except ValidationError as error:
        raise validation_error(error, label="request", where=str(shot.id)) from error


def _parse_scalar(text: str) -> Any:
    """A parameter's value as YAML reads it: a number, true or false, or text."""
    from bridge_core.config.bounded_yaml import parse_value

    value = parse_value(text)
    return value if isinstance(value, bool | int | float) else text


def _print_quotes(context: CommandContext, requests: Sequence[Request]) -> int:
    quotes = context.client.quote(requests)
    rows = [
        (
            request.shot.id.shot,
            quote.frames,
            format_duration(quote.seconds) or "not known yet",
            quote.cost or "not known",
            quote.data_locality or "",
            "yes" if quote.allowed else f"no: {quote.reason}",
        )
        for request, quote in zip(requests, quotes, strict=True)
    ]
    headers = ("shot", "frames", "takes", "costs", "goes to", "allowed")
    context.output.print_result(quotes, format_table(headers, rows))
    return 0


def submit_all(
    context: CommandContext, requests: Sequence[Request]
) -> tuple[list[Job], list[ShotbridgeError]]:
    """Submit every request; the jobs, and the errors of requests that failed.

    An error in one shot does not stop the others. Once the gateway is unreachable, the remaining
    requests go to the outbox without another attempt.
    """
    from bridge_core.errors import GatewayUnreachable

    jobs: list[Job] = []
    errors: list[ShotbridgeError] = []
    is_offline = False
    for request in requests:
        if is_offline:
            context.client.outbox.add(request, requested_by=context.client.user)
            context.output.print_message(f"{request.shot.id.shot}  stored in the outbox")
            continue
        bar = context.output.progress_bar(f"{request.shot.id.shot}  sending")
        try:
            jobs.append(context.client.submit(request, progress=bar.update_bytes))
        except ShotbridgeError as error:
            bar.finish(error.message)
            errors.append(error)
            is_offline = isinstance(error, GatewayUnreachable)
        else:
            bar.finish(f"accepted as job {short_id(jobs[-1].id)}")
    return jobs, errors


def follow_jobs(context: CommandContext, jobs: Sequence[Job]) -> list[Job]:
    """Show the progress of jobs until all have ended; the jobs as they ended, in the same order.

    A job's warnings are printed as soon as they are known.
    """
    bars: dict[str, ProgressBar] = {}
    warned: set[str] = set()

    def print_warnings(job: Job) -> None:
        if job.warnings and job.id not in warned:
            warned.add(job.id)
            for warning in job.warnings:
                context.output.print_message(f"{job.request.shot.id.shot}: {warning}")

    def on_event(event: Event) -> None:
        job = event.job
        if job is None:
            return
        print_warnings(job)
        title = f"{job.request.shot.id.shot}  {job.request.service}"
        bar = bars.setdefault(job.id, context.output.progress_bar(title))
        if job.state.ended:
            bar.finish(_format_outcome(job))
        elif job.state == "queued":
            bar.update(0, 1, f"queued, {job.queue_position or 0} before it")
        else:
            percent = round(100 * (job.progress.completed or 0))
            bar.update(percent, 100, _format_progress(job.progress))

    ended = context.client.wait([job.id for job in jobs], on_event=on_event)
    for job in ended:
        print_warnings(job)
    return ended


def _format_progress(progress: JobProgress) -> str:
    """Step, how far it is, time left and the provider's message, as far as they are known."""
    remaining = format_duration(progress.seconds_left)
    if progress.total:
        extent = f"{progress.done} of {progress.total}"
    else:
        extent = "" if progress.completed is None else f"{progress.completed:.0%}"
    parts = (progress.step, extent, f"{remaining} left" if remaining else "", progress.message)
    return "  ".join(filter(None, parts)) or "running"


def _format_outcome(job: Job) -> str:
    if job.problem:
        return f"{job.state}: {job.problem.message}"
    if job.started and job.finished:
        took = format_duration((job.finished - job.started).total_seconds())
        return f"{job.state} in {took}"
    return str(job.state)


def report_jobs(context: CommandContext, jobs: Sequence[Job]) -> int:
    """Print how jobs ended, and return the exit code."""
    context.output.print_result(jobs, format_outcomes(jobs))
    for job in jobs:
        if job.problem and job.problem.next_step:
            context.output.print_message(f"{job.request.shot.id.shot}: {job.problem.next_step}")
    return jobs_exit_code(jobs)


def format_outcomes(jobs: Sequence[Job]) -> str:
    """How each job ended, as a table."""
    rows = [
        (short_id(job.id), job.request.shot.id.shot, job.request.service, _format_outcome(job))
        for job in jobs
    ]
    return format_table(("job", "shot", "service", "result"), rows)


def jobs_exit_code(jobs: Sequence[Job]) -> int:
    """0 only if all jobs succeeded."""
    from bridge_core.errors import JobCancelled, JobFailed

    if all(job.state == "succeeded" for job in jobs):
        return 0
    cancelled = all(job.state in ("succeeded", "cancelled") for job in jobs)
    return JobCancelled.exit_code if cancelled else JobFailed.exit_code


def _list_jobs(context: CommandContext) -> int:
    options = context.arguments
    jobs = context.client.jobs(show=options.show, state=options.state, limit=options.limit)
    rows = [
        (
            short_id(job.id),
            job.request.shot.id,
            job.request.service,
            job.state,
            f"{job.progress.done} of {job.progress.total}" if job.progress.total else "",
            f"{job.created:%Y-%m-%d %H:%M}",
            job.requested_by,
        )
        for job in jobs
    ]
    headers = ("job", "shot", "service", "state", "frames", "created", "by")
    context.output.print_result(jobs, format_table(headers, rows) or "no jobs")
    return 0


def _watch_jobs(context: CommandContext) -> int:
    jobs = [context.client.job(context.job_id(prefix)) for prefix in context.arguments.job]
    if not jobs:
        jobs = [*context.client.jobs(state="running"), *context.client.jobs(state="queued")]
    if not jobs:
        context.output.print_result([], "nothing is queued or running")
        return 0
    return report_jobs(context, follow_jobs(context, jobs))


def _cancel_jobs(context: CommandContext) -> int:
    ids = [context.job_id(prefix) for prefix in context.arguments.job]
    jobs = [context.client.cancel(job_id) for job_id in ids]
    context.output.print_result(jobs, "\n".join(f"{short_id(job.id)}  {job.state}" for job in jobs))
    return 0


def _resolve_job(context: CommandContext) -> int:
    from bridge_core.models.jobs import JobOutcome, Resolution

    arguments = context.arguments
    outcome = JobOutcome(arguments.outcome)
    resolution = Resolution(outcome=outcome, text=arguments.text)
    job = context.client.resolve_job(context.job_id(arguments.job), resolution)
    context.output.print_result(job, f"{short_id(job.id)}  {job.state}")
    return 0


def _show_outbox(context: CommandContext) -> int:
    if context.arguments.send:
        jobs = context.client.flush()
        context.output.print_message(f"{len(jobs)} sent")
    entries = context.client.outbox.entries()
    rows = [
        (e.key, e.request.shot.id, e.request.service, f"{e.created:%Y-%m-%d %H:%M}", e.requested_by)
        for e in entries
    ]
    table = format_table(("key", "shot", "service", "accepted", "by"), rows)
    context.output.print_result(entries, table or "empty")
    return 0

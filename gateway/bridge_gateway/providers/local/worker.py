"""Main module of a model process. Networks stay loaded from one job to the next.

Started as ``python -m bridge_gateway.providers.local.worker``.
"""

from __future__ import annotations

import traceback

from bridge_core.errors import ModelCrashed, ShotbridgeError
from bridge_core.models.problems import Problem
from bridge_gateway.providers.local.local_task import LocalTask, TaskFinished
from bridge_gateway.providers.local.task_runner import LocalTaskRunner
from bridge_gateway.workers import child_main
from bridge_gateway.workers.messages import FrameDone, TaskFailed


def main() -> None:
    runner = LocalTaskRunner()
    child_main.serve_tasks(
        lambda text, channel: _run_task(LocalTask.model_validate_json(text), runner, channel),
    )


def _run_task(
    task: LocalTask, runner: LocalTaskRunner, channel: child_main.MessageChannel
) -> TaskFinished | TaskFailed:
    try:
        result = runner.run(task, lambda frame: channel.send(FrameDone(frame=frame)))
    except ShotbridgeError as error:
        return TaskFailed(problem=Problem.from_error(error), is_reusable=True)
    except Exception as error:
        traceback.print_exc()
        crash = ModelCrashed(
            f"the model process failed unexpectedly: {type(error).__name__}: {error}",
            where=f"job {task.job_id}, service {task.service}",
            next_step="send the job again; if this happens again, report it with the gateway's "
            "log, which holds the traceback",
        )
        return TaskFailed(problem=Problem.from_error(crash), is_reusable=False)
    return TaskFinished(result=result)


if __name__ == "__main__":
    main()

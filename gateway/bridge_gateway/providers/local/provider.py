"""The local provider: keeps the contract, and lets model processes do the work."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from bridge_core.errors import JobCancelled, ModelCrashed, UnknownService, spell
from bridge_core.models.services import Service
from bridge_core.models.settings import GatewaySettings
from bridge_gateway.providers.contract import Made, Task, Watch
from bridge_gateway.providers.local import services
from bridge_gateway.providers.local.recipe import Finished, Recipe, answer
from bridge_gateway.workers.messages import Failed, FrameDone, line
from bridge_gateway.workers.pool import Pool, share_of_cores
from bridge_gateway.workers.process import ChildProcess, Died

log = logging.getLogger(__name__)

#: How soon a cancellation is noticed.
_LOOK_SECONDS = 0.1


class LocalProvider:
    """Runs the services of :mod:`.services` in child processes of this machine.

    Several jobs may run at once, each in a process of its own, up to ``settings.workers``.
    """

    id = services.PROVIDER

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._threads = settings.threads or share_of_cores(settings.workers)
        self._pool = Pool(
            "bridge_gateway.providers.local.worker",
            name="model",
            workers=settings.workers,
            threads=self._threads,
            idle_seconds=settings.model_idle_seconds,
        )

    def services(self) -> tuple[Service, ...]:
        return services.offered(self._settings.models_dir)

    def run(self, task: Task, watch: Watch) -> Made:
        """Make the task's frames; see :class:`bridge_gateway.providers.contract.Provider`.

        A process that dies is replaced once, and the work goes on at the first unfinished frame.

        :raises ModelCrashed: it died again, or the network failed in a way nobody foresaw.
        :raises ModelMissing: weights that are not installed, or not as they were published.
        """
        if task.service not in services.IDS:
            raise UnknownService(
                f"the local provider has no service {task.service!r}",
                where=f"job {task.job}",
                next_step=f"it has: {', '.join(services.IDS)}",
            )
        recipe = Recipe.of(task, self._settings, threads=self._threads)
        progress = _Progress(recipe, watch)
        progress.tell_standing()
        try:
            return self._run_once(recipe, watch, progress)
        except Died as first:
            progress.tell_standing()
            log.warning(
                "the model process of job %s ended by %s; another one goes on at frames %s",
                *(task.job, first.how, spell(recipe.unfinished())),
            )
        try:
            return self._run_once(recipe, watch, progress)
        except Died as second:
            raise _crashed(recipe, second) from None

    def close(self) -> None:
        self._pool.close()

    def _run_once(self, recipe: Recipe, watch: Watch, progress: _Progress) -> Made:
        with self._pool.lease(watch.cancelled) as process:
            process.send(line(recipe))
            outcome = self._follow(process, watch, progress)
            if isinstance(outcome, Failed) and not outcome.fit:
                process.kill()
        if isinstance(outcome, Failed):
            raise outcome.problem.error()
        return outcome.made

    def _follow(
        self, process: ChildProcess, watch: Watch, progress: _Progress
    ) -> Finished | Failed:
        while True:
            if watch.cancelled():
                raise JobCancelled("the job was cancelled while it was being worked on")
            text = process.receive(_LOOK_SECONDS)
            if text is None:
                continue
            message = answer(text)
            if not isinstance(message, FrameDone):
                return message
            progress.tell((message.frame,))


class _Progress:
    """Tells of each frame once, however often its job is taken up again."""

    def __init__(self, recipe: Recipe, watch: Watch) -> None:
        self._recipe = recipe
        self._watch = watch
        self._told: set[int] = set()

    def tell_standing(self) -> None:
        """Of frames that are finished on disk: by an earlier attempt, or by a process that died
        before it could say so."""
        self.tell(sorted(set(self._recipe.frames) - set(self._recipe.unfinished())))

    def tell(self, frames: Iterable[int]) -> None:
        for frame in frames:
            if frame not in self._told:
                self._told.add(frame)
                self._watch.frame_done(frame)


def _crashed(recipe: Recipe, died: Died) -> ModelCrashed:
    unfinished = recipe.unfinished()
    at = f"frame {unfinished[0]}" if unfinished else "the end of the job"
    killed = died.how == "signal SIGKILL"
    return ModelCrashed(
        f"the model process was ended by {died.how} at {at}, twice",
        where=f"job {recipe.job}, service {recipe.service}",
        next_step=(
            "the machine most likely ran out of memory: close other programs, or set "
            "gateway.workers lower, and send the job again; finished frames are kept"
            if killed
            else "send the job again; if it happens again, add the gateway's log to a bug report"
        ),
        details={"ended_by": died.how, "unfinished": list(unfinished), "last_output": died.last},
    )

"""Main of a model process. Networks stay loaded from one job to the next.

Started as ``python -m bridge_gateway.providers.local.worker``.
"""

from __future__ import annotations

import traceback

from bridge_core.errors import ModelCrashed, ShotbridgeError
from bridge_core.models.problems import Problem
from bridge_gateway.providers.local.recipe import Finished, Recipe
from bridge_gateway.providers.local.work import Workbench
from bridge_gateway.workers import child
from bridge_gateway.workers.messages import Failed, FrameDone


def main() -> None:
    workbench = Workbench()
    child.run(
        lambda text, channel: _do(Recipe.model_validate_json(text), workbench, channel),
    )


def _do(recipe: Recipe, workbench: Workbench, channel: child.Channel) -> Finished | Failed:
    try:
        made = workbench.make(recipe, lambda frame: channel.say(FrameDone(frame=frame)))
    except ShotbridgeError as error:
        return Failed(problem=Problem.of(error), fit=True)
    except Exception as error:
        traceback.print_exc()
        crash = ModelCrashed(
            f"the model process met an error that it does not know: {type(error).__name__}: "
            f"{error}",
            where=f"job {recipe.job}, service {recipe.service}",
            next_step="send the job again; if it happens again, the gateway's log holds the "
            "traceback that a bug report needs",
        )
        return Failed(problem=Problem.of(crash), fit=False)
    return Finished(made=made)


if __name__ == "__main__":
    main()

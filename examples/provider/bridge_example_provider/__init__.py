"""An example of a provider: exposure, frame by frame, with OpenImageIO."""

from __future__ import annotations

from decimal import Decimal

import OpenImageIO as oiio

from bridge_core.errors import JobCancelled, NotWritable, ProviderRefused, UnreadableMedia
from bridge_core.models.frames import FrameRange
from bridge_core.models.services import (
    DataLocality,
    NumberParameter,
    Pricing,
    PricingUnit,
    Service,
    ServiceCapabilities,
    ServiceLimits,
)
from bridge_core.models.settings import GatewaySettings
from bridge_core.models.versions import ResultOutput
from bridge_gateway.providers.base import FrameProvider, ProviderTask, TaskMonitor, TaskResult

EXPOSURE = Service(
    id="exposure",
    title="Exposure",
    summary="Makes linear pictures brighter or darker.",
    provider="example",
    data_locality=DataLocality.LOCAL,
    parameters=(
        NumberParameter(name="stops", title="Stops", default=1, minimum=-8, maximum=8, step=0.25),
    ),
    limits=ServiceLimits(formats=("exr",)),
    capabilities=ServiceCapabilities(cancel=True, progress=True),
    pricing=Pricing(unit=PricingUnit.FRAME, amount=Decimal("0.01")),
)


class ExampleProvider(FrameProvider):
    id = "example"

    def list_services(self) -> tuple[Service, ...]:
        return (EXPOSURE,)

    def run(self, task: ProviderTask, monitor: TaskMonitor) -> TaskResult:
        if task.service != EXPOSURE.id:
            raise ProviderRefused(
                f"there is no service {task.service!r}",
                where="provider example",
                next_step="choose another service",
            )
        gain = 2.0 ** float(task.parameters["stops"])
        for frame in task.frames:
            if monitor.cancelled():
                raise JobCancelled("the job was cancelled", where=task.job_id)
            target = task.folder / f"main.{frame:04d}.exr"
            if not target.exists():  # made by an earlier run, before a kill
                self._expose(task, frame, gain)
            monitor.frame_done(frame)
        spec = oiio.ImageBuf(str(task.folder / f"main.{task.frames[0]:04d}.exr")).spec()
        main = ResultOutput(
            name="main",
            pattern="main.%04d.exr",
            range=FrameRange.of(task.frames[0], task.frames[-1], task.plate.range.rate),
            colour_space=task.colour_space,
            width=spec.full_width,
            height=spec.full_height,
            pixel_aspect=spec.get_float_attribute("PixelAspectRatio", 1.0),
            channels=tuple(spec.channelnames),
            depth="half",
        )
        return TaskResult(outputs=(main,), software={"OpenImageIO": oiio.VERSION_STRING})

    def _expose(self, task: ProviderTask, frame: int, gain: float) -> None:
        """Write a frame; it gets its name once it is complete."""
        picture = oiio.ImageBuf(str(task.files[frame]))
        factors = [gain if name in "RGB" else 1.0 for name in picture.spec().channelnames]
        brighter = oiio.ImageBufAlgo.mul(picture, factors)
        if brighter.has_error:
            raise UnreadableMedia(brighter.geterror(), where=str(task.files[frame]))
        partial = task.folder / f".partial-{frame}.exr"
        if not brighter.write(str(partial), oiio.HALF):
            raise NotWritable(brighter.geterror(), where=str(partial))
        partial.rename(task.folder / f"main.{frame:04d}.exr")


def create_provider(settings: GatewaySettings) -> ExampleProvider:
    """What the entry point names. A provider with keys or addresses reads them here."""
    return ExampleProvider()

"""The services of the local provider. ``docs/services.md`` describes them for directors."""

from __future__ import annotations

from pathlib import Path

from bridge_core.errors import ModelMissing
from bridge_core.models.services import (
    ChoiceParameter,
    DataLocality,
    NumberParameter,
    Parameter,
    ParameterChoice,
    Service,
)
from bridge_gateway.inference.model_store import require_installed

PROVIDER_ID = "local"
UPSCALE, MATTE, ROUND_TRIP = SERVICE_IDS = ("upscale", "matte", "round_trip")

#: Value of the parameter ``model`` -> id in the model catalogue.
UPSCALE_MODELS = {"span": "span-x2", "stylised": "realesr-animevideo-x4"}
MATTE_MODEL = "u2netp"

PASSTHROUGH, COLOUR_ROUND_TRIP = "passthrough", "colour_round_trip"


def list_services(models_dir: Path) -> tuple[Service, ...]:
    """The three services; one whose weights are missing or changed is not available."""
    return (
        _build_service(
            UPSCALE,
            "Upscale",
            "Larger pictures with detail from a neural network. Highlights, alpha and other "
            "layers are kept.",
            (_UPSCALE_MODEL,),
            tuple(UPSCALE_MODELS.values()),
            models_dir,
        ),
        _build_service(
            MATTE,
            "Matte",
            "A matte of the most prominent subject, as a separate sequence and as the alpha of "
            "the plate.",
            _MATTE_PARAMETERS,
            (MATTE_MODEL,),
            models_dir,
        ),
        _build_service(
            ROUND_TRIP,
            "Round trip",
            "Changes nothing: verifies that frames, colour, layers and metadata come back.",
            (_ROUND_TRIP_MODE,),
            (),
            models_dir,
        ),
    )


def _build_service(
    service: str,
    title: str,
    summary: str,
    parameters: tuple[Parameter, ...],
    models: tuple[str, ...],
    models_dir: Path,
) -> Service:
    reason = _unavailable_reason(models_dir, models)
    return Service(
        id=service,
        title=title,
        summary=summary,
        provider=PROVIDER_ID,
        data_locality=DataLocality.LOCAL,
        parameters=parameters,
        model_ids=models,
        available=not reason,
        unavailable_reason=reason,
    )


def _unavailable_reason(models_dir: Path, models: tuple[str, ...]) -> str:
    for model in models:
        try:
            require_installed(models_dir, model)
        except ModelMissing as error:
            return str(error)
    return ""


_UPSCALE_MODEL = ChoiceParameter(
    name="model",
    title="Model",
    help="The network that adds the detail.",
    default="span",
    choices=(
        ParameterChoice(value="span", title="2x, natural", help="SPAN: live action and animation."),
        ParameterChoice(
            value="stylised",
            title="4x, clean, animation",
            help="Real-ESRGAN animevideo: smooths surfaces; not for faces.",
        ),
    ),
)
_MATTE_PARAMETERS = (
    NumberParameter(
        name="threshold",
        title="Threshold",
        help="How confident the network must be for a pixel to be half covered. Lower includes "
        "more.",
        default=0.5,
        minimum=0.0,
        maximum=1.0,
        step=0.05,
    ),
    NumberParameter(
        name="softness",
        title="Softness",
        help="Width of the transition around the threshold; 0 is a hard matte.",
        default=1.0,
        minimum=0.0,
        maximum=1.0,
        step=0.05,
    ),
)
_ROUND_TRIP_MODE = ChoiceParameter(
    name="mode",
    title="Mode",
    help="Which steps the pictures go through.",
    default=PASSTHROUGH,
    choices=(
        ParameterChoice(
            value=PASSTHROUGH,
            title="Files only",
            help="Pictures are read and written. OpenEXR comes back bit for bit.",
        ),
        ParameterChoice(
            value=COLOUR_ROUND_TRIP,
            title="Colour round trip",
            help="Pictures are also converted to the networks' colour space and back.",
        ),
    ),
)

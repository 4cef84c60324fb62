"""The stubs of DaVinci Resolve's scripting API, read from ``fusionscript-stubs`` 21.0.0 and
corrected by hand where they differ from the API. Each change has its source.

Code that passes "conforms to the stubs of 21.0.0"; it was not tested in Resolve.
"""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

from stubs import Stubs

_LEDGER = "github.com/samuelgursky/davinci-resolve-mcp src/utils/api_truth.py, measured on Studio"
_README = "README.txt of the scripting API, 8 May 2026, as quoted in the stubs' docstrings"


def _file() -> Path:
    return Path(str(distribution("fusionscript-stubs").locate_file("fusionscript-stubs"))) / (
        "fusionscript.pyi"
    )


def _constants() -> dict[str, object]:
    """A unique number for each constant, so that its name as a string is refused (Resolve rejects
    that silently: ledger, Timeline.Export)."""
    names = Stubs(_file()).classes["Resolve"].attributes
    return {f"Resolve.{name}": float(number) for number, name in enumerate(names, 1000)}


def _all_keys_optional(name: str, source: str) -> None:
    known = STUBS.classes[name]
    assert known.keys
    known.optional = frozenset(known.keys)
    STUBS.tightened[name] = source


STUBS = Stubs(_file(), optional_may_be_left_out=True, constants=_constants())

_all_keys_optional("RenderSettings", f"{_README}: 'a dict, with support for the keys'")
_all_keys_optional("TimelineImportOptions", f"{_README}: 'optional importOptions dict'")
_all_keys_optional("NewTrackOptions", f"{_README}: 'index' and 'audiotype' may be skipped")
STUBS.tighten(
    "class Timeline:\n"
    "    @overload\n"
    "    def AddTrack(self, trackType: TrackType, subTrackType: Optional[str]) -> bool: ...\n"
    "    @overload\n"
    "    def AddTrack(self, trackType: TrackType, newTrackOptions: NewTrackOptions) -> bool: ...\n",
    source=f"{_README}: subTrackType is optional and for audio; newTrackOptions",
)
STUBS.tighten(
    "class TimelineItem:\n"
    "    def GetStart(self, subframe_precision: Optional[bool]) -> int | float: ...\n"
    "    def GetEnd(self, subframe_precision: Optional[bool]) -> int | float: ...\n"
    "    def GetDuration(self, subframe_precision: Optional[bool]) -> int | float: ...\n"
    "    def GetLeftOffset(self, subframe_precision: Optional[bool]) -> int | float: ...\n"
    "    def GetRightOffset(self, subframe_precision: Optional[bool]) -> int | float: ...\n",
    source=f"{_LEDGER} 19.1.3 and 21.0.4: called without an argument throughout",
)
STUBS.tighten(
    "class MediaPool:\n"
    "    def ImportTimelineFromFile(self, filePath: str, "
    "importOptions: Optional[TimelineImportOptions]) -> Timeline | None: ...\n",
    source=f"{_README}: 'optional importOptions dict'; {_LEDGER} 19.1.3: None for a failure",
)
STUBS.tighten(
    "def scriptapp(name: Literal['Resolve']) -> Resolve | None: ...\n",
    source="DaVinciResolveScript.py as shipped; the stubs have no functions",
)

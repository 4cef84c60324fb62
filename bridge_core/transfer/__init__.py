"""Moves files between this machine and the gateway: only what is needed, resumable, verified."""

from bridge_core.transfer.crew import Progress
from bridge_core.transfer.download import fetch
from bridge_core.transfer.looking import Looker
from bridge_core.transfer.upload import stage

__all__ = ["Looker", "Progress", "fetch", "stage"]

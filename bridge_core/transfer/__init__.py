"""Transfers files to and from the gateway: only those needed, resumable, verified."""

from bridge_core.transfer.download import fetch
from bridge_core.transfer.plate_inspector import PlateInspector
from bridge_core.transfer.transfer_pool import ProgressCallback
from bridge_core.transfer.upload import prepare_submission

__all__ = ["PlateInspector", "ProgressCallback", "fetch", "prepare_submission"]

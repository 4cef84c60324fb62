"""Colour tags of video streams: the codes of ITU-T H.273 (CICP), which every container uses."""

from __future__ import annotations

from typing import NamedTuple

from bridge_gateway.media import yuv
from bridge_gateway.media.colour import ColourTag

UNSPECIFIED = 2
BT709 = 1
_RGB, _BT601, _BT2020 = 0, 6, 9

_PRIMARIES = {
    1: "Rec.709",
    4: "BT.470M",
    5: "BT.601 625",
    6: "BT.601 525",
    7: "SMPTE 240M",
    8: "film",
    9: "BT.2020",
    10: "XYZ",
    11: "P3-DCI",
    12: "P3-D65",
    22: "EBU 3213-E",
}
_TRANSFERS = {
    1: "Rec.709",
    4: "gamma 2.2",
    5: "gamma 2.8",
    6: "BT.601",
    7: "SMPTE 240M",
    8: "linear",
    11: "xvYCC",
    13: "sRGB",
    14: "BT.2020",
    15: "BT.2020",
    16: "PQ",
    17: "SMPTE 428",
    18: "HLG",
}
#: Transfers of video that is graded on a Rec.1886 display. The code describes a camera's encoding,
#: whose inverse is not how the video is viewed.
_CAMERA_TRANSFERS = frozenset({1, 6, 14, 15})
#: Names of transfer and primaries in ids of the Color Interop Forum, as in ``pq_rec2020_display``.
_INTEROP_PRIMARIES = {1: "rec709", 9: "rec2020", 12: "p3d65"}
_INTEROP_TRANSFERS = {4: "g22", 8: "lin", 13: "srgb", 16: "pq", 18: "hlg"}


class CicpCodes(NamedTuple):
    """Codes of H.273 for colour primaries, transfer characteristics and matrix coefficients."""

    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    matrix: int = UNSPECIFIED

    @property
    def colour_tag(self) -> ColourTag | None:
        """The colour of the pictures as R'G'B'; None if the codes specify nothing.

        The matrix describes the storage only. If just one of primaries and transfer is tagged,
        Rec.709 is assumed for the other.
        """
        if {self.primaries, self.transfer} <= {0, UNSPECIFIED, 3}:
            return None
        primaries = _PRIMARIES.get(self.primaries, "unspecified primaries")
        transfer = _TRANSFERS.get(self.transfer, "unspecified transfer")
        name = primaries if primaries == transfer else f"{transfer}, {primaries}"
        return ColourTag(
            f"{name} (H.273 codes {'/'.join(map(str, self))})", self._matching_spaces()
        )

    def for_writing(self, width: int, height: int) -> CicpCodes:
        """The tags of a movie that is written from pictures of this size with these tags.

        The matrix is always tagged: an untagged one becomes the matrix it is read with, and RGB,
        which has none, gets the matrix of its primaries.
        """
        matrix = self.matrix
        if matrix == UNSPECIFIED:
            matrix = BT709 if yuv.matrix_of(matrix, width, height) is yuv.BT709 else _BT601
        elif matrix == _RGB:
            matrix = _BT2020 if self.primaries == _BT2020 else BT709
        return self._replace(matrix=matrix)

    def _matching_spaces(self) -> tuple[str, ...]:
        primaries = BT709 if self.primaries == UNSPECIFIED else self.primaries
        transfer = BT709 if self.transfer == UNSPECIFIED else self.transfer
        gamut = _INTEROP_PRIMARIES.get(primaries)
        if gamut is None:
            return ()
        if transfer in _CAMERA_TRANSFERS:
            # Rec.709 read with the camera's encoding matches its tag too.
            camera = ("ocio:itu709_rec709_scene",) if primaries == BT709 else ()
            return (f"g24_{gamut}_display", f"g24_{gamut}_scene", *camera)
        curve = _INTEROP_TRANSFERS.get(transfer)
        if curve is None:
            return ()
        return (f"{curve}_{gamut}_display", f"{curve}_{gamut}_scene")

"""What a video stream says of its colour: the codes of ITU-T H.273, which every container uses."""

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
#: Transfers of video that is graded on a Rec.1886 display: it says how cameras encode, and the
#: inverse of it is not how anybody looks at it.
_CAMERA_TRANSFERS = frozenset({1, 6, 14, 15})
#: Names of transfer and primaries in the ids of the Color Interop Forum, ``pq_rec2020_display``.
_INTEROP_PRIMARIES = {1: "rec709", 9: "rec2020", 12: "p3d65"}
_INTEROP_TRANSFERS = {4: "g22", 8: "lin", 13: "srgb", 16: "pq", 18: "hlg"}


class CicpCodes(NamedTuple):
    """Codes of H.273 for colour primaries, transfer characteristics and matrix coefficients."""

    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    matrix: int = UNSPECIFIED

    @property
    def colour_tag(self) -> ColourTag | None:
        """What they say of the pictures' colour once these are R'G'B'; None for nothing.

        The matrix says how pictures are stored, and nothing of their colour. Where only one of
        primaries and transfer is tagged, Rec.709 agrees with it if it is Rec.709's.
        """
        if {self.primaries, self.transfer} <= {0, UNSPECIFIED, 3}:
            return None
        primaries = _PRIMARIES.get(self.primaries, "unspecified primaries")
        transfer = _TRANSFERS.get(self.transfer, "unspecified transfer")
        words = primaries if primaries == transfer else f"{transfer}, {primaries}"
        return ColourTag(
            f"{words} (H.273 codes {'/'.join(map(str, self))})", self._matching_spaces()
        )

    def for_writing(self, width: int, height: int) -> CicpCodes:
        """The tags of a movie whose pictures are those of one with these tags, of this size.

        The matrix is always tagged: an untagged one is what it is read as, and RGB, which has none,
        is stored by that of its primaries.
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
            # Read as the camera encodes, Rec.709 agrees with its tag just as well.
            camera = ("ocio:itu709_rec709_scene",) if primaries == BT709 else ()
            return (f"g24_{gamut}_display", f"g24_{gamut}_scene", *camera)
        curve = _INTEROP_TRANSFERS.get(transfer)
        if curve is None:
            return ()
        return (f"{curve}_{gamut}_display", f"{curve}_{gamut}_scene")

"""The contact sheet: for each shot the plate and the version, whole and enlarged."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import OpenImageIO as oiio
from numpy.typing import NDArray
from pydantic import Field

from bridge_core.errors import NotWritable
from bridge_core.models.base import StoredModel, StrictModel
from bridge_core.models.settings import ColourSettings
from bridge_gateway.media.colour import ColourManager
from bridge_gateway.media.picture_reader import read_picture

Pixels = NDArray[np.uint8]

#: The panel's colours.
BACKGROUND = (22, 23, 26)
CARD_BACKGROUND = (32, 34, 38)
TEXT_COLOUR = (232, 234, 237)
MUTED_TEXT_COLOUR = (139, 145, 153)
ACCENT_COLOUR = (95, 168, 207)
APPROVED_COLOUR = (126, 196, 140)

WIDTH = 1920
MARGIN = 48
GUTTER = 12
HEADER = 120
CAPTION = 60


class DemoSheetRow(StrictModel):
    """One shot on the contact sheet."""

    shot: str
    caption: str
    """Service, version, frames: the line below the shot's name."""
    status: str
    frame: int
    plate: Path
    result: Path
    colour_space: str
    """Colour space of both."""
    matte: Path | None = None


class DemoSheet(StoredModel):
    """A contact sheet, shown with ``view`` of the default display."""

    title: ClassVar[str] = "contact sheet"

    heading: str
    subtitle: str
    view: str | None = None
    rows: tuple[DemoSheetRow, ...] = Field(min_length=1)

    @classmethod
    def read(cls, path: Path) -> DemoSheet:
        """
        :raises InvalidRequest: the file is not valid.
        """
        return cls.parse(path.read_bytes(), where=str(path))


def write_contact_sheet(path: Path, sheet: DemoSheet) -> None:
    """Draw the sheet as PNG.

    :raises UnreadableMedia: one of its pictures cannot be read.
    :raises NotWritable: the file cannot be written.
    """
    colour = ColourManager(ColourSettings(view=sheet.view))
    cards = [_draw_card(shot, colour) for shot in sheet.rows]
    gap = MARGIN // 2
    height = HEADER + sum(card.shape[0] + gap for card in cards) + gap
    canvas = np.empty((height, WIDTH, 3), np.uint8)
    canvas[:] = BACKGROUND
    top = HEADER
    for card in cards:
        canvas[top : top + card.shape[0], MARGIN : WIDTH - MARGIN] = card
        top += card.shape[0] + gap
    canvas = _draw_text(canvas, MARGIN, 62, sheet.heading, 34, TEXT_COLOUR, bold=True)
    canvas = _draw_text(canvas, MARGIN, 96, sheet.subtitle, 19, MUTED_TEXT_COLOUR)
    _write_png(path, canvas)


def _draw_card(shot: DemoSheetRow, colour: ColourManager) -> Pixels:
    inner = WIDTH - 2 * MARGIN
    plate = colour.to_display(read_picture(shot.plate).rgb(), shot.colour_space)
    # Two whole frames, then an enlarged part of each: squares as high as the frames.
    half = (inner - 5 * GUTTER) / (2 * plate.shape[1] / plate.shape[0] + 2)
    cell_height = int(half)
    cell_width = int(half * plate.shape[1] / plate.shape[0])
    if shot.matte is None:
        result = colour.to_display(read_picture(shot.result).rgb(), shot.colour_space)
        pictures = _upscale_pictures(plate, result)
        labels = ("plate", "version", "plate, closer", "version, closer")
    else:
        pictures = _matte_pictures(plate, shot.matte)
        labels = ("plate", "matte", "plate, closer", "over a plain background, closer")
    card = np.empty((CAPTION + cell_height + 2 * GUTTER + 8, inner, 3), np.uint8)
    card[:] = CARD_BACKGROUND
    card[:, :3] = ACCENT_COLOUR
    left = GUTTER + 3
    lefts = []
    widths = (cell_width, cell_width, cell_height, cell_height)
    for picture, width in zip(pictures, widths, strict=True):
        cell = _resize(picture, width, cell_height)
        card[CAPTION : CAPTION + cell_height, left : left + width] = cell
        lefts.append(left)
        left += width + GUTTER
    card = _draw_text(card, GUTTER + 6, 27, shot.shot, 22, TEXT_COLOUR, bold=True)
    card = _draw_text(card, GUTTER + 6, 48, shot.caption, 16, MUTED_TEXT_COLOUR)
    status_colour = APPROVED_COLOUR if shot.status == "approved" else MUTED_TEXT_COLOUR
    card = _draw_text(card, lefts[2], 27, shot.status, 18, status_colour, bold=True)
    card = _draw_text(card, lefts[2], 48, f"frame {shot.frame}", 16, MUTED_TEXT_COLOUR)
    bottom = CAPTION + cell_height - 10
    for left, label in zip(lefts, labels, strict=True):
        card = _draw_text(card, left + 8, bottom, label, 15, TEXT_COLOUR, shadow=True)
    return card


def _upscale_pictures(plate: Pixels, result: Pixels) -> tuple[Pixels, ...]:
    """Both whole, then the most detailed square of each; a host shows the plate filtered, too."""
    side = max(16, round(plate.shape[0] * 0.34))
    y, x = _most_detailed_square(plate, side)
    scale_y, scale_x = result.shape[0] / plate.shape[0], result.shape[1] / plate.shape[1]
    closer = result[
        round(y * scale_y) : round((y + side) * scale_y),
        round(x * scale_x) : round((x + side) * scale_x),
    ]
    return plate, result, plate[y : y + side, x : x + side], closer


def _matte_pictures(plate: Pixels, matte_path: Path) -> tuple[Pixels, ...]:
    """Both whole, then of the square with most of the matte's edge the plate, and what it cuts
    out."""
    matte = np.clip(read_picture(matte_path).rgb()[:, :, :1], 0, 1).astype(np.float32)
    matte_picture = np.repeat((matte * 255 + 0.5).astype(np.uint8), 3, axis=2)
    ground = np.array((46, 92, 116), np.float32)
    over = (plate * matte + ground * (1 - matte) + 0.5).astype(np.uint8)
    side = max(16, round(plate.shape[0] * 0.6))
    y, x = _most_detailed_square(matte_picture, side)
    part = np.s_[y : y + side, x : x + side]
    return plate, matte_picture, plate[part], over[part]


def _most_detailed_square(picture: Pixels, side: int) -> tuple[int, int]:
    """Row and column of the square with most detail, weighted towards the middle."""
    grey = picture.astype(np.float32).mean(axis=2)
    detail = np.zeros_like(grey)
    detail[:-1] += np.abs(np.diff(grey, axis=0))
    detail[:, :-1] += np.abs(np.diff(grey, axis=1))
    sums = np.pad(detail.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    windows = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    rows = np.abs(np.linspace(-1, 1, windows.shape[0]))[:, None]
    columns = np.abs(np.linspace(-1, 1, windows.shape[1]))[None, :]
    best = int(np.argmax(windows * (1.4 - rows) * (1.4 - columns)))
    return best // windows.shape[1], best % windows.shape[1]


def _buffer(pixels: Pixels) -> Any:
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], 3, oiio.UINT8)
    buffer = oiio.ImageBuf(spec)
    buffer.set_pixels(oiio.ROI(), np.ascontiguousarray(pixels))
    return buffer


def _resize(pixels: Pixels, width: int, height: int) -> Pixels:
    sized = oiio.ImageBufAlgo.resize(_buffer(pixels), roi=oiio.ROI(0, width, 0, height, 0, 1, 0, 3))
    return np.asarray(sized.get_pixels(oiio.UINT8), np.uint8)


def _draw_text(
    pixels: Pixels,
    x: int,
    y: int,
    text: str,
    size: int,
    colour: tuple[int, int, int],
    *,
    bold: bool = False,
    shadow: bool = False,
) -> Pixels:
    """Draw text with its baseline at ``y``, in the font that comes with OpenImageIO."""
    buffer = _buffer(pixels)
    font = "DroidSans-Bold" if bold else "DroidSans"
    ink = tuple(part / 255 for part in colour)
    oiio.ImageBufAlgo.render_text(buffer, x, y, text, size, font, ink, shadow=2 if shadow else 0)
    return np.asarray(buffer.get_pixels(oiio.UINT8), np.uint8)


def _write_png(path: Path, pixels: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = _buffer(pixels)
    if not buffer.write(str(path)):
        raise NotWritable(
            f"the contact sheet could not be written: {buffer.geterror()}",
            where=str(path),
            next_step="check that the folder can be written and the disk is not full",
        )

"""A contact sheet: for each shot the plate, what came back, and a closer look at both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from bridge_core.models.base import Stored, Value
from bridge_core.models.settings import ColourSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

#: The panel's own colours, so that sheet and panel look like one product.
GROUND = (22, 23, 26)
CARD = (32, 34, 38)
INK = (232, 234, 237)
FAINT = (139, 145, 153)
ACCENT = (95, 168, 207)
APPROVED = (126, 196, 140)

WIDTH = 1920
MARGIN = 48
GUTTER = 12
HEADER = 120
CAPTION = 60


class Row(Value):
    """One shot on the sheet."""

    shot: str
    words: str
    """Service, version, frames: the line below the shot's name."""
    status: str
    frame: int
    plate: Path
    result: Path
    space: str
    """Colour space of both."""
    matte: Path | None = None


class Sheet(Stored):
    """A whole sheet, seen through ``view`` of the default display."""

    title: str
    subtitle: str
    view: str | None = None
    rows: tuple[Row, ...] = Field(min_length=1)

    @classmethod
    def read(cls, path: Path) -> Sheet:
        """
        :raises InvalidRequest: the file is not a sheet.
        """
        return cls.load(path.read_bytes(), where=str(path))


def write_sheet(path: Path, sheet: Sheet) -> None:
    """Draw the sheet as PNG.

    :raises UnreadableMedia: one of its pictures.
    :raises NotWritable: the file cannot be written.
    """
    import numpy as np

    from bridge_gateway.media.colour import Colour

    colour = Colour(ColourSettings(view=sheet.view))
    cards = [_card(row, colour) for row in sheet.rows]
    gap = MARGIN // 2
    height = HEADER + sum(card.shape[0] + gap for card in cards) + gap
    canvas = np.empty((height, WIDTH, 3), np.uint8)
    canvas[:] = GROUND
    top = HEADER
    for card in cards:
        canvas[top : top + card.shape[0], MARGIN : WIDTH - MARGIN] = card
        top += card.shape[0] + gap
    canvas = _write(canvas, MARGIN, 62, sheet.title, 34, INK, bold=True)
    canvas = _write(canvas, MARGIN, 96, sheet.subtitle, 19, FAINT)
    _save(path, canvas)


def _card(row: Row, colour: Any) -> Pixels:
    import numpy as np

    inner = WIDTH - 2 * MARGIN
    plate = _seen(row.plate, row.space, colour)
    result = _seen(row.result, row.space, colour)
    # Two whole frames, then the closer look at both, each a square as high as the frames.
    half = (inner - 5 * GUTTER) / (2 * plate.shape[1] / plate.shape[0] + 2)
    tall = int(half)
    wide = int(half * plate.shape[1] / plate.shape[0])
    if row.matte is None:
        pictures = _upscale_pictures(plate, result, wide, tall)
        labels = ("plate", "version", "plate, closer", "version, closer")
    else:
        pictures = _matte_pictures(plate, row.matte, wide, tall)
        labels = ("plate", "matte", "plate, closer", "over a plain ground, closer")
    card = np.empty((CAPTION + tall + 2 * GUTTER + 8, inner, 3), np.uint8)
    card[:] = CARD
    card[:, :3] = ACCENT
    left = GUTTER + 3
    placed = []
    for picture in pictures:
        card[CAPTION : CAPTION + tall, left : left + picture.shape[1]] = picture
        placed.append(left)
        left += picture.shape[1] + GUTTER
    card = _write(card, GUTTER + 6, 27, row.shot, 22, INK, bold=True)
    card = _write(card, GUTTER + 6, 48, row.words, 16, FAINT)
    status_ink = APPROVED if row.status == "approved" else FAINT
    card = _write(card, placed[2], 27, row.status, 18, status_ink, bold=True)
    card = _write(card, placed[2], 48, f"frame {row.frame}", 16, FAINT)
    for x, label in zip(placed, labels, strict=True):
        card = _write(card, x + 8, CAPTION + tall - 10, label, 15, INK, shadow=True)
    return card


def _upscale_pictures(plate: Pixels, result: Pixels, wide: int, tall: int) -> list[Pixels]:
    side = max(16, round(plate.shape[0] * 0.34))
    y, x = _busiest(plate, side)
    scale_y, scale_x = result.shape[0] / plate.shape[0], result.shape[1] / plate.shape[1]
    closer = result[
        round(y * scale_y) : round((y + side) * scale_y),
        round(x * scale_x) : round((x + side) * scale_x),
    ]
    return [
        _fit(plate, wide, tall),
        _fit(result, wide, tall),
        # The plate as a host would show it enlarged: its own pixels, softly.
        _fit(plate[y : y + side, x : x + side], tall, tall),
        _fit(closer, tall, tall),
    ]


def _matte_pictures(plate: Pixels, matte_path: Path, wide: int, tall: int) -> list[Pixels]:
    import numpy as np

    from bridge_gateway.media.pictures import read_picture

    matte = np.clip(read_picture(matte_path).rgb()[:, :, :1], 0, 1).astype(np.float32)
    shown = np.repeat((matte * 255 + 0.5).astype(np.uint8), 3, axis=2)
    ground = np.array((46, 92, 116), np.float32)
    over = (plate * matte + ground * (1 - matte) + 0.5).astype(np.uint8)
    # Closer: the square that holds most of the matte's edge.
    side = max(16, round(plate.shape[0] * 0.6))
    y, x = _busiest(shown, side)
    part = np.s_[y : y + side, x : x + side]
    return [
        _fit(plate, wide, tall),
        _fit(shown, wide, tall),
        _fit(plate[part], tall, tall),
        _fit(over[part], tall, tall),
    ]


def _busiest(picture: Pixels, side: int) -> tuple[int, int]:
    """Upper left corner of the square with most detail, the middle of the picture preferred."""
    import numpy as np

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


def _seen(path: Path, space: str, colour: Any) -> Pixels:
    from bridge_gateway.media.pictures import read_picture

    seen: Pixels = colour.to_display(read_picture(path).rgb(), space)
    return seen


def _buffer(pixels: Pixels) -> Any:
    import numpy as np
    import OpenImageIO as oiio

    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], 3, oiio.UINT8)
    buffer = oiio.ImageBuf(spec)
    buffer.set_pixels(oiio.ROI(), np.ascontiguousarray(pixels))
    return buffer


def _fit(pixels: Pixels, width: int, height: int) -> Pixels:
    import numpy as np
    import OpenImageIO as oiio

    sized = oiio.ImageBufAlgo.resize(_buffer(pixels), roi=oiio.ROI(0, width, 0, height, 0, 1, 0, 3))
    return np.asarray(sized.get_pixels(oiio.UINT8), np.uint8)


def _write(
    pixels: Pixels,
    x: int,
    y: int,
    text: str,
    size: int,
    ink: tuple[int, int, int],
    *,
    bold: bool = False,
    shadow: bool = False,
) -> Pixels:
    """Text with its base line at ``y``, in the font that comes with OpenImageIO."""
    import numpy as np
    import OpenImageIO as oiio

    buffer = _buffer(pixels)
    oiio.ImageBufAlgo.render_text(
        buffer,
        x,
        y,
        text,
        size,
        "DroidSans-Bold" if bold else "DroidSans",
        tuple(part / 255 for part in ink),
        shadow=2 if shadow else 0,
    )
    return np.asarray(buffer.get_pixels(oiio.UINT8), np.uint8)


def _save(path: Path, pixels: Pixels) -> None:
    from bridge_core.errors import NotWritable

    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = _buffer(pixels)
    if not buffer.write(str(path)):
        raise NotWritable(
            f"the contact sheet could not be written: {buffer.geterror()}",
            where=str(path),
            next_step="check that the folder can be written and the disk is not full",
        )

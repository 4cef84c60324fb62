"""The formats that a plate's files may have. Their content decides which one a file has.

Only whether a plate is a movie goes by its name; see :mod:`bridge_core.models.media`.
"""

from __future__ import annotations

#: The formats of pictures, by the first bytes of a file.
PICTURE_FORMAT_BY_MAGIC = {
    b"\x76\x2f\x31\x01": "openexr",
    b"SDPX": "dpx",
    b"XPDS": "dpx",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",  # BigTIFF
    b"MM\0+": "tiff",
    b"\x89PNG": "png",
    b"\xff\xd8\xff": "jpeg",
}
#: The same for people.
PICTURE_FORMAT_NAMES = "OpenEXR, DPX, TIFF, PNG or JPEG"

#: The formats in which pictures are written, by the suffix of the file.
PICTURE_FORMAT_BY_SUFFIX = {
    ".exr": "openexr",
    ".sxr": "openexr",
    ".dpx": "dpx",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
}

#: FFmpeg's demuxers of the containers of movies. Each holds its own pictures.
MOVIE_DEMUXERS = ("mov", "matroska", "webm", "mxf", "avi")
#: The same for people.
MOVIE_CONTAINER_NAMES = "QuickTime, MP4, Matroska, WebM, MXF or AVI"

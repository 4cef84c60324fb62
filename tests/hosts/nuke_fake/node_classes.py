"""Knobs of each node class: name, kind and default, taken from scripts saved by Nuke 12 to 16
(public .nk files on GitHub), from the reference guide on learn.foundry.com (Read, Write, Constant,
CheckerBoard, Shuffle), and from scripts that set them by name.

A knob that is not listed is refused: ``node["colourspace"]`` raises ``NameError``, as in Nuke.
"""

from __future__ import annotations

from typing import Any

#: kind, default; enumerations: their values, the first is the default.
Row = tuple[str, Any]
Enum = "Enumeration_Knob"

FORMATS = (
    "640 480 0 0 640 480 1 PC_Video",
    "1920 1080 0 0 1920 1080 1 HD_1080",
    "2048 1556 0 0 2048 1556 1 2K_Super_35(full-ap)",
    "3840 2160 0 0 3840 2160 1 UHD_4K",
)

#: Names of colour spaces in the two managements; the config's names are aces_1.2's and newer. A
#: role is listed with what it is called in the menu after a tab; the knob's value is what stands
#: before it (as scripts on GitHub take these lists apart).
NATIVE_SPACES = ("default", "linear", "sRGB", "rec709", "Cineon", "Gamma2.2", "AlexaV3LogC")
OCIO_SPACES = (
    "default",
    "scene_linear\tscene_linear (ACES - ACEScg)",
    "data\tdata (Utility - Raw)",
    "ACES - ACEScg",
    "ACES - ACES2065-1",
    "Input - ARRI - V3 LogC (EI800) - Wide Gamut",
    "Utility - Raw",
    "Utility - sRGB - Texture",
    "ACEScg",
)

EVERY: dict[str, Row] = {
    "name": ("String_Knob", ""),
    "label": ("Multiline_Eval_String_Knob", ""),
    "selected": ("Boolean_Knob", False),
    "xpos": ("Double_Knob", 0.0),
    "ypos": ("Double_Knob", 0.0),
    "tile_color": ("ColorChip_Knob", 0),
    "note_font": ("FreeType_Knob", ""),
    "note_font_size": ("Double_Knob", 11.0),
    "hide_input": ("Boolean_Knob", False),
    "knobChanged": ("PythonKnob", ""),
    "autolabel": ("PythonKnob", ""),
    "onCreate": ("PythonKnob", ""),
    "onDestroy": ("PythonKnob", ""),
    "help": ("Multiline_Eval_String_Knob", ""),
    "bookmark": ("Boolean_Knob", False),
}
IMAGE: dict[str, Row] = {
    "disable": ("Disable_Knob", False),
    "postage_stamp": ("Boolean_Knob", False),
    "cached": ("Boolean_Knob", False),
}
_FILE: dict[str, Row] = {
    "file": ("File_Knob", ""),
    "proxy": ("File_Knob", ""),
    "file_type": (Enum, (" ", "exr", "dpx", "jpeg", "png", "tiff", "mov", "mxf")),
    "first": ("Int_Knob", 1),
    "last": ("Int_Knob", 1),
    "frame_mode": (Enum, ("expression", "start at", "offset")),
    "frame": ("EvalString_Knob", ""),
    "colorspace": ("CascadingEnumeration_Knob", "default"),
    "raw": ("Boolean_Knob", False),
    "premultiplied": ("Boolean_Knob", False),
}
_BEYOND = ("hold", "loop", "bounce", "black")

CLASSES: dict[str, dict[str, Row]] = {
    "Root": {
        "name": ("File_Knob", ""),
        "frame": ("Double_Knob", 1.0),
        "first_frame": ("Int_Knob", 1),
        "last_frame": ("Int_Knob", 100),
        "lock_range": ("Boolean_Knob", False),
        "fps": ("Double_Knob", 24.0),
        "format": ("Format_Knob", FORMATS[2]),
        "proxy": ("Boolean_Knob", False),
        "proxy_type": (Enum, ("format", "scale")),
        "proxy_format": ("Format_Knob", FORMATS[0]),
        "proxy_scale": ("Double_Knob", 0.5),
        "project_directory": ("File_Knob", ""),
        "views": ("String_Knob", "main"),
        "colorManagement": (Enum, ("Nuke", "OCIO")),
        "OCIO_config": (Enum, ("nuke-default", "aces_1.2", "fn-nuke_cg-config-v1.0.0", "custom")),
        "customOCIOConfigPath": ("File_Knob", ""),
        "workingSpaceLUT": ("CascadingEnumeration_Knob", "scene_linear"),
        "defaultViewerLUT": ("String_Knob", "Nuke Root LUTs"),
        "monitorLut": ("String_Knob", "sRGB"),
        "int8Lut": ("String_Knob", "sRGB"),
        "int16Lut": ("String_Knob", "sRGB"),
        "logLut": ("String_Knob", "Cineon"),
        "floatLut": ("String_Knob", "linear"),
    },
    "Read": {
        **_FILE,
        "format": ("Format_Knob", FORMATS[2]),
        "proxy_format": ("Format_Knob", FORMATS[0]),
        "before": (Enum, _BEYOND),
        "after": (Enum, _BEYOND),
        "origfirst": ("Int_Knob", 1),
        "origlast": ("Int_Knob", 1),
        "origset": ("Boolean_Knob", False),
        "on_error": (Enum, ("error", "black", "checkerboard", "nearest frame")),
        "auto_alpha": ("Boolean_Knob", False),
        "reload": ("Script_Knob", ""),
        "localizationPolicy": (Enum, ("from auto-localize path", "on", "off")),
        "postage_stamp": ("Boolean_Knob", True),
    },
    "Write": {
        **_FILE,
        "channels": ("ChannelMask_Knob", "rgb"),
        "create_directories": ("Boolean_Knob", False),
        "use_limit": ("Boolean_Knob", False),
        "views": ("String_Knob", "main"),
        "afterRender": ("PythonKnob", ""),
        "beforeRender": ("PythonKnob", ""),
        "reading": ("Boolean_Knob", False),
        "render_order": ("Double_Knob", 1.0),
    },
    "Constant": {
        "color": ("AColor_Knob", (0.0, 0.0, 0.0, 0.0)),
        "channels": ("ChannelMask_Knob", "rgb"),
        "format": ("Format_Knob", FORMATS[2]),
        "first": ("Int_Knob", 1),
        "last": ("Int_Knob", 1),
    },
    "CheckerBoard2": {
        "format": ("Format_Knob", FORMATS[2]),
        "boxsize": ("Double_Knob", 64.0),
    },
    "Multiply": {"channels": ("ChannelMask_Knob", "rgb"), "value": ("AColor_Knob", (1.0,) * 4)},
    "Shuffle2": {
        "in1": ("Channel_Knob", "rgba"),
        "in2": ("Channel_Knob", "none"),
        "fromInput1": (Enum, ("B", "A")),
        "fromInput2": (Enum, ("B", "A")),
        "out1": ("Channel_Knob", "rgba"),
        "out2": ("Channel_Knob", "none"),
        "mappings": ("Shuffle2Mappings_Knob", ()),
    },
    "Dot": {},
    "NoOp": {},
    "Group": {},
    "Input": {},
    "Output": {},
    "Viewer": {"frame_range": ("String_Knob", "1-100")},
    "BackdropNode": {"bdwidth": ("Double_Knob", 100.0), "bdheight": ("Double_Knob", 100.0)},
    "StickyNote": {},
    "Camera2": {"focal": ("Double_Knob", 50.0)},
}
#: Node classes without a picture.
NO_PICTURE = frozenset({"Viewer", "BackdropNode", "StickyNote", "Camera2", "Root"})
#: Node classes without inputs.
NO_OUTPUT = frozenset({"Viewer", "BackdropNode", "StickyNote", "Root", "Output"})
NO_INPUT = frozenset(
    {"Read", "Constant", "CheckerBoard2", "BackdropNode", "StickyNote", "Root", "Input"}
)

#: Knobs of a Write that only exist with that file_type.
BY_FILE_TYPE: dict[str, dict[str, Row]] = {
    "exr": {
        "datatype": (Enum, ("16 bit half", "32 bit float")),
        "compression": (
            Enum,
            ("Zip (1 scanline)", "none", "Zip (16 scanlines)", "PIZ Wavelet (32 scanlines)",
             "RLE", "B44", "B44A", "DWAA", "DWAB"),
        ),
        "metadata": (Enum, ("default metadata", "no metadata", "all metadata")),
        "autocrop": ("Boolean_Knob", False),
        "write_ACES_compliant_EXR": ("Boolean_Knob", False),
    },
    "jpeg": {"_jpeg_quality": ("Double_Knob", 0.75)},
}  # fmt: skip


def knobs_of(kind: str) -> dict[str, Row]:
    """
    :raises RuntimeError: Nuke has no such node class, or it is not modelled.
    """
    if kind not in CLASSES:
        raise RuntimeError(f"{kind}: Unknown command")
    image = {} if kind in NO_PICTURE else IMAGE
    base = {} if kind == "Root" else EVERY
    return {**base, **image, **CLASSES[kind]}

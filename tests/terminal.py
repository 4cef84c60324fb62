"""A user at a terminal: the real command line, a real gateway, real models, small plates."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import opentimelineio as otio
import psutil

WIDTH, HEIGHT = 48, 32
RATE = 25.0


def pixels(frame: int) -> np.ndarray[Any, np.dtype[np.float16]]:
    """A picture that differs for each frame, with values below 0 and above 1."""
    ramp = np.linspace(-0.1, 1.5, WIDTH, dtype=np.float32)[None, :, None]
    rise = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None, None]
    mix = np.concatenate([ramp + 0 * rise, rise + 0 * ramp, ramp * rise], axis=2)
    return (mix + (frame % 100) / 500).astype(np.float16)


@dataclass
class Terminal:
    """One user's folders and settings, and the command line run with them."""

    folder: Path
    models_dir: Path
    settings: dict[str, str] = field(default_factory=dict)

    width, height = WIDTH, HEIGHT

    pixels = staticmethod(pixels)

    @staticmethod
    def wait_for(condition: Callable[[], object], what: str, seconds: float = 90) -> None:
        wait_for(condition, what, seconds)

    @staticmethod
    def plate(folder: Path, name: str, frames: range) -> Path:
        return write_plate(folder, name, frames)

    @staticmethod
    def cut(path: Path, shots: dict[str, Path], frames: range, handles: int = 2) -> Path:
        return write_cut(path, shots, frames, handles)

    @property
    def plates(self) -> Path:
        return self.folder / "plates"

    @property
    def library(self) -> Path:
        return self.folder / "library"

    @property
    def environment(self) -> dict[str, str]:
        settings = {
            "CLIENT__STATE_DIR": str(self.folder / "state"),
            "CLIENT__USER": "Ada Lovelace",
            "GATEWAY__DATA_DIR": str(self.folder / "data"),
            "GATEWAY__LIBRARY_DIR": str(self.library),
            "GATEWAY__MODELS_DIR": str(self.models_dir),
            "GATEWAY__MEDIA_ROOTS": json.dumps([str(self.plates)]),
            "GATEWAY__THREADS": "2",
            **self.settings,
        }
        return {**os.environ, **{f"SHOTBRIDGE__{key}": value for key, value in settings.items()}}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "bridge_core.cli.main", *arguments],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=240)
        returncode = process.returncode
        assert returncode == code, f"{arguments} exited with {returncode}:\n{out}\n{err}"
        return subprocess.CompletedProcess(arguments, returncode, out, err)

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def problem(self, *arguments: str, code: int) -> dict[str, Any]:
        """The error of a command that must fail, from standard error."""
        stderr = self.run(*arguments, "--json", code=code).stderr
        problem: dict[str, Any] = json.loads(stderr.strip().splitlines()[-1])["error"]
        return problem

    def gateway(self) -> psutil.Process:
        """The gateway's process, once it is announced."""
        announcement = self.folder / "state" / "gateway.json"
        wait_for(announcement.exists, "the gateway to start")
        return psutil.Process(json.loads(announcement.read_text())["pid"])

    def close(self) -> None:
        """Stop the gateway, and kill what is left of this user's processes."""
        announcement = self.folder / "state" / "gateway.json"
        if announcement.exists():
            self.run("stop")
        for process in psutil.process_iter(["environ"]):
            if (process.info["environ"] or {}).get("SHOTBRIDGE__CLIENT__STATE_DIR", "") == str(
                self.folder / "state"
            ):
                process.send_signal(signal.SIGKILL)


def wait_for(condition: Callable[[], object], what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.02)


def write_plate(folder: Path, name: str, frames: range) -> Path:
    """Write half-float EXR frames and return their pattern."""
    folder.mkdir(parents=True, exist_ok=True)
    for frame in frames:
        spec = oiio.ImageSpec(WIDTH, HEIGHT, 3, oiio.HALF)
        spec.attribute("compression", "zip")
        spec.attribute("camera", "bridge test camera")
        out = oiio.ImageOutput.create("x.exr")
        path = folder / f"{name}.{frame:04d}.exr"
        assert out.open(str(path), spec), out.geterror()
        assert out.write_image(pixels(frame))
        out.close()
    return folder / f"{name}.%04d.exr"


def write_cut(path: Path, shots: dict[str, Path], frames: range, handles: int = 2) -> Path:
    """Write a cut of plates in ACEScg, one after another, each without its handles."""
    timeline = otio.schema.Timeline("journey")
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)

    def time(value: int) -> otio.opentime.RationalTime:
        return otio.opentime.RationalTime(value, RATE)

    for name, pattern in shots.items():
        media = otio.schema.ImageSequenceReference(
            target_url_base=pattern.parent.as_uri() + "/",
            name_prefix=pattern.name.partition("%04d")[0],
            name_suffix=pattern.suffix,
            start_frame=frames.start,
            rate=RATE,
            frame_zero_padding=4,
            available_range=otio.opentime.TimeRange(time(frames.start), time(len(frames))),
            metadata={"shotbridge": {"colour_space": "ACEScg"}},
        )
        span = otio.opentime.TimeRange(
            time(frames.start + handles), time(len(frames) - 2 * handles)
        )
        track.append(otio.schema.Clip(name, media_reference=media, source_range=span))
    otio.adapters.write_to_file(timeline, str(path))
    return path

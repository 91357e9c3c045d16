"""A clip: frames and samples as arrays, saved as a folder of PGM pictures and a WAV file."""

import re
import wave
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]
Samples = NDArray[np.int16]

RATE = 16_000
FPS = 25
MIN_RATE = 1000
"""The lowest sample rate that can be measured, in samples per second."""
PGM_HEADER = re.compile(rb"P5\n# (\d+)(?: [^\n]*)?\n(\d+) (\d+)\n255\n")
PGM_HEADER_LINES = "P5, # 25 frames a second, WIDTH HEIGHT and 255"


class ClipError(ValueError):
    """A folder does not hold a clip."""


class NotMeasurableError(ValueError):
    """The clip lacks what is to be measured, so that even "none found" would be wrong."""


@dataclass(frozen=True, eq=False)
class Clip:
    """A clip, or a part of one.

    Attributes:
        frames: Grey pictures of shape (frames, height, width), values from 0 to 255.
        samples: Mono sound of shape (samples,), 16 bits.
        fps: Frames per second.
        rate: Samples per second.
        first_frame: The number of the first frame, in the clip that a part was taken from.
    """

    frames: Frames
    samples: Samples
    fps: int = FPS
    rate: int = RATE
    first_frame: int = 0

    @property
    def seconds(self) -> float:
        return len(self.frames) / self.fps

    @property
    def start_s(self) -> float:
        return self.first_frame / self.fps

    def between(self, start_s: float, end_s: float) -> Self:
        """Take the part between two times, in seconds, widened to whole frames.

        Raises:
            ValueError: No frame lies between the two.
        """
        first = max(0, int(start_s * self.fps + 1e-6))
        last = min(len(self.frames), int(np.ceil(end_s * self.fps - 1e-6)))
        if first >= last:
            raise ValueError(
                f"nothing lies between {start_s} s and {end_s} s: the clip lasts {self.seconds} s"
            )
        samples = slice(first * self.rate // self.fps, last * self.rate // self.fps)
        return replace(
            self,
            frames=self.frames[first:last],
            samples=self.samples[samples],
            first_frame=self.first_frame + first,
        )

    def save(self, folder: Path) -> None:
        """Write the clip as `0000.pgm`, `0001.pgm`, … and `sound.wav`; create the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        _, height, width = self.frames.shape
        for number, frame in enumerate(self.frames):
            header = f"P5\n# {self.fps} frames a second\n{width} {height}\n255\n"
            (folder / f"{number:04}.pgm").write_bytes(header.encode() + frame.tobytes())
        with wave.open(str(folder / "sound.wav"), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(self.rate)
            sound.writeframes(self.samples.astype("<i2").tobytes())

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a clip that `save` wrote. Raises `ClipError`, which names the file at fault."""
        frames = [_read_frame(path) for path in _frame_paths(folder)]
        shapes = {frame.shape for frame, _ in frames}
        if len(shapes) > 1:
            raise ClipError(f"{folder} is not a clip: its frames have {len(shapes)} sizes")
        if len(rates := {fps for _, fps in frames}) > 1:
            raise ClipError(f"{folder} is not a clip: its frames have {len(rates)} frame rates")
        samples, rate = _read_sound(folder / "sound.wav")
        return cls(np.stack([frame for frame, _ in frames]), samples, frames[0][1], rate)


def _frame_paths(folder: Path) -> list[Path]:
    """List the pictures in order. None may be missing: the rest would be out of time."""
    paths = {path.stem: path for path in folder.glob("*.pgm")}
    if not paths:
        raise ClipError(f"{folder} is not a clip: it has no frames (0000.pgm, 0001.pgm, …)")
    names = [f"{number:04}" for number in range(len(paths))]
    if missing := [name for name in names if name not in paths]:
        raise ClipError(
            f"{folder} is not a clip: it has {len(paths)} frames, but no {missing[0]}.pgm"
        )
    return [paths[name] for name in names]


def _read_frame(path: Path) -> tuple[Frames, int]:
    """Read a picture, and the frame rate that its header names."""
    try:
        content = path.read_bytes()
        if not (header := PGM_HEADER.match(content)):
            raise ValueError(f"it does not begin with the lines {PGM_HEADER_LINES}")
        fps, width, height = map(int, header.groups())
        if not (fps and width and height):
            raise ValueError(f"{width} by {height} pixels, {fps} frames a second")
        if (pixels := len(content) - header.end()) != width * height:
            raise ValueError(f"it has {pixels} pixels instead of {width} by {height}")
        frame = np.frombuffer(content, np.uint8, offset=header.end())
        return frame.reshape(height, width), fps
    except (OSError, ValueError) as error:
        raise ClipError(f"{path} is not a frame of a clip: {error}") from error


def _read_sound(path: Path) -> tuple[Samples, int]:
    try:
        with wave.open(str(path), "rb") as sound:
            channels, width, rate = (
                sound.getnchannels(),
                sound.getsampwidth(),
                sound.getframerate(),
            )
            content = sound.readframes(sound.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise ClipError(f"{path.parent} is not a clip: cannot read its sound ({error})") from error
    if (channels, width) != (1, 2):
        raise ClipError(f"{path} has {channels} channels of {width} bytes; expected 1 of 2 bytes")
    if rate < MIN_RATE:
        raise ClipError(f"{path} has {rate} samples a second; expected at least {MIN_RATE}")
    if len(content) % 2:
        raise ClipError(f"{path} ends in the middle of a sample")
    return np.frombuffer(content, "<i2").astype(np.int16), rate

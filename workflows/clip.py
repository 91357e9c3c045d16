"""A clip: moving pictures and their sound, as numbers."""

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
LEAST_RATE = 1000
"""Samples a second, at the least: of fewer there would be no knowing how loud they are."""
HEAD = re.compile(rb"P5\n# (\d+)(?: [^\n]*)?\n(\d+) (\d+)\n255\n")
HEAD_LINES = "P5, # 25 frames a second, WIDTH HEIGHT and 255"


class NoClip(ValueError):
    """Raised when a folder does not hold a clip."""


class NotMeasurable(ValueError):
    """Raised when a clip does not have what is to be measured: "none" would be a finding."""


@dataclass(frozen=True, eq=False)
class Clip:
    """`frames` is (frames, height, width), grey, 0 to 255; `samples` is (samples,), mono, 16 bits.

    `first_frame` is the number of its first frame in the clip that it was taken from.
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
        """The part from one time to another, in seconds, widened to whole frames."""
        first = max(0, int(start_s * self.fps + 1e-6))
        last = min(len(self.frames), int(np.ceil(end_s * self.fps - 1e-6)))
        if first >= last:
            raise ValueError(
                f"nothing lies between {start_s} s and {end_s} s: the clip lasts {self.seconds} s"
            )
        sounds = slice(first * self.rate // self.fps, last * self.rate // self.fps)
        return replace(
            self,
            frames=self.frames[first:last],
            samples=self.samples[sounds],
            first_frame=self.first_frame + first,
        )

    def save(self, folder: Path) -> None:
        """Write it as `0000.pgm` … and `sound.wav`; the folder is made."""
        folder.mkdir(parents=True, exist_ok=True)
        _, height, width = self.frames.shape
        for number, frame in enumerate(self.frames):
            head = f"P5\n# {self.fps} frames a second\n{width} {height}\n255\n"
            (folder / f"{number:04}.pgm").write_bytes(head.encode() + frame.tobytes())
        with wave.open(str(folder / "sound.wav"), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(self.rate)
            sound.writeframes(self.samples.astype("<i2").tobytes())

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What `save` wrote. Raises `NoClip`, with what is missing or broken."""
        read = [_frame(page) for page in _pages(folder)]
        shapes = {frame.shape for frame, _ in read}
        if len(shapes) > 1:
            raise NoClip(f"{folder} is no clip: its frames are of {len(shapes)} sizes")
        if len(rates := {fps for _, fps in read}) > 1:
            raise NoClip(f"{folder} is no clip: its frames name {len(rates)} rates")
        samples, rate = _sound(folder / "sound.wav")
        return cls(np.stack([frame for frame, _ in read]), samples, read[0][1], rate)


def _pages(folder: Path) -> list[Path]:
    """The files of the frames, none of which may be missing: what follows would be out of time."""
    pages = {page.stem: page for page in folder.glob("*.pgm")}
    if not pages:
        raise NoClip(f"{folder} is no clip: it has no frames, which would be 0000.pgm …")
    wanted = [f"{number:04}" for number in range(len(pages))]
    if missing := [name for name in wanted if name not in pages]:
        raise NoClip(f"{folder} is no clip: it has {len(pages)} frames, but no {missing[0]}.pgm")
    return [pages[name] for name in wanted]


def _frame(page: Path) -> tuple[Frames, int]:
    """A frame, and how many of them its header says that there are in a second."""
    try:
        content = page.read_bytes()
        if not (head := HEAD.match(content)):
            raise ValueError(f"it does not begin with the lines {HEAD_LINES}")
        fps, width, height = map(int, head.groups())
        if not (fps and width and height):
            raise ValueError(f"{width} by {height} pixels, {fps} frames a second")
        if (pixels := len(content) - head.end()) != width * height:
            raise ValueError(f"it has {pixels} pixels, and says {width} by {height}")
        frame = np.frombuffer(content, np.uint8, offset=head.end())
        return frame.reshape(height, width), fps
    except (OSError, ValueError) as error:
        raise NoClip(f"{page} is no frame of a clip: {error}") from error


def _sound(path: Path) -> tuple[Samples, int]:
    try:
        with wave.open(str(path), "rb") as sound:
            shape, rate = (sound.getnchannels(), sound.getsampwidth()), sound.getframerate()
            content = sound.readframes(sound.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise NoClip(f"{path.parent} is no clip: its sound cannot be read ({error})") from error
    if shape != (1, 2):
        raise NoClip(f"{path} has {shape[0]} channels of {shape[1]} bytes: 1 of 2 is read")
    if rate < LEAST_RATE:
        raise NoClip(f"{path} has {rate} samples a second: from {LEAST_RATE} on it is read")
    if len(content) % 2:
        raise NoClip(f"{path} ends in the middle of a sample")
    return np.frombuffer(content, "<i2").astype(np.int16), rate

"""A measurement: what a clip's frames and samples say of it, and nothing that anyone else says.

Frames are counted from 0 and times are in seconds, both in the clip that a part was taken from.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workflows.clip import Clip, Frames, NotMeasurable
from workflows.hum import LOUD, cut, loudness

FLASH = 40
"""By how many grey levels a flash is brighter than the clip's median frame, at the least."""
STILL = 1.0
"""The mean difference in grey levels beneath which two frames show the same."""
APART_S = 0.1
"""Sounds that are closer together than this are one."""
BEGUN_S = 0.005
"""A sound that is heard within this time of the start had begun before."""


def duplicate_frames(clip: Clip) -> list[int]:
    """The frames that show the frame before once more, though the picture moves.

    Raises `NotMeasurable` where it does not.
    """
    _usual(_shifts(clip))
    pairs = enumerate(pairwise(map(_grey, clip.frames)), clip.first_frame + 1)
    return [n for n, (before, after) in pairs if np.abs(after - before).mean() < STILL]


def dropped_frames(clip: Clip) -> dict[int, int]:
    """How many frames are missing, by the frame before which they are: there the motion jumps.

    Raises `NotMeasurable` where the picture does not move.
    """
    shifts = _shifts(clip)
    usual = _usual(shifts)
    missing = {clip.first_frame + n: round(shift / usual) - 1 for n, shift in enumerate(shifts, 1)}
    return {frame: count for frame, count in missing.items() if count > 0}


def flashes(clip: Clip) -> list[float]:
    """When the picture flashes up, in seconds."""
    light = clip.frames.mean(axis=(1, 2))
    bright = light > np.median(light) + FLASH
    begins = np.flatnonzero(bright[1:] & ~bright[:-1]) + 1
    return [round((clip.first_frame + int(n)) / clip.fps, 3) for n in begins]


def beeps(clip: Clip) -> list[float]:
    """When a sound rises above the hum, in seconds; what is there from the start does not rise.

    Raises `NotMeasurable` where there is no sound.
    """
    level = np.abs(clip.samples.astype(float))
    loud = np.flatnonzero(level > LOUD * loudness(level, clip.rate)) / clip.rate
    ends = [BEGUN_S - APART_S, *loud]
    begins = [now for before, now in zip(ends, loud, strict=False) if now - before > APART_S]
    return [round(clip.start_s + float(at), 3) for at in begins]


def offset_ms(seen: Sequence[float], heard: Sequence[float]) -> int | None:
    """How long after its flash a beep comes, in milliseconds; below 0 where it comes before it.

    The median over the flashes, each with the beep nearest to it; None where either is missing.
    """
    beeps = np.array(heard)
    if not len(seen) or not len(beeps):
        return None
    late = [beeps[np.abs(beeps - flash).argmin()] - flash for flash in seen]
    return round(1000 * float(np.median(late)))


def splice(clip: Clip) -> float | None:
    """When the hum beneath the sound was cut, in seconds; None where it goes on as it was.

    Raises `NotMeasurable` where there is no hum.
    """
    found = cut(clip.samples / 32768, clip.rate)
    return None if found is None else round(clip.start_s + found, 3)


def _grey(frame: Frames) -> NDArray[np.float64]:
    """A frame, (height, width), without its mean brightness."""
    return np.asarray(frame - frame.mean())


def _shifts(clip: Clip) -> list[int]:
    """How far the picture moves across, from each frame to the next, in pixels.

    The peak of the circular cross-correlation, row by row, by their Fourier transforms. Two frames
    at a time: those of a minute of a large picture would not fit into memory.
    """
    _, _, width = clip.frames.shape
    pairs = pairwise(np.fft.rfft(_grey(frame), axis=1) for frame in clip.frames)
    alike = (np.fft.irfft((one * np.conj(other)).sum(axis=0), width) for one, other in pairs)
    peaks = [int(likeness.argmax()) for likeness in alike]
    return [peak if peak <= width // 2 else peak - width for peak in peaks]


def _usual(shifts: list[int]) -> int:
    """The motion from one frame to the next where nothing is wrong, in pixels; never 0."""
    if not (usual := int(np.median(shifts)) if shifts else 0):
        raise NotMeasurable("the picture does not move, so that a frame more or less is not seen")
    return usual

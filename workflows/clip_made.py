"""A made clip: four seconds whose faults were chosen, each of them independent of the others.

A camera pans over a wall, two pixels a frame; three flashes, a hum, and a beep at each flash.
"""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from workflows.clip import FPS, RATE, Clip, Frames, Samples

SECONDS = 4
FRAMES = SECONDS * FPS
HEIGHT, WIDTH = 64, 96
PAN = 2
"""Pixels that the picture moves from one frame to the next."""
MOST_DROPPED = 20
"""More frames than this, missing in one place, could be a pan the other way."""
FLASHES = (20, 45, 77)
"""The frames at which a flash begins: at no even distance, so that no two pairs look alike."""
FLASH_FRAMES = 2
MOST_LATE_MS = 400
BEEP_MS = 40
HUM_HZ, BEEP_HZ = 220.0, 1000.0
CLEAR_S = 0.1
"""How far a splice keeps from any beep, and from either end."""
Wave = NDArray[np.float64]


def made(
    *,
    duplicated: Collection[int] = (),
    dropped: Mapping[int, int] | None = None,
    splice_s: float | None = None,
    sound_late_ms: int = 0,
    scene: int = 0,
) -> Clip:
    """A clip of 100 frames, 64 by 96, 25 a second, with 16 kHz mono sound.

    `duplicated` are frames that show the one before again; `dropped` says before which frame how
    many are missing; at `splice_s` the hum jumps; each beep comes `sound_late_ms` after its flash
    (before it, where negative). Each `scene` is another wall. Raises `ValueError` for faults that
    could not be told apart, as two that touch.
    """
    gaps = dict(dropped or {})
    _check(frozenset(duplicated), gaps, splice_s, sound_late_ms)
    return Clip(_frames(frozenset(duplicated), gaps, scene), _samples(splice_s, sound_late_ms))


def beeps_s(sound_late_ms: int) -> tuple[float, ...]:
    """When the beeps begin, in seconds."""
    return tuple(flash / FPS + sound_late_ms / 1000 for flash in FLASHES)


def clear(splice_s: float, late_ms: int) -> bool:
    """Whether a splice is far enough from what would hide it."""
    apart = (
        beep - CLEAR_S <= splice_s <= beep + BEEP_MS / 1000 + CLEAR_S for beep in beeps_s(late_ms)
    )
    return CLEAR_S <= splice_s <= SECONDS - CLEAR_S and not any(apart)


def _check(
    duplicated: frozenset[int], dropped: Mapping[int, int], splice_s: float | None, late_ms: int
) -> None:
    for frame in (*duplicated, *dropped):
        if not 2 <= frame <= FRAMES - 2:
            raise ValueError(f"frame {frame}: faults lie between frame 2 and frame {FRAMES - 2}")
        if any(flash - 1 <= frame <= flash + FLASH_FRAMES + 1 for flash in FLASHES):
            raise ValueError(f"frame {frame}: a fault in a flash could not be seen")
    for frame, missing in dropped.items():
        if not 1 <= missing <= MOST_DROPPED:
            raise ValueError(f"{missing} frames dropped: from 1 to {MOST_DROPPED} can be told")
        if frame in duplicated or frame + 1 in duplicated:
            raise ValueError(f"frame {frame}: duplicated where others are missing")
    if len(duplicated) + len(dropped) > FRAMES // 4:
        raise ValueError("with so many faults nobody could say what the right motion is")
    if abs(late_ms) > MOST_LATE_MS:
        raise ValueError(f"{late_ms} ms: the next flash would be nearer than {MOST_LATE_MS} ms")
    if splice_s is not None and not clear(splice_s, late_ms):
        raise ValueError(f"{splice_s} s: a splice keeps {CLEAR_S} s from beeps and ends")


def _frames(duplicated: frozenset[int], dropped: Mapping[int, int], scene: int) -> Frames:
    steps = [0] + [0 if n in duplicated else 1 + dropped.get(n, 0) for n in range(1, FRAMES)]
    wall = _wall(scene)
    frames = np.stack([np.roll(wall, -PAN * int(place), axis=1) for place in np.cumsum(steps)])
    for flash in FLASHES:
        frames[flash : flash + FLASH_FRAMES] += 100
    return frames


def _wall(scene: int) -> Frames:
    """A texture of 40 to 140 that repeats after its width, and shows no smaller period."""
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH]
    turn, rise = 2 * np.pi * across / WIDTH, 2 * np.pi * down / HEIGHT
    texture = sum(
        np.sin(times * turn + (1 + times % 3) * rise + times * times * (scene + 1))
        for times in (1, 2, 3, 5, 8, 13)
    )
    low, high = np.min(texture), np.max(texture)
    grey = np.round(40 + 100 * (texture - low) / (high - low))
    return np.asarray(grey, np.uint8)


def _samples(splice_s: float | None, late_ms: int) -> Samples:
    at = np.arange(SECONDS * RATE) / RATE
    jumps = np.zeros_like(at) if splice_s is None else 2.0 * (at >= splice_s)
    sound = 0.1 * np.sin(2 * np.pi * HUM_HZ * at + jumps)
    for begins in beeps_s(late_ms):
        beep = (at >= begins) & (at < begins + BEEP_MS / 1000)
        sound += 0.5 * beep * np.sin(2 * np.pi * BEEP_HZ * (at - begins))
    return np.round(32767 * sound).astype(np.int16)

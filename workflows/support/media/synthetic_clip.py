"""Make clips with known faults: repeated and dropped frames, a cut in the hum, late sound.

A camera pans over a wall by two pixels per frame for four seconds. There are three flashes, a beep
at each flash, and a hum.
"""

from collections.abc import Collection, Mapping

import numpy as np

from workflows.support.media.clip import FPS, RATE, Clip, Frames, Samples

SECONDS = 4
FRAMES = SECONDS * FPS
HEIGHT, WIDTH = 64, 96
PAN_PIXELS = 2
"""The motion of the picture from one frame to the next."""
MAX_DROPPED = 20
"""With more frames missing in one place, the motion could be in the other direction."""
FLASHES = (20, 45, 77)
"""The first frame of each flash. The distances differ, so that no two pairs can be confused."""
FLASH_FRAMES = 2
MAX_LATE_MS = 400
BEEP_MS = 40
HUM_HZ, BEEP_HZ = 220.0, 1000.0
SPLICE_DISTANCE_S = 0.1
"""A splice is at least so far from each beep, and from the start and the end."""


def make_clip(
    *,
    duplicated: Collection[int] = (),
    dropped: Mapping[int, int] | None = None,
    splice_s: float | None = None,
    sound_late_ms: int = 0,
    scene: int = 0,
) -> Clip:
    """Make a clip of 100 frames, 64 by 96 pixels, 25 per second, with 16 kHz mono sound.

    Args:
        duplicated: The frames that repeat the frame before them.
        dropped: By frame, how many frames are missing before it.
        splice_s: When the hum is cut, in seconds; None for no cut.
        sound_late_ms: By how much each beep follows its flash; negative to precede it.
        scene: The number of the wall. Each wall has another fingerprint.

    Raises:
        ValueError: Measurements could not distinguish the faults, for instance if two are adjacent.
    """
    gaps = dict(dropped or {})
    _check_faults(frozenset(duplicated), gaps, splice_s, sound_late_ms)
    frames = _make_frames(frozenset(duplicated), gaps, scene)
    return Clip(frames, _make_samples(splice_s, sound_late_ms))


def beep_times_s(sound_late_ms: int) -> tuple[float, ...]:
    """Return when the beeps begin, in seconds."""
    return tuple(flash / FPS + sound_late_ms / 1000 for flash in FLASHES)


def can_splice_at(splice_s: float, sound_late_ms: int) -> bool:
    """Whether a splice is far enough from the beeps, the start and the end to be found."""
    is_near_beep = any(
        beep - SPLICE_DISTANCE_S <= splice_s <= beep + BEEP_MS / 1000 + SPLICE_DISTANCE_S
        for beep in beep_times_s(sound_late_ms)
    )
    return SPLICE_DISTANCE_S <= splice_s <= SECONDS - SPLICE_DISTANCE_S and not is_near_beep


def _check_faults(
    duplicated: frozenset[int], dropped: Mapping[int, int], splice_s: float | None, late_ms: int
) -> None:
    for frame in (*duplicated, *dropped):
        if not 2 <= frame <= FRAMES - 2:
            raise ValueError(f"frame {frame}: faults lie between frame 2 and frame {FRAMES - 2}")
        if any(flash - 1 <= frame <= flash + FLASH_FRAMES + 1 for flash in FLASHES):
            raise ValueError(f"frame {frame}: a fault in a flash cannot be found")
    for frame, missing in dropped.items():
        if not 1 <= missing <= MAX_DROPPED:
            raise ValueError(f"{missing} frames dropped: only 1 to {MAX_DROPPED} can be counted")
        if frame in duplicated or frame + 1 in duplicated:
            raise ValueError(f"frame {frame}: duplicated where others are missing")
    if len(duplicated) + len(dropped) > FRAMES // 4:
        raise ValueError("too many faults: the usual motion cannot be determined")
    if abs(late_ms) > MAX_LATE_MS:
        raise ValueError(f"{late_ms} ms: the next flash would be nearer than {MAX_LATE_MS} ms")
    if splice_s is not None and not can_splice_at(splice_s, late_ms):
        raise ValueError(
            f"{splice_s} s: a splice must be {SPLICE_DISTANCE_S} s from beeps, start and end"
        )


def _make_frames(duplicated: frozenset[int], dropped: Mapping[int, int], scene: int) -> Frames:
    steps = [0] + [0 if n in duplicated else 1 + dropped.get(n, 0) for n in range(1, FRAMES)]
    wall = _make_wall(scene)
    places = np.cumsum(steps)
    frames = np.stack([np.roll(wall, -PAN_PIXELS * int(place), axis=1) for place in places])
    for flash in FLASHES:
        frames[flash : flash + FLASH_FRAMES] += 100
    return frames


def _make_wall(scene: int) -> Frames:
    """Make a texture of 40 to 140 whose only horizontal period is its width."""
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH]
    turn, rise = 2 * np.pi * across / WIDTH, 2 * np.pi * down / HEIGHT
    texture = sum(
        np.sin(times * turn + (1 + times % 3) * rise + times * times * (scene + 1))
        for times in (1, 2, 3, 5, 8, 13)
    )
    low, high = np.min(texture), np.max(texture)
    grey = np.round(40 + 100 * (texture - low) / (high - low))
    return np.asarray(grey, np.uint8)


def _make_samples(splice_s: float | None, late_ms: int) -> Samples:
    time_s = np.arange(SECONDS * RATE) / RATE
    phase = np.zeros_like(time_s) if splice_s is None else 2.0 * (time_s >= splice_s)
    sound = 0.1 * np.sin(2 * np.pi * HUM_HZ * time_s + phase)
    for start_s in beep_times_s(late_ms):
        is_beep = (time_s >= start_s) & (time_s < start_s + BEEP_MS / 1000)
        sound += 0.5 * is_beep * np.sin(2 * np.pi * BEEP_HZ * (time_s - start_s))
    return np.round(32767 * sound).astype(np.int16)

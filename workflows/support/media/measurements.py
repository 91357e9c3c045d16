"""Measurements of a clip's frames and samples: repeated and dropped frames, flashes, beeps, cuts.

Frames are counted from 0 and times are in seconds, both in the clip that a part was taken from.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workflows.support.media.clip import Clip, Frames, NotMeasurableError
from workflows.support.media.hum import MIN_LOUDNESS_RATIO, find_cut, measure_loudness

MIN_FLASH_LEVELS = 40
"""A flash is at least so many grey levels brighter than the clip's median frame."""
MAX_SAME_DIFFERENCE = 1.0
"""Frames whose mean difference, in grey levels, is smaller show the same picture."""
MIN_GAP_S = 0.1
"""Sounds that are closer together are one sound."""
START_S = 0.005
"""A sound within this time of the start of a part is taken to have begun before the part."""


def find_duplicate_frames(clip: Clip) -> list[int]:
    """Find the frames that repeat the frame before them, although the picture moves.

    Raises:
        NotMeasurableError: The picture does not move.
    """
    _usual_shift(_shifts(clip))
    pairs = enumerate(pairwise(map(_centre, clip.frames)), clip.first_frame + 1)
    return [
        number
        for number, (before, after) in pairs
        if np.abs(after - before).mean() < MAX_SAME_DIFFERENCE
    ]


def count_dropped_frames(clip: Clip) -> dict[int, int]:
    """Count missing frames by the frame before which they are missing: there the motion jumps.

    Raises:
        NotMeasurableError: The picture does not move.
    """
    shifts = _shifts(clip)
    usual = _usual_shift(shifts)
    missing = {clip.first_frame + n: round(shift / usual) - 1 for n, shift in enumerate(shifts, 1)}
    return {frame: count for frame, count in missing.items() if count > 0}


def find_flashes(clip: Clip) -> list[float]:
    """Find the times, in seconds, at which the picture flashes up."""
    light = clip.frames.mean(axis=(1, 2))
    is_bright = light > np.median(light) + MIN_FLASH_LEVELS
    starts = np.flatnonzero(is_bright[1:] & ~is_bright[:-1]) + 1
    return [round((clip.first_frame + int(frame)) / clip.fps, 3) for frame in starts]


def find_beeps(clip: Clip) -> list[float]:
    """Find the times, in seconds, at which a sound rises above the hum.

    Raises:
        NotMeasurableError: There is no sound.
    """
    level = np.abs(clip.samples.astype(float))
    threshold = MIN_LOUDNESS_RATIO * measure_loudness(level, clip.rate)
    loud = np.flatnonzero(level > threshold) / clip.rate
    before_loud = [START_S - MIN_GAP_S, *loud]
    starts = [
        now for before, now in zip(before_loud, loud, strict=False) if now - before > MIN_GAP_S
    ]
    return [round(clip.start_s + float(start), 3) for start in starts]


def measure_sound_offset_ms(
    flash_times: Sequence[float], beep_times: Sequence[float]
) -> int | None:
    """Return by how many milliseconds beeps follow their flashes; negative if they come before.

    This is the median over the flashes, each with the nearest beep; None without flash or beep.
    """
    beeps = np.array(beep_times)
    if not len(flash_times) or not len(beeps):
        return None
    late = [beeps[np.abs(beeps - flash).argmin()] - flash for flash in flash_times]
    return round(1000 * float(np.median(late)))


def find_splice(clip: Clip) -> float | None:
    """Find when the hum beneath the sound was cut, in seconds; None if it was not.

    Raises:
        NotMeasurableError: There is no hum.
    """
    cut = find_cut(clip.samples / 32768, clip.rate)
    return None if cut is None else round(clip.start_s + cut, 3)


def _centre(frame: Frames) -> NDArray[np.float64]:
    """Subtract its mean brightness from a frame of shape (height, width)."""
    return np.asarray(frame - frame.mean())


def _shifts(clip: Clip) -> list[int]:
    """Return by how many pixels the picture moves across, from each frame to the next.

    This is the peak of the circular cross-correlation of the rows, by Fourier transform. Only two
    frames are transformed at a time: a minute of a large picture would not fit into memory.
    """
    _, _, width = clip.frames.shape
    pairs = pairwise(np.fft.rfft(_centre(frame), axis=1) for frame in clip.frames)
    correlations = (np.fft.irfft((a * np.conj(b)).sum(axis=0), width) for a, b in pairs)
    peaks = [int(correlation.argmax()) for correlation in correlations]
    return [peak if peak <= width // 2 else peak - width for peak in peaks]


def _usual_shift(shifts: list[int]) -> int:
    """Return the median shift between frames, in pixels; never 0."""
    usual = int(np.median(shifts)) if shifts else 0
    if not usual:
        raise NotMeasurableError("the picture does not move, so its frames cannot be counted")
    return usual

"""A fingerprint: a short text that a clip keeps though its pixels change a little."""

import numpy as np

from workflows.clip import Clip, NotMeasurable

ROWS, COLUMNS = 8, 8


def fingerprint(clip: Clip) -> str:
    """64 bits as 16 hex digits: whether each part of the first frame is brighter than the next.

    The difference hash of N. Krawetz, "Kind of like that", 2013. Noise of a few grey levels turns
    few bits, if any: compare with `distance`. Raises `NotMeasurable` where the frame is too small,
    or of one grey: all such would look alike.
    """
    frame = clip.frames[0].astype(float)
    height, width = frame.shape
    if height < ROWS or width < COLUMNS:
        raise NotMeasurable(f"a frame of {width} by {height} pixels is too small for a fingerprint")
    if np.ptp(frame) == 0:
        raise NotMeasurable("the first frame is of one grey, so that it has no fingerprint")
    rows, columns = height // ROWS, width // COLUMNS
    whole = frame[: rows * ROWS, : columns * COLUMNS]
    parts = whole.reshape(ROWS, rows, COLUMNS, columns).mean(axis=(1, 3))
    bits = (parts > np.roll(parts, -1, axis=1)).flatten()
    return f"{int(''.join(map(str, bits.astype(int))), 2):016x}"


def distance(one: str, other: str) -> int:
    """In how many of 64 bits two fingerprints differ: a few for the same clip, about 32 else."""
    return (int(one, 16) ^ int(other, 16)).bit_count()

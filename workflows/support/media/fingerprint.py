"""Perceptual fingerprints of clips: similar pictures have similar fingerprints."""

import numpy as np

from workflows.support.media.clip import Clip, NotMeasurableError

ROWS, COLUMNS = 8, 8


def compute_fingerprint(clip: Clip) -> str:
    """Compute the difference hash of the first frame: 64 bits, as 16 hexadecimal digits.

    Each bit says whether a cell of an 8 by 8 grid is brighter than the next one. Noise of a few
    grey levels changes few bits, so compare fingerprints by `hamming_distance`. Source: N. Krawetz,
    "Kind of like that", 2013.

    Raises:
        NotMeasurableError: The frame is too small, or has only one grey level: the fingerprints of
            all such frames would be equal.
    """
    frame = clip.frames[0].astype(float)
    height, width = frame.shape
    if height < ROWS or width < COLUMNS:
        raise NotMeasurableError(
            f"a frame of {width} by {height} pixels is too small for a fingerprint"
        )
    if np.ptp(frame) == 0:
        raise NotMeasurableError("the first frame has only one grey level, so no fingerprint")
    rows, columns = height // ROWS, width // COLUMNS
    grid = frame[: rows * ROWS, : columns * COLUMNS].reshape(ROWS, rows, COLUMNS, columns)
    cells = grid.mean(axis=(1, 3))
    bits = (cells > np.roll(cells, -1, axis=1)).flatten()
    return f"{int(''.join(map(str, bits.astype(int))), 2):016x}"


def hamming_distance(one: str, other: str) -> int:
    """Count the differing bits of two fingerprints: a few for one clip, about 32 for two."""
    return (int(one, 16) ^ int(other, 16)).bit_count()

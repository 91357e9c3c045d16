"""Find cuts in the mains hum of a recording: there the phase of the hum jumps.

Method: D. P. Nicolalde and J. A. Apolinário, "Evaluating digital audio authenticity with spectral
distances and ENF phase change", 2009.
"""

import numpy as np
from numpy.typing import NDArray

from workflows.support.media.clip import NotMeasurableError

WINDOW_S = 0.025
"""The length of sound from which a phase is computed: many periods of the hum."""
MIN_SOUND_S = 0.2
"""The shortest sound in which a cut is searched: in a shorter one, a beep may cover the hum."""
SEARCH_S = 0.02
"""How far from the jump in phase the exact place of the cut is searched."""
FIT_S = 0.03
"""The length of hum that is extrapolated from either side of the cut."""
BLOCK_S = 0.01
"""The length of sound whose peak is one value of `measure_loudness`."""
MIN_LOUDNESS_RATIO = 1.5
"""Other sounds are at least so many times louder than the hum."""
MIN_HUM_SHARE = 0.5
"""The hum makes up at least this share of the level between other sounds."""
MIN_JUMP_RAD = 0.5
"""A jump of the phase by less is noise."""
Wave = NDArray[np.float64]


def find_cut(sound: Wave, rate: int) -> float | None:
    """Return when the phase of the hum jumps, in seconds from the start; None if it does not.

    The hum is demodulated at its own frequency, and the phase before each moment is compared with
    the phase after it.

    Args:
        sound: The samples, of shape (samples,).
        rate: Samples per second.

    Raises:
        NotMeasurableError: There is no hum, or too little of it.
    """
    lag = int(WINDOW_S * rate)
    if len(sound) < MIN_SOUND_S * rate:
        raise NotMeasurableError(f"{len(sound) / rate} s of sound are too short to follow a hum")
    level = measure_loudness(sound, rate)
    hz = _strongest_frequency(np.where(np.abs(sound) > MIN_LOUDNESS_RATIO * level, 0, sound), rate)
    demodulated = sound * np.exp(-2j * np.pi * hz * np.arange(len(sound)) / rate)
    window = np.hanning(lag + 2)[1:-1]
    phasor = np.convolve(demodulated, window / window.sum(), "valid")
    if 2 * np.median(np.abs(phasor)) < MIN_HUM_SHARE * level:
        raise NotMeasurableError("there is no hum beneath the sound, so a cut cannot be found")
    jumps = np.abs(np.angle(phasor[lag:] * np.conj(phasor[:-lag])))
    near = int(jumps.argmax()) + lag
    return None if jumps.max() < MIN_JUMP_RAD else _locate_cut(sound, hz, rate, near) / rate


def measure_loudness(sound: Wave, rate: int) -> float:
    """Return the median of the peaks of short blocks. Raises `NotMeasurableError` for silence."""
    block = max(1, int(BLOCK_S * rate))
    blocks = np.abs(sound[: len(sound) // block * block]).reshape(-1, block)
    if not blocks.any():
        raise NotMeasurableError("there is no sound")
    return float(np.median(blocks.max(axis=1)))


def _strongest_frequency(sound: Wave, rate: int) -> float:
    """Return the strongest frequency, in hertz, interpolated between the bins of the spectrum."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    top = int(power[1:-1].argmax()) + 1
    before, peak, after = np.log(power[top - 1 : top + 2] + 1e-12)
    return float((top + (before - after) / (2 * (before - 2 * peak + after))) * rate / len(sound))


def _locate_cut(sound: Wave, hz: float, rate: int, near: int) -> int:
    """Return the sample at which the hum before `near` ends and the hum after it begins."""
    search, fit = int(SEARCH_S * rate), int(FIT_S * rate)
    low, high = max(0, near - search), min(len(sound), near + search)
    here = np.arange(low, high)
    old = _extrapolate(sound, hz, rate, np.arange(max(0, low - fit), low), here)
    new = _extrapolate(sound, hz, rate, np.arange(high, min(len(sound), high + fit)), here)
    old_error, new_error = (sound[here] - old) ** 2, (sound[here] - new) ** 2
    cost = np.concatenate(([0], np.cumsum(old_error))) + (
        new_error.sum() - np.concatenate(([0], np.cumsum(new_error)))
    )
    return low + int(cost.argmin())


def _extrapolate(
    sound: Wave, hz: float, rate: int, known: NDArray[np.int64], wanted: NDArray[np.int64]
) -> Wave:
    """Fit the hum to the samples `known`, and return it at the samples `wanted`."""

    def basis(samples: NDArray[np.int64]) -> Wave:
        angle = 2 * np.pi * hz * samples / rate
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)

    weights, *_ = np.linalg.lstsq(basis(known), sound[known], rcond=None)
    return np.asarray(basis(wanted) @ weights)

"""A hum: the steady tone beneath a recording, whose phase goes on unless someone has cut it."""

import numpy as np
from numpy.typing import NDArray

from workflows.clip import NotMeasurable

WINDOW_S = 0.025
"""How long a stretch of hum is looked at to know its phase: many of its periods."""
SHORTEST_S = 0.2
"""The shortest sound in which a hum is followed: in less, a beep can take most of the time."""
NEAR_S = 0.02
"""How far from the jump in phase the cut itself is looked for."""
FIT_S = 0.03
BLOCK_S = 0.01
"""How long a stretch of sound is, of which it is asked how loud it is."""
LOUD = 1.5
"""How many times as loud as the hum other sounds are, at the least."""
TONE = 0.5
"""How much of what is heard between other sounds is the hum, at the least."""
JUMP = 0.5
"""By how much, in radians, the phase jumps at a cut, at the least."""
Wave = NDArray[np.float64]


def cut(sound: Wave, rate: int) -> float | None:
    """When the phase of the hum jumps, in seconds from the start of `sound`; None if it does not.

    `sound` is (samples,). The hum is demodulated at its own frequency, and its phase before each
    moment compared with that after it (D. P. Nicolalde and J. A. Apolinário, "Evaluating digital
    audio authenticity with spectral distances and ENF phase change", 2009). Raises `NotMeasurable`
    where there is no hum, or too little of it.
    """
    lag = int(WINDOW_S * rate)
    if len(sound) < SHORTEST_S * rate:
        raise NotMeasurable(f"{len(sound) / rate} s of sound are too short to follow a hum")
    level = loudness(sound, rate)
    hz = _frequency(np.where(np.abs(sound) > LOUD * level, 0, sound), rate)
    turned = sound * np.exp(-2j * np.pi * hz * np.arange(len(sound)) / rate)
    window = np.hanning(lag + 2)[1:-1]
    phase = np.convolve(turned, window / window.sum(), "valid")
    if 2 * np.median(np.abs(phase)) < TONE * level:
        raise NotMeasurable("there is no hum beneath the sound, so that a cut in it is not heard")
    jumps = np.abs(np.angle(phase[lag:] * np.conj(phase[:-lag])))
    around = int(jumps.argmax()) + lag
    return None if jumps.max() < JUMP else _exactly(sound, hz, rate, around) / rate


def loudness(sound: Wave, rate: int) -> float:
    """How loud a sound is most of the time: the median of its peaks. Raises `NotMeasurable`."""
    block = max(1, int(BLOCK_S * rate))
    blocks = np.abs(sound[: len(sound) // block * block]).reshape(-1, block)
    if not blocks.any():
        raise NotMeasurable("there is no sound")
    return float(np.median(blocks.max(axis=1)))


def _frequency(sound: Wave, rate: int) -> float:
    """The strongest frequency, in hertz, between the bins of the spectrum."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    top = int(power[1:-1].argmax()) + 1
    before, here, after = np.log(power[top - 1 : top + 2] + 1e-12)
    return float((top + (before - after) / (2 * (before - 2 * here + after))) * rate / len(sound))


def _exactly(sound: Wave, hz: float, rate: int, around: int) -> int:
    """The sample at which the hum before `around` ends, and the one after it begins."""
    near, fit = int(NEAR_S * rate), int(FIT_S * rate)
    low, high = max(0, around - near), min(len(sound), around + near)
    here = np.arange(low, high)
    old = _continued(sound, hz, rate, np.arange(max(0, low - fit), low), here)
    new = _continued(sound, hz, rate, np.arange(high, min(len(sound), high + fit)), here)
    unlike_old, unlike_new = (sound[here] - old) ** 2, (sound[here] - new) ** 2
    cost = np.concatenate(([0], np.cumsum(unlike_old))) + (
        unlike_new.sum() - np.concatenate(([0], np.cumsum(unlike_new)))
    )
    return low + int(cost.argmin())


def _continued(
    sound: Wave, hz: float, rate: int, known: NDArray[np.int64], here: NDArray[np.int64]
) -> Wave:
    """The hum as it is at the samples `known`, carried on to those `here`."""

    def basis(samples: NDArray[np.int64]) -> Wave:
        turn = 2 * np.pi * hz * samples / rate
        return np.stack([np.cos(turn), np.sin(turn)], axis=1)

    weights, *_ = np.linalg.lstsq(basis(known), sound[known], rcond=None)
    return np.asarray(basis(here) @ weights)

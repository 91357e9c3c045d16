"""Measurements find the faults that a clip was made with, and no others."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from workflows.support.media.clip import FPS, RATE, Clip, Frames, NotMeasurableError, Samples
from workflows.support.media.fingerprint import compute_fingerprint, hamming_distance
from workflows.support.media.measurements import (
    count_dropped_frames,
    find_beeps,
    find_duplicate_frames,
    find_flashes,
    find_splice,
    measure_sound_offset_ms,
)
from workflows.support.media.synthetic_clip import (
    FLASHES,
    FRAMES,
    MAX_DROPPED,
    MAX_LATE_MS,
    can_splice_at,
    make_clip,
)

QUICK = settings(max_examples=40, deadline=None)
STEADY = [n for n in range(2, FRAMES - 1) if all(not f - 1 <= n <= f + 3 for f in FLASHES)]
FAULTY = st.lists(st.sampled_from(STEADY), unique=True, max_size=20)


@pytest.mark.long
@QUICK
@given(frames=FAULTY, missing=st.integers(1, MAX_DROPPED), duplicated=st.integers(0, 20))
def test_exactly_the_duplicated_and_dropped_frames_are_found(
    frames: list[int], missing: int, duplicated: int
) -> None:
    repeated = set(frames[:duplicated])
    dropped = {n: missing for n in frames[duplicated:] if n + 1 not in repeated}
    clip = make_clip(duplicated=repeated, dropped=dropped)
    assert find_duplicate_frames(clip) == sorted(repeated)
    assert count_dropped_frames(clip) == dropped


@pytest.mark.long
@QUICK
@given(late_ms=st.integers(-MAX_LATE_MS, MAX_LATE_MS), at_ms=st.integers(0, 4000))
def test_a_splice_is_found_to_the_millisecond(late_ms: int, at_ms: int) -> None:
    assume(can_splice_at(at_ms / 1000, late_ms))
    found = find_splice(make_clip(splice_s=at_ms / 1000, sound_late_ms=late_ms))
    assert found is not None
    assert abs(1000 * found - at_ms) <= 1.01


@QUICK
@given(late_ms=st.integers(-MAX_LATE_MS, MAX_LATE_MS), scene=st.integers(0, 50))
def test_the_offset_is_found_to_the_millisecond(late_ms: int, scene: int) -> None:
    clip = make_clip(sound_late_ms=late_ms, scene=scene)
    assert measure_sound_offset_ms(find_flashes(clip), find_beeps(clip)) == late_ms


@pytest.mark.long
@QUICK
@given(scene=st.integers(0, 200))
def test_a_flawless_clip_has_no_findings(scene: int) -> None:
    clip = make_clip(scene=scene)
    assert find_duplicate_frames(clip) == []
    assert count_dropped_frames(clip) == {}
    assert find_splice(clip) is None
    assert find_flashes(clip) == find_beeps(clip) == [n / FPS for n in FLASHES]


def test_faults_of_different_kinds_are_not_confused() -> None:
    clip = make_clip(duplicated=(31,), dropped={60: 4}, splice_s=2.4, sound_late_ms=90)
    assert find_duplicate_frames(clip) == [31]
    assert count_dropped_frames(clip) == {60: 4}
    assert find_splice(clip) == 2.4
    assert measure_sound_offset_ms(find_flashes(clip), find_beeps(clip)) == 90


def test_a_part_is_measured_in_the_time_of_its_clip() -> None:
    part = make_clip(duplicated=(31, 60), dropped={65: 2}, splice_s=2.4).between(1.0, 3.0)
    assert find_duplicate_frames(part) == [31, 60]
    assert count_dropped_frames(part) == {65: 2}
    assert (find_flashes(part), find_beeps(part), find_splice(part)) == ([1.8], [1.8], 2.4)


WHOLE = make_clip(duplicated=(52,), splice_s=2.46)
NOISE = np.random.default_rng(0).integers(-3000, 3000, WHOLE.samples.shape).astype(np.int16)


@pytest.mark.parametrize("measure", [find_duplicate_frames, count_dropped_frames])
@pytest.mark.parametrize(
    "frames",
    [WHOLE.frames[:1], np.repeat(WHOLE.frames[:1], 20, axis=0), 0 * WHOLE.frames],
    ids=["one", "still", "black"],
)
def test_frames_of_a_still_picture_cannot_be_measured(
    measure: Callable[[Clip], object], frames: Frames
) -> None:
    with pytest.raises(NotMeasurableError, match="does not move"):
        measure(Clip(frames, WHOLE.samples))


@pytest.mark.parametrize(
    ("measure", "samples", "message"),
    [
        (find_beeps, WHOLE.samples[:0], "there is no sound"),
        (find_beeps, 0 * WHOLE.samples, "there is no sound"),
        (find_splice, 0 * WHOLE.samples, "there is no sound"),
        (find_splice, WHOLE.samples[:1600], "too short"),
        (find_splice, NOISE, "no hum"),
    ],
)
def test_sound_without_a_hum_cannot_be_measured(
    measure: Callable[[Clip], object], samples: Samples, message: str
) -> None:
    with pytest.raises(NotMeasurableError, match=message):
        measure(Clip(WHOLE.frames, samples))


def test_a_beep_in_a_short_part_is_not_taken_for_a_splice() -> None:
    parts = [make_clip().between(at / 25, at / 25 + 0.2) for at in range(90)]
    assert [find_splice(part) for part in parts] == 90 * [None]


def test_a_beep_that_began_before_the_part_is_not_counted() -> None:
    part = make_clip(sound_late_ms=20).between(0.84, 2.5)
    assert (find_flashes(part), find_beeps(part)) == ([1.8], [1.82])


@pytest.mark.parametrize("rate", [8000, 48_000])
def test_measurements_do_not_depend_on_the_sample_rate(rate: int) -> None:
    clip = make_clip(splice_s=2.4, sound_late_ms=90)
    at = np.arange(4 * rate) * RATE / rate
    samples = np.interp(at, np.arange(len(clip.samples)), clip.samples).astype(np.int16)
    other = Clip(clip.frames, samples, rate=rate)
    found = find_splice(other)
    assert found is not None
    assert abs(found - 2.4) <= 0.001
    assert measure_sound_offset_ms(find_flashes(other), find_beeps(other)) in (89, 90)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (0 * WHOLE.frames, "only one grey level"),
        (WHOLE.frames[:, :4, :6], "6 by 4 pixels is too small"),
    ],
)
def test_a_frame_without_detail_has_no_fingerprint(frames: Frames, message: str) -> None:
    with pytest.raises(NotMeasurableError, match=message):
        compute_fingerprint(Clip(frames, WHOLE.samples))


def test_without_a_beep_there_is_no_offset() -> None:
    assert measure_sound_offset_ms([0.8], []) is None
    assert measure_sound_offset_ms([], [0.8]) is None


@QUICK
@given(seed=st.integers(0, 10_000), scene=st.integers(0, 20))
def test_noise_changes_few_bits_of_a_fingerprint(seed: int, scene: int) -> None:
    clip = make_clip(scene=scene)
    noise = np.random.default_rng(seed).integers(-2, 3, clip.frames.shape)
    noisy = Clip((clip.frames + noise).astype(np.uint8), clip.samples)
    assert hamming_distance(compute_fingerprint(clip), compute_fingerprint(noisy)) <= 3


def test_different_clips_have_distant_fingerprints() -> None:
    fingerprints = [compute_fingerprint(make_clip(scene=scene)) for scene in range(20)]
    pairs = combinations(fingerprints, 2)
    assert min(hamming_distance(one, other) for one, other in pairs) >= 10


def test_a_fingerprint_has_sixteen_digits_and_ignores_faults() -> None:
    flawless, faulty = make_clip(), make_clip(duplicated=(31,), splice_s=2.4)
    assert compute_fingerprint(flawless) == compute_fingerprint(faulty)
    assert len(compute_fingerprint(flawless)) == 16

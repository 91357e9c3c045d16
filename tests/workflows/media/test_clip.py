"""Clips: made with known faults, saved and read, and taken apart."""

import wave
from pathlib import Path

import numpy as np
import pytest

from workflows.support.media.clip import Clip, ClipError
from workflows.support.media.synthetic_clip import make_clip


def test_a_clip_is_four_seconds_of_pictures_and_sound() -> None:
    clip = make_clip()
    assert (clip.frames.shape, clip.frames.dtype.name) == ((100, 64, 96), "uint8")
    assert (clip.samples.shape, clip.samples.dtype.name) == ((64_000,), "int16")
    assert clip.seconds == 4.0


def test_the_same_arguments_make_the_same_clip() -> None:
    one, other = (make_clip(duplicated=(31,), splice_s=2.4, scene=3) for _ in range(2))
    assert np.array_equal(one.frames, other.frames)
    assert np.array_equal(one.samples, other.samples)


def test_a_saved_clip_is_read_unchanged(tmp_path: Path) -> None:
    clip = make_clip(duplicated=(31, 32), dropped={60: 4}, splice_s=2.4, sound_late_ms=-80)
    clip.save(tmp_path / "clip")
    read = Clip.read(tmp_path / "clip")
    assert np.array_equal(read.frames, clip.frames)
    assert np.array_equal(read.samples, clip.samples)
    assert (read.fps, read.rate) == (clip.fps, clip.rate)


def test_a_saved_frame_is_a_picture_that_pillow_reads(tmp_path: Path) -> None:
    from PIL import Image

    make_clip().save(tmp_path)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "0007.pgm")), make_clip().frames[7])


def test_a_part_keeps_its_place_in_the_clip() -> None:
    clip = make_clip()
    part = clip.between(1.0, 2.5).between(0.2, 0.6)
    assert (part.first_frame, part.start_s) == (30, 1.2)
    assert np.array_equal(part.frames, clip.frames[30:40])
    assert np.array_equal(part.samples, clip.samples[19_200:25_600])


@pytest.mark.parametrize(("start_s", "end_s"), [(2.0, 2.0), (3.0, 1.0), (4.0, 9.0)])
def test_an_empty_part_is_an_error(start_s: float, end_s: float) -> None:
    with pytest.raises(ValueError, match=r"the clip lasts 4\.0 s"):
        make_clip().between(start_s, end_s)


def test_a_folder_without_frames_is_not_a_clip(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="has no frames"):
        Clip.read(tmp_path)


def test_a_folder_without_sound_is_not_a_clip(tmp_path: Path) -> None:
    make_clip().save(tmp_path)
    (tmp_path / "sound.wav").unlink()
    with pytest.raises(ClipError, match="cannot read its sound"):
        Clip.read(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"P5\n",
        b"P6\n# 25 frames\n96 64\n255\n" + bytes(6144),
        b"P5\n#\n96 64\n255\n",
        b"P5\n96 64\n255\n" + bytes(6144),
        b"P5\n# 25 frames\n96 64\n65535\n" + bytes(2 * 6144),
        b"P5\n# 25 frames\n96 64\n255\n" + bytes(6143),
        b"P5\n# 0 frames\n96 64\n255\n" + bytes(6144),
        b"P5\n# 29.97 frames\n96 64\n255\n" + bytes(6144),
    ],
)
def test_the_error_names_a_malformed_frame(content: bytes, tmp_path: Path) -> None:
    make_clip().save(tmp_path)
    (tmp_path / "0042.pgm").write_bytes(content)
    with pytest.raises(ClipError, match=r"0042\.pgm is not a frame"):
        Clip.read(tmp_path)


def test_frames_of_two_sizes_are_not_a_clip(tmp_path: Path) -> None:
    make_clip().save(tmp_path)
    (tmp_path / "0042.pgm").write_bytes(b"P5\n# 25 frames\n2 2\n255\n" + bytes(4))
    with pytest.raises(ClipError, match="have 2 sizes"):
        Clip.read(tmp_path)


def test_frames_of_two_rates_are_not_a_clip(tmp_path: Path) -> None:
    make_clip().save(tmp_path)
    (tmp_path / "0042.pgm").write_bytes(b"P5\n# 30 frames\n96 64\n255\n" + bytes(6144))
    with pytest.raises(ClipError, match="2 frame rates"):
        Clip.read(tmp_path)


def test_frames_with_a_gap_in_their_numbers_are_not_a_clip(tmp_path: Path) -> None:
    make_clip().save(tmp_path)
    (tmp_path / "0042.pgm").unlink()
    with pytest.raises(ClipError, match=r"99 frames, but no 0042\.pgm"):
        Clip.read(tmp_path)


@pytest.mark.parametrize(
    ("channels", "width", "rate", "message"),
    [
        (2, 2, 16_000, "2 channels of 2 bytes"),
        (1, 1, 16_000, "1 channels of 1 bytes"),
        (1, 2, 50, "50 samples a second"),
    ],
)
def test_sound_in_another_format_is_an_error(
    channels: int, width: int, rate: int, message: str, tmp_path: Path
) -> None:
    make_clip().save(tmp_path)
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(width)
        sound.setframerate(rate)
    with pytest.raises(ClipError, match=message):
        Clip.read(tmp_path)


def test_truncated_sound_is_an_error(tmp_path: Path) -> None:
    make_clip().save(tmp_path)
    content = (tmp_path / "sound.wav").read_bytes()
    (tmp_path / "sound.wav").write_bytes(content[:-1])
    with pytest.raises(ClipError, match="ends in the middle of a sample"):
        Clip.read(tmp_path)


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ({"duplicated": (0,)}, "between frame 2 and"),
        ({"duplicated": (21,)}, "in a flash"),
        ({"dropped": {60: 21}}, "only 1 to 20"),
        ({"dropped": {60: 1}, "duplicated": (61,)}, "others are missing"),
        ({"duplicated": range(50, 76)}, "too many faults"),
        ({"sound_late_ms": 401}, "nearer than 400 ms"),
        ({"splice_s": 0.85}, "must be 0.1 s from beeps"),
    ],
)
def test_faults_that_cannot_be_distinguished_are_an_error(
    faults: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_clip(**faults)  # type: ignore[arg-type] # one table for several kinds of faults

"""A clip: made with chosen faults, written and read again, cut into parts."""

import wave
from pathlib import Path

import numpy as np
import pytest

from workflows.clip import Clip, NoClip
from workflows.clip_made import made


def test_a_clip_is_four_seconds_of_pictures_and_sound() -> None:
    clip = made()
    assert (clip.frames.shape, clip.frames.dtype.name) == ((100, 64, 96), "uint8")
    assert (clip.samples.shape, clip.samples.dtype.name) == ((64_000,), "int16")
    assert clip.seconds == 4.0


def test_the_same_faults_make_the_same_clip() -> None:
    one, other = (made(duplicated=(31,), splice_s=2.4, scene=3) for _ in range(2))
    assert np.array_equal(one.frames, other.frames)
    assert np.array_equal(one.samples, other.samples)


def test_what_is_saved_is_what_is_read(tmp_path: Path) -> None:
    clip = made(duplicated=(31, 32), dropped={60: 4}, splice_s=2.4, sound_late_ms=-80)
    clip.save(tmp_path / "clip")
    read = Clip.read(tmp_path / "clip")
    assert np.array_equal(read.frames, clip.frames)
    assert np.array_equal(read.samples, clip.samples)
    assert (read.fps, read.rate) == (clip.fps, clip.rate)


def test_a_frame_that_is_saved_is_a_picture_that_others_can_read(tmp_path: Path) -> None:
    from PIL import Image

    made().save(tmp_path)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "0007.pgm")), made().frames[7])


def test_a_part_knows_where_it_was_taken_from() -> None:
    clip = made()
    part = clip.between(1.0, 2.5).between(0.2, 0.6)
    assert (part.first_frame, part.start_s) == (30, 1.2)
    assert np.array_equal(part.frames, clip.frames[30:40])
    assert np.array_equal(part.samples, clip.samples[19_200:25_600])


@pytest.mark.parametrize(("start_s", "end_s"), [(2.0, 2.0), (3.0, 1.0), (4.0, 9.0)])
def test_a_part_with_nothing_in_it_is_an_error(start_s: float, end_s: float) -> None:
    with pytest.raises(ValueError, match=r"the clip lasts 4\.0 s"):
        made().between(start_s, end_s)


def test_a_folder_without_frames_is_no_clip(tmp_path: Path) -> None:
    with pytest.raises(NoClip, match="has no frames"):
        Clip.read(tmp_path)


def test_a_folder_without_sound_is_no_clip(tmp_path: Path) -> None:
    made().save(tmp_path)
    (tmp_path / "sound.wav").unlink()
    with pytest.raises(NoClip, match="its sound cannot be read"):
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
def test_a_frame_that_is_broken_is_named(content: bytes, tmp_path: Path) -> None:
    made().save(tmp_path)
    (tmp_path / "0042.pgm").write_bytes(content)
    with pytest.raises(NoClip, match=r"0042\.pgm is no frame"):
        Clip.read(tmp_path)


def test_frames_of_two_sizes_are_no_clip(tmp_path: Path) -> None:
    made().save(tmp_path)
    (tmp_path / "0042.pgm").write_bytes(b"P5\n# 25 frames\n2 2\n255\n" + bytes(4))
    with pytest.raises(NoClip, match="of 2 sizes"):
        Clip.read(tmp_path)


def test_frames_of_two_rates_are_no_clip(tmp_path: Path) -> None:
    made().save(tmp_path)
    (tmp_path / "0042.pgm").write_bytes(b"P5\n# 30 frames\n96 64\n255\n" + bytes(6144))
    with pytest.raises(NoClip, match="2 rates"):
        Clip.read(tmp_path)


def test_a_gap_in_the_numbers_is_no_clip(tmp_path: Path) -> None:
    made().save(tmp_path)
    (tmp_path / "0042.pgm").unlink()
    with pytest.raises(NoClip, match=r"99 frames, but no 0042\.pgm"):
        Clip.read(tmp_path)


@pytest.mark.parametrize(
    ("channels", "width", "rate", "says"),
    [
        (2, 2, 16_000, "2 channels of 2 bytes"),
        (1, 1, 16_000, "1 channels of 1 bytes"),
        (1, 2, 50, "50 samples a second"),
    ],
)
def test_sound_in_another_format_is_refused(
    channels: int, width: int, rate: int, says: str, tmp_path: Path
) -> None:
    made().save(tmp_path)
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(width)
        sound.setframerate(rate)
    with pytest.raises(NoClip, match=says):
        Clip.read(tmp_path)


def test_sound_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    made().save(tmp_path)
    whole = (tmp_path / "sound.wav").read_bytes()
    (tmp_path / "sound.wav").write_bytes(whole[:-1])
    with pytest.raises(NoClip, match="ends in the middle of a sample"):
        Clip.read(tmp_path)


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ({"duplicated": (0,)}, "between frame 2 and"),
        ({"duplicated": (21,)}, "in a flash"),
        ({"dropped": {60: 21}}, "from 1 to 20"),
        ({"dropped": {60: 1}, "duplicated": (61,)}, "others are missing"),
        ({"duplicated": range(50, 76)}, "so many faults"),
        ({"sound_late_ms": 401}, "nearer than 400 ms"),
        ({"splice_s": 0.85}, "keeps 0.1 s from beeps"),
    ],
)
def test_faults_that_nobody_could_tell_apart_are_refused(
    faults: dict[str, object], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        made(**faults)  # type: ignore[arg-type] # one table for faults of several kinds

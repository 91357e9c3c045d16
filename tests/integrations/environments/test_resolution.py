"""Requirements come to a whole set of versions; those that cannot say why, in plain words."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from integrations.environments.requirements import (
    RequirementError,
    parse_requirement,
    pinned_versions,
)
from integrations.environments.resolution import environment_digest, resolve
from integrations.environments.uv import InstallError, simplify_uv_error
from tests.integrations.environments.sample_packages import make_index, write_wheel

Resolve = Callable[..., tuple[str, ...]]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_index(tmp_path, monkeypatch)


@pytest.fixture(name="resolve")
def resolve_strings(shelf: Path, tmp_path: Path) -> Resolve:
    """Lines to lines: with nothing kept before, and no lock."""

    def resolve_lines(*asked: str, prefer: Path | None = None) -> tuple[str, ...]:
        return resolve([parse_requirement(line) for line in asked], tmp_path / "kept", prefer)

    return resolve_lines


def lock(folder: Path, *pins: str) -> Path:
    """One with hashes, as the house has it."""
    path = folder / "some.lock"
    path.write_text("".join(f"{pin} \\\n    --hash=sha256:{'0' * 64}\n" for pin in pins))
    return path


def test_what_is_asked_for_brings_what_it_requires(resolve: Resolve) -> None:
    assert resolve("crate") == ("crate==1.0", "lid==1.1")


def test_where_a_choice_is_left_the_lock_decides(resolve: Resolve, tmp_path: Path) -> None:
    assert resolve("crate", prefer=lock(tmp_path, "lid==1.0")) == ("crate==1.0", "lid==1.0")


def test_where_none_is_left_the_lock_does_not(resolve: Resolve, tmp_path: Path) -> None:
    assert resolve("lid>1.0", prefer=lock(tmp_path, "lid==1.0")) == ("lid==1.1",)


def test_what_was_resolved_is_kept(resolve: Resolve, shelf: Path, tmp_path: Path) -> None:
    some = lock(tmp_path, "crate==1.0")
    before = resolve("lid", prefer=some)
    write_wheel(shelf, "lid", "1.2")
    assert resolve("lid", prefer=some) == before


def test_what_was_resolved_is_resolved_again_with_another_lock(
    resolve: Resolve, tmp_path: Path
) -> None:
    before = resolve("lid", prefer=lock(tmp_path, "lid==1.0"))
    after = resolve("lid", prefer=lock(tmp_path, "lid==1.1"))
    assert (before, after) == (("lid==1.0",), ("lid==1.1",))


def test_the_newest_is_looked_for_each_time(resolve: Resolve, shelf: Path) -> None:
    before = resolve("lid")
    write_wheel(shelf, "lid", "1.2")
    assert (before, resolve("lid")) == (("lid==1.1",), ("lid==1.2",))


def test_a_wheel_is_asked_for_by_its_path(resolve: Resolve, shelf: Path) -> None:
    path = shelf / "lid-1.0-py3-none-any.whl"
    assert resolve("crate", str(path)) == ("crate==1.0", f"lid @ {path.as_uri()}")


def test_a_wheel_of_other_bytes_is_another_set(shelf: Path) -> None:
    path = write_wheel(shelf, "lid", "3.0")
    before = environment_digest([f"lid @ {path.as_uri()}"])
    write_wheel(shelf, "lid", "3.0", "crate")
    assert environment_digest([f"lid @ {path.as_uri()}"]) != before


def test_a_set_that_excludes_itself_says_so_in_the_resolvers_words(resolve: Resolve) -> None:
    with pytest.raises(InstallError, match=r"^Because .* crate .* lid<2 .* unsatisfiable") as no:
        resolve("crate==1.0", "lid>=2")
    assert no.value.is_conflict


def test_the_reason_names_neither_the_shelf_nor_the_machine(
    resolve: Resolve, tmp_path: Path, shelf: Path
) -> None:
    broken = shelf / "lid-1.1-py3-none-any.whl"
    broken.write_text("no wheel")
    with pytest.raises(InstallError) as no:
        resolve(str(broken))
    assert "lid-1.1-py3-none-any.whl" in no.value.reason
    assert str(tmp_path) not in no.value.reason
    assert not no.value.is_conflict


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("error: Failed to fetch: `https://me:pass@host/simple/lid/`", "Failed to fetch: `…/lid`"),
        ("error: Could not connect to `http://host:1/`", "Could not connect to `an address`"),
        ("warning: old\nerror: no file /home/me/a.whl here", "no file …/a.whl here"),
        ("error: git+ssh://git@host/me/lid.git?key=pass gone", "…/lid.git gone"),
        ("\x1b[1merror\x1b[0m: a<2 and b>=1.0/2", "a<2 and b>=1.0/2"),
        (
            "  × No solution found when resolving dependencies:\n  ╰─▶ Because a<2\n      and b",
            "Because a<2 and b",
        ),
        (
            "  × Failed to build `lid`:\n  ├─▶ Request failed\n  ╰─▶ Refused\n",
            "Failed to build `lid`: Request failed: Refused",
        ),
        ("", "uv gave no reason"),
    ],
)
def test_a_reason_is_plain(said: str, reason: str) -> None:
    assert simplify_uv_error(said) == reason


def test_without_uv_it_says_what_brings_it(
    resolve: Resolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InstallError, match=r"`make check` builds \.venv, which brings it"):
        resolve("lid")


def test_a_folder_without_a_name_says_how_to_write_it(tmp_path: Path) -> None:
    with pytest.raises(RequirementError, match=r"write NAME @ file:///…/") as no:
        parse_requirement(str(tmp_path))
    assert str(tmp_path) not in str(no.value)


def test_what_is_not_there_is_named_by_its_path() -> None:
    with pytest.raises(
        RequirementError, match=r"^there is no file or folder /nowhere/gone, from which"
    ):
        parse_requirement("lid @ file:///nowhere/gone")


def test_nonsense_says_how_to_write_it() -> None:
    with pytest.raises(RequirementError, match="'== 2' is no requirement"):
        parse_requirement("== 2")


def test_a_lock_tells_versions_by_name(tmp_path: Path) -> None:
    path = lock(tmp_path, "Some_Crate[lid]==1.0", "lid==1.1 ; sys_platform == 'linux'")
    told = pinned_versions(path.read_text("utf-8").splitlines())
    assert told == {"some-crate": "1.0", "lid": "1.1"}

"""Requirements are resolved to pinned packages; errors are explained in one plain sentence."""

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
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_index(tmp_path, monkeypatch)


@pytest.fixture(name="resolve")
def resolve_strings(index: Path, tmp_path: Path) -> Resolve:
    """Resolve lines to lines, with an empty cache and raised lock file."""

    def resolve_lines(*requirements: str, preferred_lock: Path | None = None) -> tuple[str, ...]:
        return resolve(
            [parse_requirement(line) for line in requirements], tmp_path / "cache", preferred_lock
        )

    return resolve_lines


def lock(folder: Path, *pins: str) -> Path:
    """Write a lock file with hashes, in the format of the project's."""
    path = folder / "some.lock"
    path.write_text("".join(f"{pin} \\\n    --hash=sha256:{'0' * 64}\n" for pin in pins))
    return path


def test_dependencies_are_resolved(resolve: Resolve) -> None:
    assert resolve("crate") == ("crate==1.0", "lid==1.1")


def test_the_lock_file_decides_where_requirements_leave_a_choice(
    resolve: Resolve, tmp_path: Path
) -> None:
    assert resolve("crate", preferred_lock=lock(tmp_path, "lid==1.0")) == ("crate==1.0", "lid==1.0")


def test_requirements_override_the_lock_file(resolve: Resolve, tmp_path: Path) -> None:
    assert resolve("lid>1.0", preferred_lock=lock(tmp_path, "lid==1.0")) == ("lid==1.1",)


def test_a_resolution_is_cached(resolve: Resolve, index: Path, tmp_path: Path) -> None:
    some = lock(tmp_path, "crate==1.0")
    before = resolve("lid", preferred_lock=some)
    write_wheel(index, "lid", "1.2")
    assert resolve("lid", preferred_lock=some) == before


def test_another_lock_file_invalidates_the_cache(resolve: Resolve, tmp_path: Path) -> None:
    before = resolve("lid", preferred_lock=lock(tmp_path, "lid==1.0"))
    after = resolve("lid", preferred_lock=lock(tmp_path, "lid==1.1"))
    assert (before, after) == (("lid==1.0",), ("lid==1.1",))


def test_newest_versions_are_not_cached(resolve: Resolve, index: Path) -> None:
    before = resolve("lid")
    write_wheel(index, "lid", "1.2")
    assert (before, resolve("lid")) == (("lid==1.1",), ("lid==1.2",))


def test_a_requirement_may_be_the_path_of_a_wheel(resolve: Resolve, index: Path) -> None:
    path = index / "lid-1.0-py3-none-any.whl"
    assert resolve("crate", str(path)) == ("crate==1.0", f"lid @ {path.as_uri()}")


def test_the_digest_depends_on_the_bytes_of_a_wheel(index: Path) -> None:
    path = write_wheel(index, "lid", "3.0")
    before = environment_digest([f"lid @ {path.as_uri()}"])
    write_wheel(index, "lid", "3.0", "crate")
    assert environment_digest([f"lid @ {path.as_uri()}"]) != before


def test_a_conflict_is_explained_in_the_words_of_the_resolver(resolve: Resolve) -> None:
    with pytest.raises(InstallError, match=r"^Because .* crate .* lid<2 .* unsatisfiable"):
        resolve("crate==1.0", "lid>=2")


def test_an_error_contains_no_local_path(resolve: Resolve, tmp_path: Path, index: Path) -> None:
    broken = index / "lid-1.1-py3-none-any.whl"
    broken.write_text("no wheel")
    with pytest.raises(InstallError) as raised:
        resolve(str(broken))
    assert "lid-1.1-py3-none-any.whl" in str(raised.value)
    assert str(tmp_path) not in str(raised.value)


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("error: Failed to fetch: `https://me:pass@host/simple/lid/`", "Failed to fetch: `…/lid`"),
        ("error: Could not connect to `http://host:1/`", "Could not connect to `an address`"),
        (
            "warning: old\nerror: no file /home/me/a.whl here",
            "no file …/a.whl here",
        ),
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
def test_the_output_of_uv_is_simplified(output: str, reason: str) -> None:
    assert simplify_uv_error(output) == reason


def test_an_error_says_how_to_get_uv(
    resolve: Resolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InstallError, match=r"`make check` builds \.venv, which has it"):
        resolve("lid")


def test_an_error_says_how_to_name_the_package_of_a_folder(tmp_path: Path) -> None:
    with pytest.raises(RequirementError, match=r"write NAME @ file:///…/") as raised:
        parse_requirement(str(tmp_path))
    assert str(tmp_path) not in str(raised.value)


def test_an_error_names_a_missing_path() -> None:
    with pytest.raises(RequirementError, match=r"^lid: there is no file or folder /nowhere/gone"):
        parse_requirement("lid @ file:///nowhere/gone")


def test_an_error_names_an_invalid_requirement() -> None:
    with pytest.raises(RequirementError, match="'== 2' is neither a requirement nor the path"):
        parse_requirement("== 2")


def test_pinned_versions_have_canonical_names(tmp_path: Path) -> None:
    path = lock(tmp_path, "Some_Crate[lid]==1.0", "lid==1.1 ; sys_platform == 'linux'")
    pins = pinned_versions(path.read_text("utf-8").splitlines())
    assert pins == {"some-crate": "1.0", "lid": "1.1"}

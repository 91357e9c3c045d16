"""A patch: applied to the versions that it mends, undone in any case, watched by a canary."""

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module

import pytest

from instrumentation.tracing_patches import all_patches
from patches.patch import Patch, apply_patches

PATCHES = all_patches()


def patch_with_notes(name: str, notes: list[str], versions: dict[str, str] | None = None) -> Patch:
    """A patch that notes when it goes on and off."""

    @contextmanager
    def apply() -> Generator[None]:
        notes.append(f"+{name}")
        try:
            yield
        finally:
            notes.append(f"-{name}")

    return Patch(name, "", "", versions or {}, "", "", apply)


def test_patches_come_off_in_the_opposite_order() -> None:
    notes: list[str] = []
    with apply_patches(patch_with_notes("a", notes), patch_with_notes("b", notes)):
        pass
    assert notes == ["+a", "+b", "-b", "-a"]


def test_patches_come_off_after_an_error() -> None:
    notes: list[str] = []
    with pytest.raises(ZeroDivisionError), apply_patches(patch_with_notes("a", notes)):
        raise ZeroDivisionError
    assert notes == ["+a", "-a"]


def test_a_patch_that_is_on_is_not_put_on_again() -> None:
    notes: list[str] = []
    with (
        apply_patches(patch_with_notes("a", notes)),
        apply_patches(patch_with_notes("a", notes)) as (outcome,),
    ):
        assert "already" in str(outcome.skip_reason)
    assert notes == ["+a", "-a"]


def test_a_patch_can_be_put_on_again_once_it_is_off() -> None:
    notes: list[str] = []
    for _ in range(2):
        with apply_patches(patch_with_notes("a", notes)) as (outcome,):
            assert outcome.is_applied
    assert notes == ["+a", "-a"] * 2


def test_a_patch_for_other_versions_is_left_off_and_says_so() -> None:
    notes: list[str] = []
    with apply_patches(patch_with_notes("a", notes, {"mlflow": "<1"})) as (outcome,):
        assert outcome.skip_reason is not None
        assert outcome.skip_reason.startswith("a mends mlflow <1, and ")
    assert notes == []


def test_a_patch_for_what_is_not_installed_is_left_off_and_says_so() -> None:
    with apply_patches(patch_with_notes("a", [], {"no-such-distribution": ">1"})) as (outcome,):
        assert outcome.skip_reason == "a mends no-such-distribution >1, and none is installed"


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_a_patch_says_what_it_mends_and_when_to_delete_it(patch: Patch) -> None:
    assert all((patch.symptom, patch.upstream, patch.versions, patch.delete_when))


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_a_patch_has_a_canary(patch: Patch) -> None:
    file, _, name = patch.canary.partition("::")
    module = import_module(file.removesuffix(".py").replace("/", "."))
    (expected,) = (mark for mark in getattr(module, name).pytestmark if mark.name == "xfail")
    assert expected.kwargs["raises"] is AssertionError
    assert expected.kwargs.get("strict", True)

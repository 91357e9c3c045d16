"""Patches are applied to supported versions only, are always undone, and have a canary test."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from instrumentation.tracing_setup.patches import all_patches
from patches.patch import Patch, apply_patches

PATCHES = all_patches()


def patch_with_notes(name: str, notes: list[str], versions: dict[str, str] | None = None) -> Patch:
    """Return a patch that notes when it is applied and undone."""

    @contextmanager
    def apply() -> Generator[None]:
        notes.append(f"+{name}")
        try:
            yield
        finally:
            notes.append(f"-{name}")

    return Patch(name, "", "", versions or {}, "", "", apply)


def test_patches_are_undone_in_reverse_order() -> None:
    notes: list[str] = []
    with apply_patches(patch_with_notes("a", notes), patch_with_notes("b", notes)):
        pass
    assert notes == ["+a", "+b", "-b", "-a"]


def test_patches_are_undone_after_an_error() -> None:
    notes: list[str] = []
    with pytest.raises(ZeroDivisionError), apply_patches(patch_with_notes("a", notes)):
        raise ZeroDivisionError
    assert notes == ["+a", "-a"]


def test_an_applied_patch_is_not_applied_again() -> None:
    notes: list[str] = []
    with (
        apply_patches(patch_with_notes("a", notes)),
        apply_patches(patch_with_notes("a", notes)) as (outcome,),
    ):
        assert "already" in str(outcome.skip_reason)
    assert notes == ["+a", "-a"]


def test_a_patch_can_be_applied_again_after_it_was_undone() -> None:
    notes: list[str] = []
    for _ in range(2):
        with apply_patches(patch_with_notes("a", notes)) as (outcome,):
            assert outcome.is_applied
    assert notes == ["+a", "-a"] * 2


def test_a_patch_for_other_versions_is_skipped_with_a_reason() -> None:
    notes: list[str] = []
    with apply_patches(patch_with_notes("a", notes, {"mlflow": "<1"})) as (outcome,):
        assert outcome.skip_reason is not None
        assert outcome.skip_reason.startswith("a needs mlflow <1, but ")
    assert notes == []


def test_a_patch_for_a_missing_distribution_is_skipped_with_a_reason() -> None:
    with apply_patches(patch_with_notes("a", [], {"no-such-distribution": ">1"})) as (outcome,):
        assert outcome.skip_reason == "a needs no-such-distribution >1, which is not installed"


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_each_patch_documents_itself(patch: Patch) -> None:
    assert all((patch.symptom, patch.upstream, patch.versions, patch.delete_when))


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_each_patch_is_named_after_its_module(patch: Patch) -> None:
    assert Path("patches", patch.path).is_file()


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_each_patch_has_a_strict_xfail_canary(patch: Patch) -> None:
    file, _, name = patch.canary.partition("::")
    module = import_module(file.removesuffix(".py").replace("/", "."))
    (xfail,) = (mark for mark in getattr(module, name).pytestmark if mark.name == "xfail")
    assert xfail.kwargs["raises"] is AssertionError
    assert xfail.kwargs.get("strict", True)


def upstream(self: object, first: int, second: int = 0) -> None:
    """Stands for a function of another project."""


@pytest.mark.parametrize("parameters", ["", "self", "self, first", "self, first, second"])
def test_code_with_the_expected_parameters_may_be_wrapped(parameters: str) -> None:
    patch = patch_with_notes("a", [])
    with apply_patches(replace(patch, wraps={f"{__name__}:upstream": parameters})) as (outcome,):
        assert outcome.is_applied


@pytest.mark.parametrize(
    ("target", "parameters", "reason"),
    [
        ("upstream", "self, third", r"upstream is expected to take \(self, third, …\), but takes"),
        ("upstream", "self, first, second, third", r"but takes \(self, first, second\)"),
        ("gone", "", "gone does not exist"),
        ("upstream.gone", "", "upstream.gone does not exist"),
        ("PATCHES", "self", "PATCHES is expected to take .* but it is not a function"),
    ],
)
def test_code_that_has_changed_is_not_wrapped(target: str, parameters: str, reason: str) -> None:
    notes: list[str] = []
    patch = replace(patch_with_notes("a", notes), wraps={f"{__name__}:{target}": parameters})
    with apply_patches(patch) as (outcome,):
        assert outcome.leaves_gap
        assert re.search(f"a wraps code that has changed: .*{reason}", str(outcome.skip_reason))
    assert notes == []


def test_a_patch_that_fails_is_skipped_with_its_error() -> None:
    @contextmanager
    def fail() -> Generator[None]:
        raise AttributeError("no attribute 'emit'")
        yield

    patch = replace(patch_with_notes("a", []), apply=fail)
    with apply_patches(patch) as (outcome,):
        assert outcome.leaves_gap
    assert outcome.skip_reason == "a could not be applied: AttributeError: no attribute 'emit'"


def test_a_patch_is_not_needed_where_upstream_is_fixed() -> None:
    patch = replace(patch_with_notes("a", [], {"mlflow": "<1"}), fixed_in={"mlflow": ">=1"})
    with apply_patches(patch) as (outcome,):
        assert not outcome.is_applied
        assert not outcome.leaves_gap


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_each_patch_wraps_code_that_is_as_expected(patch: Patch) -> None:
    if patch.skip_reason() is None:
        assert patch.changed_code() is None


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_each_patch_has_an_upper_bound_for_its_versions(patch: Patch) -> None:
    for supported in patch.versions.values():
        assert any(bound.operator == "<" for bound in SpecifierSet(supported)), supported

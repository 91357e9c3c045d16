"""Each patch declares the code that it replaces, lets new arguments through, and puts it back."""

import inspect
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from inspect import Parameter
from operator import is_not
from typing import Any

import pytest

from instrumentation.tracing_setup.patches import all_patches
from patches.patch import Patch, apply_patches
from patches.support.upstream_signature import resolve_target

UPSTREAM = ("autogen_", "concurrent", "crewai", "httpx", "mlflow", "openai", "threading")
NOT_REPLACED = ("__init_subclass__", "__abstractmethods__", "_abc_impl")
"""Attributes of a class that change while its subclasses are watched."""

PATCHES = [patch for patch in all_patches() if patch.skip_reason() is None]
each_patch = pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)


@dataclass(frozen=True)
class Replacement:
    """An attribute of a module or a class that a patch has replaced."""

    owner: Any
    name: str
    before: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.owner.__name__}.{self.name}"

    def called_functions(self) -> Iterator[Any]:
        """Yield the function that replaces another one, and the context that it calls around it."""
        function = getattr(self.now, "__func__", self.now)
        if inspect.isfunction(function):
            yield function
            if around := inspect.getclosurevars(function).nonlocals.get("around"):
                yield around

    def is_declared(self, target: str) -> bool:
        """Whether a target of `wraps` is this attribute, overrides it or inherits it."""
        owner, name = owner_and_name(target)
        if name != self.name:
            return False
        if inspect.isclass(owner):
            is_override = inspect.isclass(self.owner) and issubclass(self.owner, owner)
            return is_override or inspect.getattr_static(owner, name) in (self.before, self.now)
        # Other modules may have imported the same function.
        return getattr(owner, name) in (self.before, self.now)


def owner_and_name(target: str) -> tuple[Any, str]:
    """Return the module or class that has a target of `wraps`, and the target's name there."""
    module, _, path = target.partition(":")
    outer, _, name = path.rpartition(".")
    return resolve_target(f"{module}:{outer}"), name


class UpstreamCode:
    """The attributes of all upstream modules that are imported, and of their classes."""

    def __init__(self) -> None:
        self._copies = {
            id(owner): (owner, dict(vars(owner)))
            for name, module in list(sys.modules.items())
            if name.startswith(UPSTREAM)
            for owner in (module, *filter(inspect.isclass, list(vars(module).values())))
            if getattr(owner, "__module__", name).startswith(UPSTREAM)
        }

    def replacements(self) -> Iterator[Replacement]:
        """Yield what was replaced since this object was created."""
        for owner, copy in self._copies.values():
            live = vars(owner)
            if not any(map(is_not, map(live.get, copy), copy.values())):
                continue
            for name, value in copy.items():
                if live.get(name) is not value and name not in NOT_REPLACED:
                    yield Replacement(owner, name, value, live.get(name))


@pytest.fixture(scope="module")
def upstream_code() -> UpstreamCode:
    """The code before any patch, with everything imported that patches import."""
    for framework in ("autogen", "crewai", "openai"):
        import_module(f"mlflow.{framework}")
    with apply_patches(*PATCHES) as outcomes:
        assert [each.skip_reason for each in outcomes if not each.is_applied] == []
    return UpstreamCode()


@contextmanager
def replacements_of(patch: Patch, code: UpstreamCode) -> Generator[list[Replacement]]:
    with apply_patches(patch) as (outcome,):
        assert outcome.is_applied
        yield list(code.replacements())


@each_patch
def test_a_patch_declares_everything_that_it_replaces(
    patch: Patch, upstream_code: UpstreamCode
) -> None:
    with replacements_of(patch, upstream_code) as replaced:
        undeclared = [
            str(each) for each in replaced if not any(map(each.is_declared, patch.upstream_code))
        ]
    assert undeclared == []


@each_patch
def test_a_patch_puts_back_everything_that_it_replaced(
    patch: Patch, upstream_code: UpstreamCode
) -> None:
    with apply_patches(patch):
        pass
    assert [str(each) for each in upstream_code.replacements()] == []


def accepts_calls_of(original: Any, function: Any) -> bool:
    """Whether a function takes all arguments of another one, by position or name, and more."""
    parameters = inspect.signature(function, follow_wrapped=False).parameters.values()
    variable = {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}
    named = [each.name for each in parameters if each.kind not in variable]
    known = set(inspect.signature(original).parameters)
    return variable <= {each.kind for each in parameters} and known.issuperset(named[1:])


@each_patch
def test_a_wrapper_passes_arguments_on_that_upstream_adds_later(
    patch: Patch, upstream_code: UpstreamCode
) -> None:
    with replacements_of(patch, upstream_code) as replaced:
        strict = [
            str(each)
            for each in replaced
            for function in each.called_functions()
            if not accepts_calls_of(getattr(each.before, "__func__", each.before), function)
        ]
    assert strict == []


@each_patch
def test_a_patch_declines_where_a_function_takes_other_arguments(
    patch: Patch, upstream_code: UpstreamCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    for target in (each for each, parameters in patch.upstream_code.items() if parameters):
        owner, name = owner_and_name(target)
        with monkeypatch.context() as changed:
            changed.setattr(owner, name, lambda other: other)
            with apply_patches(patch) as (outcome,):
                assert f"wraps code that has changed: {target} is" in str(outcome.skip_reason)


def test_patches_of_the_same_code_can_be_applied_together(upstream_code: UpstreamCode) -> None:
    with apply_patches(*PATCHES):
        assert [patch.changed_code() for patch in PATCHES if patch.changed_code()] == []

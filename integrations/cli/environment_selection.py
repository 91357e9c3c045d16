"""Select environments and cases by the names and requirements on the command line."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from integrations.cases.all_cases import all_cases
from integrations.cases.case import Case
from integrations.environments.declared_environments import DECLARED_ENVIRONMENTS
from integrations.environments.environment_spec import EnvironmentSpec, spec_from_requirements
from integrations.environments.lock_files import PROJECT_LOCK, LockFile, select_lock_file
from integrations.environments.requirements import (
    RequirementError,
    package_name,
    parse_requirement,
)

T = TypeVar("T")

SPACE_AROUND_OPERATOR = re.compile(r"\s*(===|==|~=|!=|<=|>=|<|>|@|,)\s*")
"""Spaces within a requirement, as in `mlflow @ file:///…`, which do not separate requirements."""

SUGGESTED_PACKAGES = ("mlflow", "crewai", "autogen-agentchat", "openai", "opentelemetry-sdk")


class SelectionError(Exception):
    """A name matches nothing; the text lists the available names."""


def select_environments(
    names: Sequence[str], requirements: Sequence[str], instrumentors: Sequence[str]
) -> list[EnvironmentSpec]:
    """Return the declared environments of these names, or all, or one for the requirements.

    Args:
        names: Names of declared environments; none for all.
        requirements: Requirements of one environment that is not declared.
        instrumentors: The only instrumentors to run; none for all.

    Raises:
        SelectionError: A name matches nothing.
        RequirementError: A requirement is not valid, or would change nothing.
    """
    if requirements and names:
        raise SelectionError(
            "--with and --only exclude each other: name requirements or declared environments"
        )
    if requirements:
        specs = [_spec_from_requirements(requirements, instrumentors)]
    else:
        declared = {each.name: each for each in DECLARED_ENVIRONMENTS}
        specs = select_named("environment", names, declared)
    return _limit_instrumentors(specs, instrumentors)


def _spec_from_requirements(texts: Sequence[str], instrumentors: Sequence[str]) -> EnvironmentSpec:
    requirements = [line for text in texts for line in split_requirements(text)]
    packages = [package_name(parse_requirement(line)) for line in requirements]
    lock_file = select_lock_file(packages, instrumentors)
    require_in_lock_file(requirements, lock_file)
    return spec_from_requirements(requirements, lock_file)


def require_in_lock_file(requirements: Sequence[str], lock_file: LockFile = PROJECT_LOCK) -> None:
    """Check that the lock file pins each package: no other package is in the environment.

    Raises:
        RequirementError: A package is not pinned.
    """
    pins = lock_file.pins()
    for line in requirements:
        if (name := package_name(parse_requirement(line))) not in pins:
            raise RequirementError(
                f"{name} is not in the environment, so another version of it would change nothing:"
                f" name {_suggest_packages(lock_file)}, or another package that"
                f" {lock_file.path.name} pins"
            )


def _suggest_packages(lock_file: LockFile) -> str:
    has_own_packages = bool(lock_file.environment_name)
    packages = lock_file.requested_packages() if has_own_packages else SUGGESTED_PACKAGES
    return ", ".join(package.partition("[")[0] for package in packages)


def split_requirements(text: str) -> list[str]:
    """Split a text into requirements, which may be separated by lines or spaces."""
    if "\n" in text:
        lines = (line for line in text.splitlines() if line.strip())
        return [each for line in lines for each in split_requirements(line)]
    if Path(text.strip()).exists() or ";" in text:  # its spaces do not separate requirements
        return [text.strip()]
    package, _, address = text.partition("@")
    path = Path(address.strip().removeprefix("file://"))
    if path.is_absolute() and path.exists():  # a path may contain spaces too
        return [f"{package.strip()} @ {path.as_uri()}"]
    return SPACE_AROUND_OPERATOR.sub(r"\1", text.strip()).split()


def select_cases(names: Sequence[str]) -> list[Case]:
    """Return the cases of these names; all without names.

    A name is a framework, as `crewai`, a case of a framework, as `crewai/memory`, or the name of a
    case in all frameworks. Raises `SelectionError`.
    """
    cases = all_cases()
    if not names:
        return list(cases)
    for name in names:
        if not any(_matches(case, name) for case in cases):
            raise SelectionError(_unknown_name("case", name, (case.full_name for case in cases)))
    return [case for case in cases if any(_matches(case, name) for name in names)]


def _matches(case: Case, name: str) -> bool:
    return name in (case.name, case.framework, case.full_name)


def select_named(kind: str, names: Sequence[str], available: Mapping[str, T]) -> list[T]:
    """Return what has these names; all without names. Raises `SelectionError`."""
    for name in names:
        if name not in available:
            raise SelectionError(_unknown_name(kind, name, available))
    return [available[name] for name in dict.fromkeys(names) or available]


def _limit_instrumentors(
    specs: Sequence[EnvironmentSpec], names: Sequence[str]
) -> list[EnvironmentSpec]:
    """Return the environments that have one of these instrumentors, with no others."""
    select_named(
        "instrumentor", names, {name: name for spec in specs for name in spec.instrumentors}
    )
    if not names:
        return list(specs)
    limited = (
        replace(spec, instrumentors=tuple(each for each in spec.instrumentors if each in names))
        for spec in specs
    )
    return [spec for spec in limited if spec.instrumentors]


def _unknown_name(kind: str, name: str, available: Iterable[str]) -> str:
    return f"no {kind} is called {name!r}; there are: {'; '.join(available)}"

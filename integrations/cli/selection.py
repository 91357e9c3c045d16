"""A choice: the cells and the cases that a person names, or all of them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from integrations.cases.all_cases import all_cases
from integrations.cases.case import Case
from integrations.environments import requirements as lines
from integrations.environments.declared_environments import DECLARED_ENVIRONMENTS
from integrations.environments.environment_spec import EnvironmentSpec, spec_from_requirements
from integrations.environments.lock_file import PROJECT_LOCK, LockFile, find_lock_file
from integrations.environments.requirements import RequirementError

SPACE_AROUND_OPERATOR = re.compile(r"\s*(===|==|~=|!=|<=|>=|<|>|@|,)\s*")
"""Blanks within a requirement, as in `mlflow @ file:///…`: they part it from no other one."""

SUGGESTED_PACKAGES = ("mlflow", "crewai", "autogen-agentchat", "openai", "opentelemetry-sdk")


class SelectionError(Exception):
    """Raised when there is nothing of the name that was given; says what there is."""


def select_environments(
    names: Sequence[str], requirements: Sequence[str], instrumentors: Sequence[str]
) -> list[EnvironmentSpec]:
    """The declared cells of these names, or all; or the one that is made of one's own requirements.

    Raises `NoChoice` and `NoRequirement`.
    """
    if requirements and names:
        raise SelectionError(
            "--cell makes a cell of your own, --only takes declared ones: name one"
        )
    if requirements:
        return _limit_instrumentors(
            [_spec_from_requirements(requirements, instrumentors)], instrumentors
        )
    return _limit_instrumentors(
        _declared(names, {each.name: each for each in DECLARED_ENVIRONMENTS}), instrumentors
    )


def _spec_from_requirements(
    requirements: Sequence[str], instrumentors: Sequence[str]
) -> EnvironmentSpec:
    each = [line for text in requirements for line in split_requirements(text)]
    on = find_lock_file(
        [lines.package_name(lines.parse_requirement(line)) for line in each], instrumentors
    )
    return spec_from_requirements(require_pinned(each, on), on)


def require_pinned(
    requirements: Sequence[str], lock_file: LockFile = PROJECT_LOCK
) -> Sequence[str]:
    """These requirements. Raises `NoRequirement` for one that would change nothing there."""
    pins = lock_file.pins()
    for line in requirements:
        if (name := lines.package_name(lines.parse_requirement(line))) not in pins:
            raise RequirementError(
                f"{name} is none of the packages that a cell consists of, so that to have another"
                f" version of it would change nothing: name {_suggest_packages(lock_file)}, or another that"
                f" {lock_file.path.name} pins"
            )
    return requirements


def _suggest_packages(lock_file: LockFile) -> str:
    """Of the packages there those that a person is likely to mean."""
    parts = lock_file.requested_packages() if lock_file.environment_name else SUGGESTED_PACKAGES
    return ", ".join(part.partition("[")[0] for part in parts)


def split_requirements(text: str) -> list[str]:
    """The requirements in a text: one, or several that stand on lines or have blanks in between."""
    if "\n" in text:
        return [
            each for line in text.splitlines() if line.strip() for each in split_requirements(line)
        ]
    if Path(text.strip()).exists() or ";" in text:  # whose blanks are its own
        return [text.strip()]
    package, _, address = text.partition("@")
    path = Path(address.strip().removeprefix("file://"))
    if path.is_absolute() and path.exists():  # which may have blanks of its own, too
        return [f"{package.strip()} @ {path.as_uri()}"]
    return SPACE_AROUND_OPERATOR.sub(r"\1", text.strip()).split()


def select_cases(names: Sequence[str]) -> list[Case]:
    """The cases of these names: of a framework, as `crewai`; of one, as `crewai/memory`, or of its
    name in each framework. Raises `NoChoice`."""
    every = all_cases()
    if not names:
        return list(every)
    for name in names:
        if not any(_matches(case, name) for case in every):
            raise SelectionError(
                _unknown_name("case", name, (f"{each.framework}/{each.name}" for each in every))
            )
    return [case for case in every if any(_matches(case, name) for name in names)]


def _matches(case: Case, name: str) -> bool:
    return name in (case.name, case.framework, f"{case.framework}/{case.name}")


def _declared(names: Sequence[str], every: dict[str, EnvironmentSpec]) -> list[EnvironmentSpec]:
    for name in names:
        if name not in every:
            raise SelectionError(_unknown_name("cell", name, every))
    return [every[name] for name in dict.fromkeys(names) or every]


def _limit_instrumentors(
    specs: Iterable[EnvironmentSpec], wanted: Sequence[str]
) -> list[EnvironmentSpec]:
    """Those of the cells that have one of these instrumentors, with no others; without, all."""
    every = list(specs)
    there = list(dict.fromkeys(name for each in every for name in each.instrumentors))
    for name in wanted:
        if name not in there:
            raise SelectionError(_unknown_name("instrumentor", name, there))
    under = (replace(each, instrumentors=_common(each.instrumentors, wanted)) for each in every)
    return [each for each in under if each.instrumentors] if wanted else every


def _common(there: Iterable[str], wanted: Sequence[str]) -> tuple[str, ...]:
    return tuple(each for each in there if each in wanted)


def _unknown_name(what: str, name: str, there: Iterable[str]) -> str:
    return f"no {what} is called {name!r}; there are: {'; '.join(there)}"

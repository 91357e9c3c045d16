"""A choice: the cells and the cases that a person names, or all of them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from integrations.cases.all_cases import cases
from integrations.cases.case import Case
from integrations.environments import requirements as lines
from integrations.environments.declared_environments import CELLS
from integrations.environments.environment_spec import Cell, asked
from integrations.environments.lock_file import HOUSE, Base, base
from integrations.environments.requirements import NoRequirement

BLANK_AROUND = re.compile(r"\s*(===|==|~=|!=|<=|>=|<|>|@|,)\s*")
"""Blanks within a requirement, as in `mlflow @ file:///…`: they part it from no other one."""

MEANT = ("mlflow", "crewai", "autogen-agentchat", "openai", "opentelemetry-sdk")


class NoChoice(Exception):
    """Raised when there is nothing of the name that was given; says what there is."""


def cells(names: Sequence[str], own: Sequence[str], instrumentors: Sequence[str]) -> list[Cell]:
    """The declared cells of these names, or all; or the one that is made of one's own requirements.

    Raises `NoChoice` and `NoRequirement`.
    """
    if own and names:
        raise NoChoice("--cell makes a cell of your own, --only takes declared ones: name one")
    if own:
        return _under([_asked(own, instrumentors)], instrumentors)
    return _under(_named(names, {each.name: each for each in CELLS}), instrumentors)


def _asked(own: Sequence[str], instrumentors: Sequence[str]) -> Cell:
    each = [line for text in own for line in requirements(text)]
    on = base([lines.name(lines.read(line)) for line in each], instrumentors)
    return asked(known(each, on), on)


def known(each: Sequence[str], on: Base = HOUSE) -> Sequence[str]:
    """These requirements. Raises `NoRequirement` for one that would change nothing there."""
    pins = on.pins()
    for line in each:
        if (name := lines.name(lines.read(line))) not in pins:
            raise NoRequirement(
                f"{name} is none of the packages that a cell consists of, so that to have another"
                f" version of it would change nothing: name {_some(on)}, or another that"
                f" {on.lock.name} pins"
            )
    return each


def _some(on: Base) -> str:
    """Of the packages there those that a person is likely to mean."""
    parts = on.parts() if on.stands else MEANT
    return ", ".join(part.partition("[")[0] for part in parts)


def requirements(text: str) -> list[str]:
    """The requirements in a text: one, or several that stand on lines or have blanks in between."""
    if "\n" in text:
        return [each for line in text.splitlines() if line.strip() for each in requirements(line)]
    if Path(text.strip()).exists() or ";" in text:  # whose blanks are its own
        return [text.strip()]
    package, _, address = text.partition("@")
    path = Path(address.strip().removeprefix("file://"))
    if path.is_absolute() and path.exists():  # which may have blanks of its own, too
        return [f"{package.strip()} @ {path.as_uri()}"]
    return BLANK_AROUND.sub(r"\1", text.strip()).split()


def chosen_cases(names: Sequence[str]) -> list[Case]:
    """The cases of these names: of a framework, as `crewai`; of one, as `crewai/memory`, or of its
    name in each framework. Raises `NoChoice`."""
    every = cases()
    if not names:
        return list(every)
    for name in names:
        if not any(_is(case, name) for case in every):
            raise NoChoice(_no("case", name, (f"{each.framework}/{each.name}" for each in every)))
    return [case for case in every if any(_is(case, name) for name in names)]


def _is(case: Case, name: str) -> bool:
    return name in (case.name, case.framework, f"{case.framework}/{case.name}")


def _named(names: Sequence[str], every: dict[str, Cell]) -> list[Cell]:
    for name in names:
        if name not in every:
            raise NoChoice(_no("cell", name, every))
    return [every[name] for name in dict.fromkeys(names) or every]


def _under(cells: Iterable[Cell], wanted: Sequence[str]) -> list[Cell]:
    """Those of the cells that have one of these instrumentors, with no others; without, all."""
    every = list(cells)
    there = list(dict.fromkeys(name for each in every for name in each.instrumentors))
    for name in wanted:
        if name not in there:
            raise NoChoice(_no("instrumentor", name, there))
    under = (replace(each, instrumentors=_both(each.instrumentors, wanted)) for each in every)
    return [each for each in under if each.instrumentors] if wanted else every


def _both(there: Iterable[str], wanted: Sequence[str]) -> tuple[str, ...]:
    return tuple(each for each in there if each in wanted)


def _no(what: str, name: str, there: Iterable[str]) -> str:
    return f"no {what} is called {name!r}; there are: {'; '.join(there)}"

"""A choice: the cells and the cases that a person names, or all of them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from integrations import requirements as lines
from integrations.case import Case
from integrations.cases import cases
from integrations.cell import FAMILIES, Cell, asked
from integrations.cells import CELLS
from integrations.requirements import NoRequirement
from integrations.resolution import LOCK

BLANK_AROUND = re.compile(r"\s*(===|==|~=|!=|<=|>=|<|>|@|,)\s*")
"""Blanks within a requirement, as in `mlflow @ file:///…`: they part it from no other one."""


class NoChoice(Exception):
    """Raised when there is nothing of the name that was given; says what there is."""


def cells(names: Sequence[str], own: Sequence[str], instrumentors: Sequence[str]) -> list[Cell]:
    """The declared cells of these names, or all; or the one that is made of one's own requirements.

    Raises `NoChoice` and `NoRequirement`.
    """
    if own and names:
        raise NoChoice("--cell makes a cell of your own, --only takes declared ones: name one")
    chosen = [asked(known(own))] if own else _named(names, {each.name: each for each in CELLS})
    return [_under(each, instrumentors) for each in chosen]


def known(own: Sequence[str]) -> list[str]:
    """Requirements, one by one. Raises `NoRequirement` for one that would change nothing here."""
    each = [line for text in own for line in requirements(text)]
    pins = lines.versions(LOCK.read_text("utf-8").splitlines())
    names = {*pins, *(name for family in FAMILIES for name in family)}
    for line in each:
        if (name := lines.name(lines.read(line))) not in names:
            raise NoRequirement(
                f"{name} is none of the packages that a cell consists of, so that to have another"
                " version of it would change nothing: name mlflow, crewai, autogen-agentchat,"
                f" openai, opentelemetry-sdk, or another that {LOCK.name} pins"
            )
    return each


def requirements(text: str) -> list[str]:
    """The requirements in a text: one, or several that stand on lines or have blanks in between."""
    if "\n" in text:
        return [each for line in text.splitlines() if line.strip() for each in requirements(line)]
    if Path(text.strip()).exists() or ";" in text:  # whose blanks are its own
        return [text.strip()]
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
    return [every[name] for name in names or every]


def _under(cell: Cell, instrumentors: Sequence[str]) -> Cell:
    for name in instrumentors:
        if name not in cell.instrumentors:
            raise NoChoice(_no("instrumentor", name, cell.instrumentors))
    return replace(cell, instrumentors=tuple(instrumentors)) if instrumentors else cell


def _no(what: str, name: str, there: Iterable[str]) -> str:
    return f"no {what} is called {name!r}; there are: {'; '.join(there)}"

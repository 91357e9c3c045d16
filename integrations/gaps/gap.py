"""A gap: something that an instrumentor does not record, declared with its cause and versions.

There is one file per framework. `case_groups` names lists of cases. Each table in `gaps` has the
fields of a `Gap`. By default, both autologs have the gap. `misses` names one or more measures and a
list of cases, a group, or "every case"; a gap that misses "everything" names neither.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet

from integrations.instrumentors.registry import AUTOLOGS
from scenarios.player.fidelity import FidelityCount

EVERY_CASE = ("*",)
"""All cases in which something of the measure happens, including cases that are added later."""
OUTCOME = "outcome"
"""The measure of whether a run agrees with the ground truth of its case. If it does not, nothing
else is counted."""
UNWANTED_MEASURES = ("leaks", OUTCOME)
"""Measures of what should never happen: a gap may affect them in any case."""
ALL_MEASURES = dict.fromkeys(
    (
        *("completions", "tools", "turns", "handoffs", "errors"),
        *("tokens", "costs", "placed", "prompts", "replies"),
    ),
    EVERY_CASE,
)
"""What a gap misses if nothing is recorded at all."""

CaseMeasure = tuple[str, str]
"""The name of a case, and of a measure that is incomplete in it."""
CountsByCase = Mapping[str, Mapping[str, FidelityCount]]
"""Counts by case and measure."""

FRAMEWORKS = ("crewai", "autogen", "openai")


@dataclass(frozen=True, eq=False)  # hashed by identity, so that it can be a dictionary key
class Gap:
    """One cause, and everything that it makes an instrumentor miss.

    Attributes:
        name: A unique name.
        symptom: What is missing or wrong in the traces.
        upstream: The issue, the pull request or the code that causes it.
        framework: The framework whose cases it affects.
        instrumentors: The instrumentors that have it.
        versions: The PEP 440 specifier of the versions that have it, by distribution. All of them
            must be installed in such a version.
        misses: The cases that are incomplete, by measure.
        patch: The patches of ours that fix it, if any.
        hides_other_gaps: Whether so little is recorded that no other gap shows.
    """

    name: str
    symptom: str
    upstream: str
    framework: str
    instrumentors: tuple[str, ...]
    versions: Mapping[str, str]
    misses: Mapping[str, tuple[str, ...]]
    patch: str = ""
    hides_other_gaps: bool = False

    def applies_to(self, framework: str, instrumentor: str, packages: Mapping[str, str]) -> bool:
        """Whether the gap is expected there; `packages` are installed versions by name."""
        return (
            framework == self.framework
            and instrumentor in self.instrumentors
            and all(
                name in packages
                and SpecifierSet(specifier).contains(packages[name], prereleases=True)
                for name, specifier in self.versions.items()
            )
        )

    def expected_misses(self, counts: CountsByCase) -> frozenset[CaseMeasure]:
        """What the gap makes incomplete among these cases."""
        return frozenset(self._expected_misses(counts))

    def _expected_misses(self, counts: CountsByCase) -> Iterator[CaseMeasure]:
        for measure, cases in self.misses.items():
            for case, counted in counts.items():
                if measure not in counted:
                    continue  # the run differs from its ground truth, and nothing was counted
                happened = measure in UNWANTED_MEASURES or counted[measure].ledger > 0
                if case in cases or (cases == EVERY_CASE and happened):
                    yield case, measure


def observed_misses(counts: CountsByCase) -> frozenset[CaseMeasure]:
    """Everything that is incomplete in these cases."""
    return frozenset(
        (case, measure)
        for case, counted in counts.items()
        for measure, count in counted.items()
        if not count.is_equal
    )


@cache
def load_known_gaps() -> tuple[Gap, ...]:
    """Read the declared gaps of all frameworks."""
    return tuple(gap for framework in FRAMEWORKS for gap in _load_gaps(framework))


def _load_gaps(framework: str) -> list[Gap]:
    document = tomllib.loads(Path(__file__).with_name(f"{framework}.toml").read_text("utf-8"))
    groups = {"every case": EVERY_CASE, **document.get("case_groups", {})}
    return [
        Gap(name=name, framework=framework, **_gap_fields(fields, groups))
        for name, fields in document["gaps"].items()
    ]


def _gap_fields(fields: Mapping[str, Any], groups: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    misses = fields["misses"]
    return {
        **fields,
        "instrumentors": tuple(fields.get("instrumentors", AUTOLOGS)),
        "misses": ALL_MEASURES if misses == "everything" else _misses(misses, groups),
    }


def _misses(
    misses: Mapping[str, Any], groups: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    return {
        measure: tuple(groups[cases] if isinstance(cases, str) else cases)
        for measures, cases in misses.items()
        for measure in measures.split(", ")
    }

"""Loads the known gaps of MLflow's autologging and of our own instrumentation from TOML files.

There is one file per framework. `case_groups` names lists of cases. Each table in `gaps` has the
fields of a `Gap`. By default, both autologs have the gap. `misses` names one or more measures and a
list of cases, a group, or "every case"; a gap that misses "everything" names neither.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from integrations.gaps.gap import ALL_MEASURES, EVERY_CASE, Gap
from integrations.instrumentors.registry import AUTOLOGS

FRAMEWORKS = ("crewai", "autogen", "openai")


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

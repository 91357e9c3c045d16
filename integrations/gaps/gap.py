"""A gap: what an instrumentor does not tell as it was, declared with its cause and its versions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from scenarios.player.fidelity import FidelityCount

EVERY_CASE = ("*",)
"""All cases in which there is something to miss: a new case is expected to miss it, too."""
OUTCOME = "flight"
"""The measure of whether a case went as it says: where it did not, nothing else is counted."""
UNWANTED_MEASURES = ("leaks", OUTCOME)
"""Measures of what should not be: there is something to miss in every case."""
ALL_MEASURES = dict.fromkeys(
    (
        *("completions", "tools", "turns", "handoffs", "errors"),
        *("tokens", "costs", "placed", "prompts", "replies"),
    ),
    EVERY_CASE,
)
"""What is missing where nothing is recorded at all."""

CaseMeasure = tuple[str, str]
"""A case, and a measure of it that is not whole."""
CountsByCase = Mapping[str, Mapping[str, FidelityCount]]
"""By case, by measure: what happened, and what is told."""


@dataclass(frozen=True, eq=False)  # each is itself, and can stand as a key
class Gap:
    """A cause, and all that it makes an instrumentor miss: no more, and no less.

    `misses` are cases by measure. `versions` maps a distribution to the PEP 440 specifier of those
    that have the gap; one that is not installed has none. `upstream` is an issue, a pull request or
    the code whose doing it is; `patch` is ours that mends it. One that `silences` leaves nothing
    recorded, so that no other gap can be seen beside it.
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
        """Whether it is to be seen there; `packages` are the versions by name."""
        return (
            framework == self.framework
            and instrumentor in self.instrumentors
            and all(
                name in packages and SpecifierSet(wanted).contains(packages[name], prereleases=True)
                for name, wanted in self.versions.items()
            )
        )

    def expected_misses(self, counts: CountsByCase) -> frozenset[CaseMeasure]:
        """What it makes of these cases; of those that are not among them, nothing."""
        return frozenset(self._expected_misses(counts))

    def _expected_misses(self, counts: CountsByCase) -> Iterator[CaseMeasure]:
        for measure, cases in self.misses.items():
            for case, counted in counts.items():
                if measure not in counted:
                    continue  # it went otherwise than it says
                happened = measure in UNWANTED_MEASURES or counted[measure].ledger > 0
                if case in cases or (cases == EVERY_CASE and happened):
                    yield case, measure


def observed_misses(counts: CountsByCase) -> frozenset[CaseMeasure]:
    """What is not whole."""
    return frozenset(
        (case, measure)
        for case, counted in counts.items()
        for measure, count in counted.items()
        if not count.is_equal
    )

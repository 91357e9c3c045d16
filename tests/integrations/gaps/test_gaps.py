"""Gaps are reconciled both ways: what is seen must be declared, and what is declared be seen."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.cases.all_cases import all_cases
from integrations.gaps.gap import ALL_MEASURES, EVERY_CASE, OUTCOME, CaseMeasure, CountsByCase, Gap
from integrations.gaps.known_gaps import KNOWN_GAPS
from integrations.gaps.reconciliation import GapReconciliation, join_limited, reconcile_gaps
from integrations.instrumentors.registry import WITH_DECLARED_GAPS
from scenarios.player.fidelity import FidelityCount
from scenarios.reports.generated_pages import PROJECT_ROOT

HERE = {"mlflow": "3.17.2", "crewai": "1.15.30"}
CASES = ("one", "two", "three")
MEASURES = ("tools", "turns", "leaks")
PAIRS = st.frozensets(st.tuples(st.sampled_from(CASES), st.sampled_from(MEASURES)))


def gap(misses: Mapping[str, tuple[str, ...]], **told: object) -> Gap:
    """A gap of plain autolog's in CrewAI."""
    given: dict[str, object] = {
        "name": "a_gap",
        "symptom": "something is missing",
        "upstream": "https://example.org/1",
        "framework": "crewai",
        "instrumentors": ("plain autolog",),
        "versions": {"mlflow": ">=3.17"},
    }
    return Gap(**given | told, misses=misses)  # type: ignore[arg-type] # fields by name


def counts(missed: frozenset[CaseMeasure]) -> CountsByCase:
    """Two of each thing happened, and of what is missed one is told."""
    return {
        case: {
            measure: FidelityCount(2, 1 if (case, measure) in missed else 2) for measure in MEASURES
        }
        for case in CASES
    }


def held(
    seen: CountsByCase, *declared: Gap, packages: Mapping[str, str] = HERE
) -> GapReconciliation:
    return reconcile_gaps("crewai", "plain autolog", packages, seen, declared)


def by_measure(missed: frozenset[CaseMeasure]) -> dict[str, tuple[str, ...]]:
    return {
        measure: tuple(case for case in CASES if (case, measure) in missed) for measure in MEASURES
    }


@given(seen=PAIRS, declared=PAIRS)
def test_they_agree_just_where_what_is_seen_is_what_is_declared(
    seen: frozenset[CaseMeasure], declared: frozenset[CaseMeasure]
) -> None:
    came = held(counts(seen), gap(by_measure(declared)))
    assert (came.problems == ()) == (seen == declared)
    assert came.undeclared == seen - declared
    assert frozenset().union(*came.fixed.values()) == declared - seen


@given(seen=PAIRS, parts=st.lists(PAIRS, max_size=4))
def test_what_several_gaps_declare_is_taken_together(
    seen: frozenset[CaseMeasure], parts: list[frozenset[CaseMeasure]]
) -> None:
    came = held(counts(seen), *(gap(by_measure(part)) for part in parts))
    assert (came.problems == ()) == (seen == frozenset().union(*parts))


def test_what_nobody_has_declared_is_told_with_its_counts() -> None:
    (says,) = held(counts(frozenset({("two", "turns")}))).problems
    assert says.startswith("undeclared: crewai, plain autolog: turns of two (1 of 2); mend it, or")


def test_what_is_no_longer_missed_is_told_with_the_patch_to_delete() -> None:
    (says,) = held(counts(frozenset()), gap({"tools": EVERY_CASE}, patch="our_patch")).problems
    assert says.startswith("mended upstream: a_gap, plain autolog, is not seen with mlflow 3.17.2")
    assert "delete the patch our_patch" in says


def test_a_gap_that_is_mended_in_a_case_alone_is_to_be_narrowed() -> None:
    seen = counts(frozenset({("one", "tools")}))
    (says,) = held(seen, gap({"tools": ("one", "two")}, patch="our_patch")).problems
    assert "two (tools)" in says
    assert "narrow its cases" in says
    assert "our_patch" not in says


def test_every_case_is_every_one_in_which_there_is_something_to_miss() -> None:
    seen = {"one": {"tools": FidelityCount(2, 0)}, "two": {"tools": FidelityCount(0, 0)}}
    assert held(seen, gap({"tools": EVERY_CASE})).problems == ()


def test_a_leak_may_be_missed_in_any_case_since_none_should_happen() -> None:
    assert held({"one": {"leaks": FidelityCount(0, 3)}}, gap({"leaks": EVERY_CASE})).problems == ()


def test_more_than_happened_is_a_gap_too() -> None:
    assert held({"one": {"tools": FidelityCount(1, 2)}}).undeclared == {("one", "tools")}


@pytest.mark.parametrize(
    ("packages", "concerned"),
    [
        ({"mlflow": "3.17.2"}, True),
        ({"mlflow": "3.18.0rc1"}, True),
        ({"mlflow": "3.16.0"}, False),
        ({"crewai": "1.15.30"}, False),
    ],
)
def test_a_gap_is_of_its_versions_alone(packages: dict[str, str], concerned: bool) -> None:
    came = held(counts(frozenset()), gap({"tools": EVERY_CASE}), packages=packages)
    assert bool(came.fixed) == concerned


def test_a_gap_of_several_packages_is_there_with_all_of_their_versions_alone() -> None:
    seen, both = counts(frozenset()), {"mlflow": ">=3.17", "crewai": ">=1.15"}
    assert held(seen, gap({"tools": EVERY_CASE}, versions=both)).fixed
    assert not held(seen, gap({"tools": EVERY_CASE}, versions=both | {"crewai": "<1.15"})).fixed


def test_a_sentence_lists_six_cases_and_counts_the_rest() -> None:
    assert join_limited("abcdef") == "a, b, c, d, e, f"
    assert join_limited("abcdefg") == "a, b, c, d, e, f and 1 more"


def test_beside_a_gap_that_silences_no_other_is_expected() -> None:
    nothing = {
        "one": {measure: FidelityCount(1, 0) for measure in ALL_MEASURES}
        | {"leaks": FidelityCount(0, 0)}
    }
    silent = gap(ALL_MEASURES, silences=True)
    doubled = gap({"leaks": EVERY_CASE})
    assert held(nothing, silent, doubled).problems == ()


def test_a_case_that_went_otherwise_must_be_declared_and_misses_nothing_else() -> None:
    seen = {"one": {OUTCOME: FidelityCount(1, 0)}}
    assert held(seen).undeclared == {("one", OUTCOME)}
    assert held(seen, gap({OUTCOME: ("one",)}), gap({"tools": EVERY_CASE})).problems == ()


def test_cases_that_went_otherwise_are_told_in_words_and_not_in_counts() -> None:
    (says,) = held({"one": {OUTCOME: FidelityCount(1, 0)}}).problems
    assert says.startswith("undeclared: crewai, plain autolog: one went otherwise than the case")


def test_each_known_gap_has_a_name_of_its_own() -> None:
    names = [each.name for each in KNOWN_GAPS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("known", KNOWN_GAPS, ids=lambda known: known.name)
def test_a_known_gap_names_cases_and_patches_that_there_are(known: Gap) -> None:
    there = {case.name for case in all_cases(known.framework)}
    named = {case for its in known.misses.values() if its != EVERY_CASE for case in its}
    assert named <= there
    assert set(known.instrumentors) <= set(WITH_DECLARED_GAPS)
    for patch in filter(None, known.patch.split(", ")):
        assert (PROJECT_ROOT / "patches" / f"{patch}.py").exists()

"""Every observed gap must be declared, and every declared gap must be observed."""

from collections.abc import Mapping
from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.cases.all_cases import all_cases
from integrations.environments.lock_files import PROJECT_LOCK
from integrations.fidelity.table_file import load_table
from integrations.gaps.gap import (
    ALL_MEASURES,
    EVERY_CASE,
    OUTCOME,
    CaseMeasure,
    CountsByCase,
    Gap,
    load_known_gaps,
)
from integrations.gaps.reconciliation import GapReconciliation, join_limited, reconcile_gaps
from integrations.instrumentors.registry import (
    PLAIN_AUTOLOG,
    PLAIN_AUTOLOG_3_18,
    WITH_DECLARED_GAPS,
)
from integrations.measures.run_counts import MEASURES as RUN_MEASURES
from scenarios.player.fidelity import FidelityCount

INSTALLED = {"mlflow": "3.17.2", "crewai": "1.15.30"}
CASES = ("one", "two", "three")
MEASURES = ("tools", "turns", "leaks")
PAIRS = st.frozensets(st.tuples(st.sampled_from(CASES), st.sampled_from(MEASURES)))


def gap(misses: Mapping[str, tuple[str, ...]], **fields: object) -> Gap:
    """A gap of plain autolog in CrewAI."""
    defaults: dict[str, object] = {
        "name": "a_gap",
        "symptom": "something is missing",
        "upstream": "https://example.org/1",
        "framework": "crewai",
        "instrumentors": ("plain autolog",),
        "versions": {"mlflow": ">=3.17"},
    }
    return Gap(**defaults | fields, misses=misses)  # type: ignore[arg-type] # fields by name


def counts(misses: frozenset[CaseMeasure]) -> CountsByCase:
    """Everything happened twice, and was recorded once where it is missed."""
    return {
        case: {
            measure: FidelityCount(2, 1 if (case, measure) in misses else 2) for measure in MEASURES
        }
        for case in CASES
    }


def reconcile(
    observed: CountsByCase, *declared: Gap, packages: Mapping[str, str] = INSTALLED
) -> GapReconciliation:
    return reconcile_gaps("crewai", "plain autolog", packages, observed, declared)


def by_measure(misses: frozenset[CaseMeasure]) -> dict[str, tuple[str, ...]]:
    return {
        measure: tuple(case for case in CASES if (case, measure) in misses) for measure in MEASURES
    }


@given(observed=PAIRS, declared=PAIRS)
def test_there_are_no_problems_only_if_observed_equals_declared(
    observed: frozenset[CaseMeasure], declared: frozenset[CaseMeasure]
) -> None:
    result = reconcile(counts(observed), gap(by_measure(declared)))
    assert (result.problems == ()) == (observed == declared)
    assert result.undeclared == observed - declared
    assert frozenset().union(*result.fixed.values()) == declared - observed


@given(observed=PAIRS, parts=st.lists(PAIRS, max_size=4))
def test_several_gaps_are_combined(
    observed: frozenset[CaseMeasure], parts: list[frozenset[CaseMeasure]]
) -> None:
    result = reconcile(counts(observed), *(gap(by_measure(part)) for part in parts))
    assert (result.problems == ()) == (observed == frozenset().union(*parts))


def test_an_undeclared_gap_is_reported_with_its_counts() -> None:
    (problem,) = reconcile(counts(frozenset({("two", "turns")}))).problems
    assert problem.startswith(
        "undeclared gap: crewai, plain autolog: turns of two (1 of 2); fix it, or"
    )


def test_a_fixed_gap_is_reported_with_the_patch_to_delete() -> None:
    (problem,) = reconcile(
        counts(frozenset()), gap({"tools": EVERY_CASE}, patch="our_patch")
    ).problems
    assert problem.startswith(
        "fixed upstream: a_gap, plain autolog, does not occur with mlflow 3.17.2"
    )
    assert "delete the patch our_patch" in problem


def test_a_gap_that_is_fixed_in_some_cases_must_be_limited() -> None:
    observed = counts(frozenset({("one", "tools")}))
    (problem,) = reconcile(observed, gap({"tools": ("one", "two")}, patch="our_patch")).problems
    assert "two (tools)" in problem
    assert "remove these cases" in problem
    assert "our_patch" not in problem


def test_every_case_means_those_in_which_something_happened() -> None:
    observed = {"one": {"tools": FidelityCount(2, 0)}, "two": {"tools": FidelityCount(0, 0)}}
    assert reconcile(observed, gap({"tools": EVERY_CASE})).problems == ()


def test_a_gap_with_leaks_may_be_in_any_case() -> None:
    assert (
        reconcile({"one": {"leaks": FidelityCount(0, 3)}}, gap({"leaks": EVERY_CASE})).problems
        == ()
    )


def test_excess_records_are_a_gap() -> None:
    assert reconcile({"one": {"tools": FidelityCount(1, 2)}}).undeclared == {("one", "tools")}


@pytest.mark.parametrize(
    ("packages", "applies"),
    [
        ({"mlflow": "3.17.2"}, True),
        ({"mlflow": "3.18.0rc1"}, True),
        ({"mlflow": "3.16.0"}, False),
        ({"crewai": "1.15.30"}, False),
    ],
)
def test_a_gap_applies_to_its_versions_only(packages: dict[str, str], applies: bool) -> None:
    result = reconcile(counts(frozenset()), gap({"tools": EVERY_CASE}), packages=packages)
    assert bool(result.fixed) == applies


def test_a_gap_applies_only_if_all_of_its_packages_match() -> None:
    observed, both = counts(frozenset()), {"mlflow": ">=3.17", "crewai": ">=1.15"}
    assert reconcile(observed, gap({"tools": EVERY_CASE}, versions=both)).fixed
    assert not reconcile(
        observed, gap({"tools": EVERY_CASE}, versions=both | {"crewai": "<1.15"})
    ).fixed


def test_a_sentence_lists_six_cases_and_counts_the_rest() -> None:
    assert join_limited("abcdef") == "a, b, c, d, e, f"
    assert join_limited("abcdefg") == "a, b, c, d, e, f and 1 more"


def test_a_gap_that_hides_others_is_the_only_one_expected() -> None:
    nothing = {
        "one": {measure: FidelityCount(1, 0) for measure in ALL_MEASURES}
        | {"leaks": FidelityCount(0, 0)}
    }
    silent = gap(ALL_MEASURES, hides_other_gaps=True)
    doubled = gap({"leaks": EVERY_CASE})
    assert reconcile(nothing, silent, doubled).problems == ()


def test_an_unexpected_outcome_must_be_declared() -> None:
    observed = {"one": {OUTCOME: FidelityCount(1, 0)}}
    assert reconcile(observed).undeclared == {("one", OUTCOME)}
    assert reconcile(observed, gap({OUTCOME: ("one",)}), gap({"tools": EVERY_CASE})).problems == ()


def test_an_unexpected_outcome_is_described_without_counts() -> None:
    (problem,) = reconcile({"one": {OUTCOME: FidelityCount(1, 0)}}).problems
    assert problem.startswith(
        "undeclared gap: crewai, plain autolog: the run differs from the ground truth of one"
    )


def test_known_gaps_have_unique_names() -> None:
    names = [each.name for each in load_known_gaps()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("known", load_known_gaps(), ids=lambda known: known.name)
def test_a_known_gap_names_existing_cases_measures_and_patches(known: Gap) -> None:
    assert known.misses.keys() <= {*RUN_MEASURES, OUTCOME}
    existing = {case.name for case in all_cases(known.framework)}
    named = {case for cases in known.misses.values() if cases != EVERY_CASE for case in cases}
    assert named <= existing
    assert set(known.instrumentors) <= set(WITH_DECLARED_GAPS)
    for patch in filter(None, known.patch.split(", ")):
        assert find_spec(f"patches.{patch}")


@pytest.mark.parametrize("framework", ["crewai", "autogen", "openai"])
@pytest.mark.parametrize("column", [PLAIN_AUTOLOG, PLAIN_AUTOLOG_3_18])
def test_the_declared_gaps_are_those_that_the_fidelity_table_has(
    column: str, framework: str
) -> None:
    table = load_table()
    observed = {
        case: table.entries[framework, case, column].counts for case in table.titles[framework]
    }
    packages = {
        **table.versions[column],
        "opentelemetry-sdk": PROJECT_LOCK.pins()["opentelemetry-sdk"],
    }
    result = reconcile_gaps(framework, PLAIN_AUTOLOG, packages, observed, load_known_gaps())
    assert result.problems == ()

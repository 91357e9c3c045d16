"""The statistics of an evaluation, against those of scipy and scikit-learn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from scenarios.evaluation.paired_comparison import (
    PairedComparison,
    compare_pairs,
    measure_agreement,
)

COUNTS = st.integers(0, 60)


@given(COUNTS, COUNTS)
def test_the_p_value_is_that_of_a_two_sided_sign_test(first: int, second: int) -> None:
    compared = PairedComparison("a", "b", first + second, first, second)
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert compared.p_value == pytest.approx(expected)


def test_only_tasks_on_which_the_versions_differ_count() -> None:
    compared = compare_pairs(
        {
            "old": {"a": True, "b": False, "c": False, "d": True},
            "new": {"a": True, "b": True, "c": False, "d": False},
        }
    )
    assert (compared.tasks, compared.only_first, compared.only_second) == (4, 1, 1)
    assert compared.verdict == "no difference"


@pytest.mark.parametrize(("wins", "verdict"), [(5, "may be chance"), (6, "new is better")])
def test_six_of_six_is_significant_and_five_of_five_is_not(wins: int, verdict: str) -> None:
    tasks = [f"task {number}" for number in range(wins)]
    compared = compare_pairs(
        {"old": dict.fromkeys(tasks, False), "new": dict.fromkeys(tasks, True)}
    )
    assert verdict in compared.verdict


def test_versions_with_other_tasks_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match=r"only one has \['b'\]"):
        compare_pairs({"old": {"a": True}, "new": {"a": True, "b": True}})


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[bool, bool]]) -> None:
    from sklearn.metrics import cohen_kappa_score  # type: ignore[import-untyped]  # has no types

    verdicts, truth = [one for one, _ in pairs], [one for _, one in pairs]
    agreement = measure_agreement(verdicts, truth)
    assert agreement.accuracy == sum(a == b for a, b in pairs) / len(pairs)
    if agreement.kappa is None:
        assert len({*verdicts, *truth}) == 1
    else:
        assert agreement.kappa == pytest.approx(cohen_kappa_score(verdicts, truth))


def test_verdicts_without_a_truth_are_an_error() -> None:
    with pytest.raises(ValueError, match="2 verdicts of 1 runs"):
        measure_agreement([True, False], [True])

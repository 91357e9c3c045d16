"""Figures: how they are extracted from texts, and checked against sources."""

import json
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instrumentation.figures.figure_check import FigureCheck, check_figures, extract_figures

ANNUAL = '{"value": 4.878, "unit": "%", "period": "2023"}'
NEXT_YEAR = '{"value": 2.256, "unit": "%", "period": "2024"}'
QUARTERLY = '{"value": 0.8, "unit": "%", "period": "2023Q4"}'
EXPORTS = '{"value": 1250, "unit": "USD million"}'
IMPORTS = '{"value": 1000, "unit": "USD million"}'

numbers = st.decimals(min_value="-1e9", max_value="1e9", places=3, allow_nan=False)
units = st.sampled_from(["%", "km", "percentage points", "USD", ""])


def read_figures(text: str) -> list[tuple[str, str | None, str | None]]:
    return [(f"{figure.value:f}", figure.unit, figure.period) for figure in extract_figures(text)]


def read_values(text: str) -> list[Decimal]:
    return [figure.value for figure in extract_figures(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,200", "1200"),
        ("1.2 thousand", "1200"),
        ("1.2k", "1200"),
        ("1 200 000", "1200000"),
        ("1\u202f200", "1200"),
        ("1.200,5", "1200.5"),
        ("1.234.567", "1234567"),
        ("4,9", "4.9"),
        ("0,125", "0.125"),
        ("5m", "5000000"),
        ("3.1 bn", "3100000000"),
        ("two million people", "2000000"),
        ("twenty-five percent", "25"),
        ("a hundred thousand tonnes", "100000"),
        ("half a million", "500000"),
        ("-4.9", "-4.9"),
        ("\u22124.9", "-4.9"),
        ("+3", "3"),
        ("25 basis points", "0.25"),
    ],
)
def test_a_number_is_parsed(text: str, value: str) -> None:
    assert read_values(text) == [Decimal(value)]


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("4.9%", "%"),
        ("4.9 per cent", "%"),
        ("4.9 percentage points", "pp"),
        ("US$ 5", "USD"),
        ("$5m", "USD"),
        ("5 billion euros", "EUR"),
        ("EUR 5", "EUR"),
        ("12 km", "km"),
        ("3 times", "times"),
        ("7 sheep", None),
    ],
)
def test_a_unit_is_before_or_after_the_number(text: str, unit: str | None) -> None:
    assert [figure.unit for figure in extract_figures(text)] == [unit]


@pytest.mark.parametrize(
    "text",
    [
        "in 2023, from 1990-2020, since the 1990s, FY2023, 2019/20",
        "2023Q4 and Q4 2023 and 2023-05-01 at 12:30, 5 May 2023, May 5, and 2023-11",
        "1. One\n2) Two\n- (3) three\n## 4. Four",
        "see Figure 3, Table 2, section 4.1, step 5 and [4] or [1, 2]",
        "FP.CPI.TOTL.ZG, G7, CO2, COVID-19, v1.2.3, ISO-3166 and T2",
        "https://api.worldbank.org/v2/country/FRA?date=2023&per_page=50",
        "the 3rd of 10 years, a 12-month rate, within 5 days",
        "one of the two countries",
        "constant 2015 prices",
    ],
)
def test_numbers_that_are_not_figures_are_ignored(text: str) -> None:
    assert read_values(text) == []


def test_a_year_with_a_unit_is_a_figure() -> None:
    assert read_figures("2000 km, $2023 and 2,023") == [
        ("2000", "km", None),
        ("2023", "USD", None),
        ("2023", None, None),
    ]


def test_both_ends_of_a_range_have_its_unit_and_are_positive() -> None:
    assert read_figures("4.5–5.0% or 4.5-5.0 %") == [("4.5", "%", None), ("5.0", "%", None)] * 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("- 4.9% inflation", "4.9"),
        ("Inflation \u2013 4.9% in 2023", "4.9"),
        ("Growth was -4.9%", "-4.9"),
        ("Growth was \u20134.9%", "-4.9"),
        ("Growth was (4.9)%", "-4.9"),
        ("A result of $(1,200)", "-1200"),
        ("inflation (4.9), consumer prices", "4.9"),
        ("inflation (4.9%)", "4.9"),
    ],
)
def test_a_bullet_is_not_a_sign_and_accounting_parentheses_are(text: str, value: str) -> None:
    assert read_values(text) == [Decimal(value)]


@pytest.mark.parametrize(
    ("text", "periods"),
    [
        ("Annual inflation was 4.9%", ["year"]),
        ("4.9% a year and 0.3% more", ["year", None]),
        ("0.8% per quarter, 3.2% annualised", ["quarter", "year"]),
        ("0.8% quarter on quarter", ["quarter"]),
        ("4.1% year-on-year and 0.2% m/m", ["year", "month"]),
        ("quarterly growth of 0.8%, and annual inflation of 4.9%", ["quarter", "year"]),
        ("In 2023 the quarterly rate was 0.8%", ["quarter"]),
        ("0.8% in Q4 2023", ["quarter"]),
        ("It was 0.8% in 2023", ["year"]),
        ("A quarter of the 4.9 million", [None]),
        ("4.9%. Per year that is much", [None]),
    ],
)
def test_a_period_is_found_in_the_words_around_the_figure(
    text: str, periods: list[str | None]
) -> None:
    assert [figure.period for figure in extract_figures(text)] == periods


def test_a_json_object_states_unit_and_period_beside_the_value() -> None:
    assert read_figures(ANNUAL) == [("4.878", "%", "year")]
    assert read_figures(
        '{"value": "0.8", "unit": "%", "period": "2023", "frequency": "quarterly"}'
    ) == [("0.8", "%", "quarter")]
    assert read_figures('{"gdp_usd_bn": 2600}') == [("2600000000000", "USD", None)]


def test_paging_in_the_world_banks_reply_is_ignored() -> None:
    reply = [
        {"page": 1, "pages": 1, "per_page": 50, "total": 1, "sourceid": "2"},
        [
            {
                "indicator": {"id": "X", "value": "Inflation, consumer prices (annual %)"},
                "date": "2023",
                "value": 4.878,
                "unit": "",
                "decimal": 1,
            }
        ],
    ]
    assert read_figures(json.dumps(reply)) == [("4.878", "%", "year")]


def test_a_null_value_is_not_a_figure() -> None:
    assert read_figures('{"value": null, "unit": "%", "period": "2023"}') == []


def check(report: str, *sources: str) -> FigureCheck:
    return check_figures(report, sources)


def reasons(report: str, *sources: str) -> list[str]:
    return [figure.reason for figure in check(report, *sources).unsupported]


def derivations(report: str, *sources: str) -> list[str]:
    result = check(report, *sources)
    assert not result.unsupported
    return [figure.derivation for figure in result.supported]


@pytest.mark.parametrize(
    "report",
    [
        "Inflation was 4.878% in 2023.",
        "Annual inflation: 4.9 %",
        "It was 5 percent.",
        "almost 5%",
        "over 4.8%",
        "about five percent",
    ],
)
def test_a_report_may_round(report: str) -> None:
    assert check(report, ANNUAL).passed


@pytest.mark.parametrize("report", ["4.8%", "4.88 km", "4.8781%", "over 5%", "0%", "-4.9%", "490%"])
def test_an_unsupported_figure_is_found(report: str) -> None:
    assert not check(report, ANNUAL).passed


def test_scales_of_report_and_source_may_differ() -> None:
    assert check("1,200 tonnes", '{"value": "1.2", "unit": "thousand tonnes"}').passed
    assert check("1.2 thousand tonnes", '{"value": 1200, "unit": "tonnes"}').passed


def test_a_quarterly_figure_does_not_support_an_annual_one() -> None:
    expected = "the source gives it per quarter, the report per year"
    assert reasons("Annual growth was 0.8%.", QUARTERLY) == [expected]
    assert reasons("Growth was 0.8% in 2023.", QUARTERLY) == [expected]


def test_a_date_within_a_year_does_not_contradict_a_rate_per_year() -> None:
    source = '{"value": 4.1, "unit": "% year on year", "period": "2023Q4"}'
    assert check("In Q4 2023 inflation stood at 4.1%.", source).passed


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        ("4.9 km", "the source says %, the report km"),
        ("-4.9%", "no source has it; one has 4.878, with the other sign"),
        ("4,878%", "no source has it; one has 4.878, a thousand times smaller"),
        ("5.1%", "no source has it; the nearest is 4.878 %"),
        ("77%", "no source has it"),
    ],
)
def test_a_reason_names_what_the_source_states(report: str, reason: str) -> None:
    assert reasons(report, ANNUAL) == [reason]


def test_the_reason_says_that_the_sources_have_no_figures() -> None:
    assert reasons("4.9%", "no data") == ["the sources state no figures"]


def test_a_decrease_in_words_matches_a_negative_figure() -> None:
    source = '{"value": -0.9, "unit": "%"}'
    assert check("Output shrank by 0.9%.", source).passed
    assert not check("Output grew by 0.9%.", source).passed


@pytest.mark.parametrize(
    "report",
    [
        "GDP rose 0.9% while unemployment fell.",
        "Output fell to 0.9%.",
        "Growth of 0.9% was lower than expected.",
        "The economy grew 0.9%, reducing poverty.",
    ],
)
def test_a_decrease_of_something_else_does_not_count(report: str) -> None:
    assert not check(report, '{"value": -0.9, "unit": "%"}').passed


@pytest.mark.parametrize("report", ["4.9% in 2022", "In 2022 it was 4.9%.", "4.9% in Q4 2022"])
def test_a_figure_of_another_year_is_not_supported(report: str) -> None:
    source = '{"value": 4.878, "unit": "%", "frequency": "annual", "period": "2023"}'
    assert reasons(report, source) == ["the source gives it for 2023, the report for 2022"]


@pytest.mark.parametrize(
    "report",
    [
        "Inflation was 4.9% in 2023.",
        "Compared with the 5.2% in 2022, it was 4.9% in 2023.",
        "In 2022 it was higher; a year later it was 4.9%.",
        "In 2024 it fell, against 4.9% the year before.",
    ],
)
def test_a_sentence_may_mention_another_year(report: str) -> None:
    source = '{"value": 4.878, "unit": "%", "frequency": "annual", "period": "2023"}'
    assert check(report, source, "5.2% in 2022").passed


@pytest.mark.parametrize("report", ["above 5%", "at least 5%", "exceeded 5%", "below 4.8%"])
def test_a_bound_that_the_source_violates_is_not_supported(report: str) -> None:
    assert not check(report, ANNUAL).passed


@pytest.mark.parametrize("report", ["exceeded 4%", "at least 4.8%", "below 5%", "at most 5%"])
def test_a_bound_that_the_source_meets_is_supported(report: str) -> None:
    assert check(report, ANNUAL).passed


def test_a_price_per_unit_needs_the_same_unit() -> None:
    for source in ("0.12 EUR/kWh", '{"value": 0.12, "unit": "EUR per kWh"}'):
        assert check("0.12 EUR per kWh, or 0.12 EUR", source).passed
        assert reasons("0.12 EUR/MWh", source) == ["the source says EUR/kWh, the report EUR/MWh"]


@pytest.mark.parametrize(
    ("report", "derivation"),
    [
        ("Growth was 0.8% a quarter. Annualised, that is 3.2%.", "annualised rate"),
        ("Growth of 0.8% a quarter. Compounded, that is 3.24% a year.", "annualised rate"),
    ],
)
def test_an_annualized_rate_is_derived(report: str, derivation: str) -> None:
    assert derivations(report, QUARTERLY) == ["stated", derivation]


def test_an_annualized_rate_must_be_named_as_such() -> None:
    assert reasons("Growth was 3.2%.", QUARTERLY) == ["no source has it"]


@pytest.mark.parametrize(
    ("report", "derivation"),
    [
        ("4.9% in 2023, then 2.3%: a difference of 2.6 percentage points", "difference"),
        ("4.9% in 2023, then 2.3%: a mean of 3.6%", "mean"),
        ("It fell by 2.6 percentage points from 4.9% to 2.3%", "difference"),
    ],
)
def test_a_named_calculation_with_two_rates_is_derived(report: str, derivation: str) -> None:
    assert derivation in derivations(report, ANNUAL, NEXT_YEAR)


@pytest.mark.parametrize(
    ("report", "derivation"),
    [
        ("Exports of $1.25bn are 25% higher than imports.", "change"),
        ("Exports of $1.25bn are 1.25 times the imports.", "ratio"),
        ("With exports of $1.25bn, trade came to $2.25bn in total.", "sum"),
        ("Imports of $1bn are 80% of the exports.", "share"),
    ],
)
def test_a_named_calculation_with_two_amounts_is_derived(report: str, derivation: str) -> None:
    assert derivation in derivations(report, EXPORTS, IMPORTS)


@pytest.mark.parametrize(
    "report",
    [
        "Inflation was 4.9%, and elsewhere 2.6%.",
        "It fell by 2.6% from 4.9%.",
        "Inflation was 2.6 percentage points lower.",
        "From 4.9% it fell by 2.9 percentage points.",
    ],
    ids=["no calculation named", "percent for points", "neither stated", "wrong"],
)
def test_an_accidental_calculation_is_not_derived(report: str) -> None:
    assert not check(report, ANNUAL, NEXT_YEAR).passed


def test_counts_and_reasons_are_attributes() -> None:
    attributes = check("Inflation was 4.9%, unemployment 7.3%.", ANNUAL, NEXT_YEAR).attributes()
    assert attributes == {
        "flight_recorder.validation.report_number_count": 2,
        "flight_recorder.validation.source_number_count": 2,
        "flight_recorder.validation.matched_number_count": 1,
        "flight_recorder.validation.derived_number_count": 0,
        "flight_recorder.validation.unmatched_number_count": 1,
        "flight_recorder.validation.unmatched": ["7.3%: no source has it"],
    }


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    for figure in extract_figures(text):
        assert figure.low <= figure.value <= figure.high


@given(st.recursive(st.none() | st.text() | st.floats() | st.integers(), st.lists, max_leaves=9))
def test_any_json_can_be_read(result: object) -> None:
    extract_figures(json.dumps({"value": result, "unit": "%"}))


@given(numbers, units)
def test_a_figure_of_a_source_may_be_repeated(value: Decimal, unit: str) -> None:
    source = json.dumps({"value": float(value), "unit": unit})
    assert check(f"It is {value:,} {unit}.", source).passed


@given(numbers, st.integers(0, 2))
def test_a_rounded_figure_is_supported(value: Decimal, places: int) -> None:
    rounded = round(value, places)
    if rounded or places:
        assert check(f"It is {rounded:,f} km.", f"It is {value} km.").passed


@given(numbers, st.decimals("0.11", "100", places=2))
def test_a_wrong_figure_is_not_supported(value: Decimal, error: Decimal) -> None:
    wrong = round(value, 1) + error + Decimal("0.05")
    assert not check(f"It is {wrong:f} km.", f"It is {value} km.").passed


@given(st.lists(numbers, max_size=6), st.lists(numbers, max_size=6))
def test_every_figure_is_supported_or_unsupported(
    report: Sequence[Decimal], known: Sequence[Decimal]
) -> None:
    result = check(
        "; ".join(f"{number} km" for number in report), *(f"{number} km" for number in known)
    )
    assert len(result.supported) + len(result.unsupported) == len(result.reported) == len(report)


@given(numbers, numbers)
def test_more_sources_never_make_a_figure_unsupported(value: Decimal, other: Decimal) -> None:
    report, source = f"It is {value} km.", f"It is {value} km."
    assert check(report, f"It is {other} km.", source).passed

"""The World Bank tool: a reply read strictly, or a sentence that says why not."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from scenarios.replay.faults import Fault, hangs, rate_limited
from scenarios.replay.replay_server import ReplayServer, replay_tape
from tests.support.tapes import make_tape, service_line
from workflows.bank_reply import Refused, SchemaChanged, structured
from workflows.world_bank import Unavailable, asked

PATH = "/v2/country/FRA/indicator/FP.CPI.TOTL.ZG"
PAGE = {
    "page": 1,
    "pages": 1,
    "per_page": 50,
    "total": 1,
    "sourceid": "2",
    "lastupdated": "2025-06-05",
}
ROW = {
    "indicator": {"id": "FP.CPI.TOTL.ZG", "value": "Inflation, consumer prices (annual %)"},
    "country": {"id": "FR", "value": "France"},
    "countryiso3code": "FRA",
    "date": "2023",
    "value": 4.87835726508441,
    "unit": "",
    "obs_status": "",
    "decimal": 1,
}
EMPTY = [
    {"page": 0, "pages": 0, "per_page": 0, "total": 0, "sourceid": None, "lastupdated": None},
    None,
]
REFUSAL = [
    {
        "message": [
            {
                "id": "120",
                "key": "Invalid value",
                "value": "The provided parameter value is not valid",
            }
        ]
    }
]


def page(**fields: Any) -> Any:
    return [PAGE, [ROW | fields]]


def without(field: str) -> Any:
    return [PAGE, [{key: value for key, value in ROW.items() if key != field}]]


def test_a_figure_comes_with_unit_period_and_source() -> None:
    assert structured(page()) == {
        "value": 4.87835726508441,
        "unit": "%",
        "frequency": "annual",
        "period": "2023",
        "country": "France",
        "indicator": "Inflation, consumer prices",
        "source": "World Bank, FP.CPI.TOTL.ZG, updated 2025-06-05",
        "cite": "4.9%, annual, 2023",
    }


@pytest.mark.parametrize(
    ("date", "frequency"), [("2023", "annual"), ("2023Q4", "quarterly"), ("2023M12", "monthly")]
)
def test_its_period_tells_a_quarter_from_a_year(date: str, frequency: str) -> None:
    read = structured(page(date=date))
    assert (read["period"], read["frequency"]) == (date, frequency)


def test_a_yearly_rate_at_a_quarter_is_no_quarterly_rate() -> None:
    assert structured(page(date="2023Q4"))["cite"] == "4.9 annual %, quarterly, 2023Q4"


def test_a_unit_of_its_own_comes_before_the_one_in_the_title() -> None:
    assert structured(page(unit="points"))["cite"] == "4.9 points, annual, 2023"


def test_a_figure_without_a_unit_has_none() -> None:
    title = {"id": "SP.POP.TOTL", "value": "Population, total"}
    read = structured(page(indicator=title, value=68287487, decimal=0))
    assert (read["unit"], read["cite"]) == (None, "68287487, annual, 2023")


@pytest.mark.parametrize("reply", [EMPTY, [EMPTY[0], []], page(value=None)])
def test_no_data_is_said_as_no_data(reply: Any) -> None:
    read = structured(reply)
    assert read["value"] is None
    assert read["says"].startswith("no data: ")


def test_a_zero_is_a_figure() -> None:
    assert structured(page(value=0))["value"] == 0


def test_a_refusal_is_told_in_the_world_bank_s_own_words() -> None:
    with pytest.raises(Refused, match="The provided parameter value is not valid"):
        structured(REFUSAL)


@pytest.mark.parametrize("field", ["value", "date", "indicator", "country", "unit", "decimal"])
def test_a_field_that_is_gone_is_named(field: str) -> None:
    with pytest.raises(SchemaChanged, match=f"no {field} in a row of "):
        structured(without(field))


@pytest.mark.parametrize(
    "reply",
    [
        page(value="4.9"),
        page(value=True),
        page(date="FY23"),
        page(indicator="FP.CPI.TOTL.ZG"),
        [PAGE, [ROW, ROW]],
        [PAGE, None],
        {"data": [ROW]},
        [],
        None,
    ],
)
def test_another_shape_is_not_guessed_at(reply: Any) -> None:
    with pytest.raises(SchemaChanged):
        structured(reply)


@pytest.mark.parametrize(
    "fields", [{"value": float("nan")}, {"value": float("inf")}, {"decimal": -1}]
)
def test_what_is_no_number_is_no_figure(fields: Any) -> None:
    with pytest.raises(SchemaChanged, match="of another kind"):
        structured(page(**fields))


def test_a_field_that_nobody_reads_changes_nothing() -> None:
    assert structured(page(footnote="")) == structured(page())


def test_it_asks_for_one_country_one_indicator_and_one_period() -> None:
    with reached(page()) as (replay, http):
        assert asked(http, "FRA", "FP.CPI.TOTL.ZG", "2023") == page()
        (exchange,) = replay.ledger.exchanges
    assert exchange.path == PATH


@pytest.mark.parametrize(
    ("fault", "said"),
    [(rate_limited("world_bank"), "HTTP 429"), (hangs("world_bank"), "ReadTimeout")],
)
def test_no_answer_is_an_error_that_says_why(fault: Fault, said: str) -> None:
    with reached(page(), fault) as (_, http), pytest.raises(Unavailable, match=said):
        asked(http, "FRA", "FP.CPI.TOTL.ZG", "2023")


@pytest.mark.parametrize(("status", "error"), [(404, Refused), (503, Unavailable)])
def test_only_what_may_be_answered_later_is_unavailable(
    status: int, error: type[Exception]
) -> None:
    line = service_line("world_bank", PATH, None, method="GET")
    line["reply"] = {"status": status, "text": "no"}
    with (
        replay_tape(make_tape(line)) as replay,
        httpx.Client(base_url=replay.url) as http,
        pytest.raises(error, match=f"HTTP {status}"),
    ):
        asked(http, "FRA", "FP.CPI.TOTL.ZG", "2023")


def test_an_answer_that_is_no_json_is_no_answer() -> None:
    line = service_line("world_bank", PATH, None, method="GET")
    line["reply"] = {"text": "<html>busy</html>"}
    with (
        replay_tape(make_tape(line)) as replay,
        httpx.Client(base_url=replay.url) as http,
        pytest.raises(Unavailable, match="no JSON"),
    ):
        asked(http, "FRA", "FP.CPI.TOTL.ZG", "2023")


@contextmanager
def reached(reply: Any, *faults: Fault) -> Iterator[tuple[ReplayServer, httpx.Client]]:
    line = service_line("world_bank", PATH, reply, method="GET", when=r"format=json.*date=2023")
    with (
        replay_tape(make_tape(line), faults) as replay,
        httpx.Client(base_url=replay.url, timeout=0.5) as http,
    ):
        yield replay, http

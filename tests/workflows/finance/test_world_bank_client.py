"""The World Bank client, which parses a reply strictly and reports why it cannot."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scenarios.replay.faults import Fault, hangs, rate_limited
from scenarios.replay.replay_server import ReplayServer, replay_tape
from tests.support.finance_runs import EMPTY, PAGE, PATH, ROW, page
from tests.support.tapes import make_tape, service_line
from workflows.support.finance.world_bank_client import (
    RequestRejectedError,
    SchemaChangedError,
    UnavailableError,
    WorldBank,
    parse_reply,
)

QUERY = ("FRA", "FP.CPI.TOTL.ZG", "2023")
REJECTION = [
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


def page_without(field: str) -> Any:
    return [PAGE, [{key: value for key, value in ROW.items() if key != field}]]


def test_a_figure_is_parsed_with_unit_period_and_source() -> None:
    assert parse_reply(page()) == {
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
def test_the_frequency_is_derived_from_the_date(date: str, frequency: str) -> None:
    result = parse_reply(page(date=date))
    assert (result["period"], result["frequency"]) == (date, frequency)


def test_an_annual_rate_for_a_quarter_keeps_the_word_annual() -> None:
    assert parse_reply(page(date="2023Q4"))["cite"] == "4.9 annual %, quarterly, 2023Q4"


def test_the_unit_field_takes_precedence_over_the_unit_in_the_title() -> None:
    assert parse_reply(page(unit="points"))["cite"] == "4.9 points, annual, 2023"


def test_a_figure_may_have_no_unit() -> None:
    title = {"id": "SP.POP.TOTL", "value": "Population, total"}
    result = parse_reply(page(indicator=title, value=68287487, decimal=0))
    assert (result["unit"], result["cite"]) == (None, "68287487, annual, 2023")


@pytest.mark.parametrize("reply", [EMPTY, [EMPTY[0], []], page(value=None)])
def test_missing_data_is_reported_as_no_data(reply: Any) -> None:
    result = parse_reply(reply)
    assert result["value"] is None
    assert result["message"].startswith("no data: ")


def test_zero_is_a_figure() -> None:
    assert parse_reply(page(value=0))["value"] == 0


def test_a_rejection_quotes_the_world_bank() -> None:
    with pytest.raises(RequestRejectedError, match="The provided parameter value is not valid"):
        parse_reply(REJECTION)


@pytest.mark.parametrize("field", ["value", "date", "indicator", "country", "unit", "decimal"])
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(SchemaChangedError, match=f"no {field} in a row of "):
        parse_reply(page_without(field))


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
def test_an_unknown_shape_is_an_error(reply: Any) -> None:
    with pytest.raises(SchemaChangedError):
        parse_reply(reply)


@pytest.mark.parametrize(
    "fields", [{"value": float("nan")}, {"value": float("inf")}, {"decimal": -1}]
)
def test_a_value_that_is_not_a_finite_number_is_an_error(fields: Any) -> None:
    with pytest.raises(SchemaChangedError, match="unexpected values in a row"):
        parse_reply(page(**fields))


def test_an_unused_field_changes_nothing() -> None:
    assert parse_reply(page(footnote="")) == parse_reply(page())


def test_a_lookup_requests_one_country_one_indicator_and_one_period() -> None:
    with world_bank_on_tape(page()) as (replay, world_bank):
        assert world_bank.fetch(*QUERY) == page()
        (exchange,) = replay.ledger.exchanges
    assert exchange.path == PATH


@pytest.mark.parametrize(
    ("fault", "message"),
    [(rate_limited("world_bank"), "HTTP 429"), (hangs("world_bank"), "ReadTimeout")],
)
def test_the_error_states_why_there_is_no_reply(fault: Fault, message: str) -> None:
    with (
        world_bank_on_tape(page(), fault) as (_, world_bank),
        pytest.raises(UnavailableError, match=message),
    ):
        world_bank.fetch(*QUERY)


@pytest.mark.parametrize(
    ("status", "error"), [(404, RequestRejectedError), (503, UnavailableError)]
)
def test_only_an_error_that_may_pass_is_unavailable(status: int, error: type[Exception]) -> None:
    line = service_line("world_bank", PATH, None, method="GET")
    line["reply"] = {"status": status, "text": "no"}
    with (
        replay_tape(make_tape(line)) as replay,
        WorldBank(replay.url, timeout_s=5) as world_bank,
        pytest.raises(error, match=f"HTTP {status}"),
    ):
        world_bank.fetch(*QUERY)


def test_a_reply_that_is_not_json_is_unavailable() -> None:
    line = service_line("world_bank", PATH, None, method="GET")
    line["reply"] = {"text": "<html>busy</html>"}
    with (
        replay_tape(make_tape(line)) as replay,
        WorldBank(replay.url, timeout_s=5) as world_bank,
        pytest.raises(UnavailableError, match="not JSON"),
    ):
        world_bank.fetch(*QUERY)


@contextmanager
def world_bank_on_tape(reply: Any, *faults: Fault) -> Iterator[tuple[ReplayServer, WorldBank]]:
    """A client whose one query is answered with this reply."""
    line = service_line("world_bank", PATH, reply, method="GET", when=r"format=json.*date=2023")
    with (
        replay_tape(make_tape(line), faults) as replay,
        WorldBank(replay.url, timeout_s=0.5) as world_bank,
    ):
        yield replay, world_bank

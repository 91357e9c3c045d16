"""Inputs: published or random values that fill the task and the replies of services."""

import json
import urllib.request
from collections.abc import Mapping

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from scenarios.player.run import run_scenario
from scenarios.player.scenario_loader import ScenarioNotFoundError
from scenarios.replay.replay_server import replay_tape
from scenarios.scenario import integer_between, number_between, one_of, resolve_inputs
from scenarios.tape.placeholders import PLACEHOLDER, InputValue, fill_inputs
from scenarios.tape.tape import TapeError
from tests.support.tapes import make_tape, reply_line, service_line

INPUTS = {
    "country": one_of("France", "Chad", "Peru"),
    "year": integer_between(2010, 2024, published=2023),
    "rate": number_between(0.5, 12.0, published=4.88, places=2),
}


def test_without_a_seed_inputs_are_the_published_ones() -> None:
    assert resolve_inputs(INPUTS, None) == {"country": "France", "year": 2023, "rate": 4.88}


@examples(st.integers())
def test_a_random_value_does_not_depend_on_other_inputs(seed: int) -> None:
    alone = resolve_inputs({"rate": INPUTS["rate"]}, seed)
    among = resolve_inputs(INPUTS, seed)
    assert alone["rate"] == among["rate"]
    assert among["country"] in ("France", "Chad", "Peru")
    assert 2010 <= int(among["year"]) <= 2024
    assert 0.5 <= float(among["rate"]) <= 12.0


def test_different_seeds_draw_different_values() -> None:
    assert len({resolve_inputs(INPUTS, seed)["rate"] for seed in range(20)}) > 15


def test_a_lone_placeholder_becomes_the_value_itself() -> None:
    assert fill_inputs(["${rate}", "${rate} %", "$${rate}"], {"rate": 4.88}) == [
        4.88,
        "4.88 %",
        "$${rate}",
    ]


@examples(st.text(), st.dictionaries(st.sampled_from(["a", "b"]), st.integers()))
def test_unknown_placeholders_stay_unchanged(text: str, inputs: Mapping[str, InputValue]) -> None:
    filled = fill_inputs(text, inputs)
    if not any(use[1] in inputs for use in PLACEHOLDER.finditer(text)):
        assert filled == text


def test_a_service_line_is_filled_with_inputs_and_with_captures_of_the_request() -> None:
    line = service_line(
        "world_bank",
        "/v2/country/${iso}",
        {"value": "${rate}", "asked": "${date}"},
        method="GET",
        when=r"date=(?P<date>\d+)",
    )
    with (
        replay_tape(make_tape(line).with_inputs({"iso": "FRA", "rate": 4.88})) as replay,
        urllib.request.urlopen(f"{replay.url}/v2/country/FRA?date=2023") as reply,
    ):
        assert json.load(reply) == {"value": 4.88, "asked": "2023"}


def test_an_unknown_input_in_a_line_is_reported_with_the_nearest() -> None:
    line = service_line("world_bank", "/v2/country/${contry}", {"value": 1})
    with pytest.raises(TapeError, match=r"tape.jsonl:1: \$\{contry\} .*nearest: 'country'"):
        make_tape(line).with_inputs({"country": "FRA"})


def test_a_models_line_must_not_use_inputs() -> None:
    with pytest.raises(TapeError, match="only lines of services can use inputs"):
        make_tape(reply_line("specialist", "it is ${rate}"))


def test_a_tape_without_placeholders_is_unchanged() -> None:
    plain = make_tape(reply_line("a", "yes"))
    assert plain.with_inputs({"rate": 1}).lines == plain.lines


def test_a_scenario_without_inputs_rejects_a_seed(store: str) -> None:
    with pytest.raises(ScenarioNotFoundError, match="no inputs that a seed could draw"):
        run_scenario("review_goes_well", store, seed=1)


def test_a_filled_line_keeps_its_number() -> None:
    filled = make_tape(service_line("s", "/${x}", 1), reply_line("a", "yes")).with_inputs(
        {"x": "y"}
    )
    assert [(line.number, line.path) for line in filled.lines[:1]] == [(1, "/y")]

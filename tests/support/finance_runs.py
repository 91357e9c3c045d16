"""Runs of the finance crew on a tape that goes well, unless a test replaces some of its lanes."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from scenarios.replay.faults import Fault, unavailable
from scenarios.replay.replay_server import replay_tape
from tests.support.tapes import make_tape, reply_line, service_line
from workflows.crew_finance import FinanceCrew
from workflows.model import Model
from workflows.support.finance import Briefing

Line = dict[str, Any]
API_KEY = "sk-never-to-be-seen"
TASK = "Say by how much prices rose in France in 2023."
CHARTER = "Annual figures only. Unit, period and source with each figure."
REPORT = "In 2023 prices rose by 4.9% in France."
QUERY = {"country": "FRA", "indicator": "FP.CPI.TOTL.ZG", "period": "2023"}
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


def page(**fields: Any) -> Any:
    """A reply with one figure, in which the given fields are replaced."""
    return [PAGE, [ROW | fields]]


def call_line(lane: str, tool: str, when: str | None = None, **arguments: Any) -> Line:
    """A reply that calls one tool."""
    return reply_line(lane, None, when, tool_calls=[{"name": tool, "arguments": arguments}])


def bank_line(reply: Any) -> Line:
    return service_line("world_bank", PATH, reply, method="GET")


LOOKUP = call_line("specialist", "world_bank_indicator", **QUERY)
NOTE = call_line("specialist", "note_figure", key="inflation", figure="4.9%, annual, 2023")
RECALL = call_line("analyst", "recall_figure", key="inflation")
CHECK = call_line("synthesist", "check_figures", report=REPORT)
VERIFIED = reply_line("synthesist", {"report": REPORT, "verified": True})
UNVERIFIED = reply_line("synthesist", {"report": REPORT, "verified": False})
NO_DATA = reply_line("synthesist", {"report": "There is no data for France.", "verified": False})
HEALTHY: Mapping[str, tuple[Line, ...]] = {
    "lead": (reply_line("lead", CHARTER),),
    "world_bank": (bank_line(page()),),
    "specialist": (LOOKUP, NOTE, reply_line("specialist", "4.9%, annual, 2023.")),
    "analyst": (RECALL, reply_line("analyst", "Prices rose by 4.9% in 2023.")),
    "synthesist": (CHECK, VERIFIED),
}


class TapedRun:
    """A run of the crew on the healthy tape, in which the given lanes are replaced."""

    def __init__(self, **lanes: Iterable[Line]) -> None:
        self.tape = make_tape(*(line for lane in {**HEALTHY, **lanes}.values() for line in lane))
        self.prompts: dict[str, list[str]] = {}
        self.unplayed_count = 0

    async def briefing(
        self, *faults: Fault, crew: type[FinanceCrew] = FinanceCrew, **options: Any
    ) -> Briefing:
        """Run the crew, and keep the requests of each lane, as JSON, in `prompts`."""
        with replay_tape(self.tape, faults) as replay:
            model = Model("taped", replay.base_url, API_KEY)
            try:
                return await crew(model, world_bank=replay.url, **options).run(TASK)
            finally:
                for exchange in replay.ledger.exchanges:
                    request = json.dumps(exchange.request, ensure_ascii=False)
                    self.prompts.setdefault(exchange.lane, []).append(request)
                self.unplayed_count = len(replay.unplayed_lines)


def run_that_repeats_lookups() -> TapedRun:
    """The specialist repeats a failing lookup until its tool tells it to stop."""
    lookup = {"name": "world_bank_indicator", "arguments": QUERY}
    again = reply_line("specialist", None, "may be asked again$", tool_calls=[lookup])
    gives_up = reply_line("specialist", "Unavailable.", when="do not ask again")
    last = reply_line("specialist", "Unavailable.")
    return TapedRun(
        specialist=[LOOKUP, again, again, again, gives_up, last],
        analyst=[reply_line("analyst", "Nothing can be said.")],
        synthesist=[NO_DATA],
    )


OUTAGE = [unavailable("world_bank", call=call) for call in (1, 2, 3, 4)]


class ToleratesNineFailures(FinanceCrew):
    max_failures = 9

"""Traces with diagnoses of shapes that no scenario has: hostile, tiny, and large."""

from instrumentation.diagnosis import Diagnosis, Evidence, Finding, PathStep
from instrumentation.trace import Span, Trace

HOSTILE = (
    '</script></style></title><img src=x onerror="window.hit=1">\'"><svg onload=alert(1)>'
    "{{ 7 * 7 }}\x1b[31m\u202e\ud800" + "x" * 300
)
"""A text that ends elements, opens others, runs scripts, and has no place for a line break."""
START_NS = 1_700_000_000_000_000_000


def hostile_diagnosis() -> tuple[Trace, Diagnosis]:
    """A diagnosed trace in which every text is `HOSTILE`, in every field that a page shows."""
    contents = {HOSTILE: HOSTILE}
    tool = _span("TOOL", id=HOSTILE, inputs=contents, outputs=HOSTILE)
    names = {"from_agent": HOSTILE, "to_agent": f"{HOSTILE}2", "dropped": HOSTILE}
    handoff = _span(
        "HANDOFF",
        attributes={f"flight_recorder.handoff.{key}": value for key, value in names.items()},
        outputs={"arrived": HOSTILE, "dropped": HOSTILE},
    )
    turn = _span("AGENT", children=(tool,), attributes={"gen_ai.agent.name": HOSTILE})
    root = _span(HOSTILE, status="ERROR", children=(turn, handoff))
    finding = Finding(
        mode=HOSTILE,
        agent=HOSTILE,
        span=HOSTILE,
        span_id=tool.id,
        path=(PathStep(HOSTILE, HOSTILE, tool.id), PathStep(None, HOSTILE, "")),
        evidence=(Evidence(HOSTILE, tool.id, HOSTILE, HOSTILE),),
        fix=HOSTILE,
        confidence=0.5,
        rank_reason=HOSTILE,
        origin=tool,
    )
    return Trace((root,), ids=(HOSTILE,)), Diagnosis((finding,), (HOSTILE,))


def single_span_trace() -> Trace:
    """A trace of one span without contents."""
    return Trace((Span("hello", "CHAIN"),))


def large_diagnosis(count: int) -> tuple[Trace, Diagnosis]:
    """A diagnosed trace of `count` spans: 40 agents whose turns have many tool calls.

    The finding begins in the last tool call.
    """
    agents = 40
    calls = (count - 1 - agents) // agents
    turns = []
    for number in range(agents):
        start_ns = START_NS + number * 1_000_000_000
        tools = tuple(
            Span("look_up", "TOOL", "OK", start_ns=at, end_ns=at + 400_000, id=f"{number}-{call}")
            for call in range(calls)
            for at in (start_ns + call * 1_000_000,)
        )
        turns.append(
            Span(
                f"agent {number}",
                "AGENT",
                start_ns=start_ns,
                end_ns=start_ns + 900_000_000,
                children=tools,
            )
        )
    spare = count - 1 - agents - calls * agents
    children = (*turns, *(Span("idle", "CHAIN", start_ns=START_NS) for _ in range(spare)))
    root = Span("run", "CHAIN", start_ns=START_NS, end_ns=turns[-1].end_ns, children=children)
    origin = turns[-1].children[-1]
    path = (PathStep("agent 39", "look_up", origin.id), PathStep(None, "run", ""))
    evidence = (Evidence("look_up", origin.id, "404", "it failed"),)
    finding = Finding(
        mode="swallowed tool error",
        agent="agent 39",
        span="look_up",
        span_id=origin.id,
        path=path,
        evidence=evidence,
        fix="Raise it.",
        confidence=0.9,
        rank_reason="",
        origin=origin,
    )
    return Trace((root,)), Diagnosis((finding,), ())


def _span(
    type: str,
    *,
    status: str = "OK",
    id: str = "",
    inputs: object = None,
    outputs: object = None,
    attributes: dict[str, object] | None = None,
    children: tuple[Span, ...] = (),
) -> Span:
    return Span(
        HOSTILE,
        type,
        status,
        HOSTILE,
        inputs,
        outputs,
        attributes or {},
        children,
        START_NS,
        START_NS + 5_000_000,
        id=id,
    )

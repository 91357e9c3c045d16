"""Lead, specialist, analyst and synthesist, as a CrewAI crew that writes a financial briefing.

    charter ──▶ figures ──▶ analysis ──▶ briefing      each is given the tasks that CONTEXTS names
     lead      specialist    analyst    synthesist

The specialist looks figures up and notes them for the crew, the analyst recalls them, and the
synthesist has its report checked against what the tools said. In the trace: the crew, in it its
tasks, in each task a turn with its completions and tool calls, and before each turn a handoff from
every agent whose work it stands on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import mlflow
from crewai import Agent, Crew, Process, Task
from mlflow.entities import SpanType

from instrumentation.state.shared_state import StateEntry
from instrumentation.telemetry import Price
from workflows.bank_reply import structured
from workflows.crew_model import Staff, heard, measured, whole
from workflows.evidence import Evidence
from workflows.finance_report import Briefing, Verifies, claim_is_true, concluded, guarded
from workflows.finance_tools import Desk, tool_results, with_grounds
from workflows.model import Model
from workflows.world_bank import client

CONTEXTS: Mapping[str, tuple[str, ...]] = {
    "charter": (),
    "figures": ("charter",),
    "analysis": ("charter", "figures"),
    "briefing": ("charter", "figures", "analysis"),
}
"""Which finished tasks each task is given. What is not named here, its agent does not see."""
TAKES: Mapping[str, tuple[str, ...]] = {
    "figures": ("world_bank_indicator",),
    "analysis": ("recall_figure",),
    "briefing": ("check_figures",),
}
"""Which tools a task takes, whoever does it."""

CHARTER = """\
Write the charter for this request: {task}
A rule a line: of which period the figures must be; that each is given with its unit, period and
source; that where there is no data the briefing says so."""
FIGURES = """\
Look up every figure that this request needs, all of them at once: {task}
Then note each with its unit and period."""
ANALYSIS = "Recall the figures that were noted, and say what they mean for this request: {task}"
BRIEFING = "Write the briefing that was asked for, and have its figures checked: {task}"
REPORT = """\
JSON alone: {"report": "the briefing, in at most four sentences", "verified": true or false}, where
verified is true only if a check of its figures found no fault."""


async def briefing(
    task: str,
    model: Model,
    *,
    world_bank: str = "https://api.worldbank.org",
    reads: Callable[[Any], Any] = structured,
    checks: Callable[[Evidence], Sequence[str]] = tool_results,
    contexts: Mapping[str, tuple[str, ...]] = CONTEXTS,
    accepts: Callable[[StateEntry], Any] = with_grounds,
    patience: int = 2,
    led_by: Callable[[Sequence[Agent]], str] | None = None,
    verifies: Verifies = claim_is_true,
    prices: Mapping[str, Price] | None = None,
    deadline_s: float | None = 60.0,
    retries: int = 2,
    on_text: Callable[[str, str], None] | None = None,
) -> Briefing:
    """Look up what the task asks about, and write a briefing whose figures are checked.

    With `led_by` (`who_has_what`, for one) a manager gives out the tasks, by the roster that it
    returns. With `on_text` the agents stream, and it is told who says what. With
    `prices` its trace has the cost. Raises what the model's client raises when a completion fails
    for good, `TruncatedAnswerError` after one that ran into its token limit, and CrewAI's
    `ToolExecutionFailedError` when an agent makes the same call without end, or a bare `Exception`
    when the report is sent back a fourth time.
    """
    with client(world_bank, deadline_s) as http:
        desk = Desk(http, Evidence(), reads, checks, accepts, patience)
        staff = Staff(model, deadline_s, retries)
        crew = finance_crew(staff, desk, contexts, verifies, led_by)

        with mlflow.start_span("briefing", span_type=SpanType.CHAIN) as span:
            span.set_inputs({"task": task})
            with measured(span, crew, desk.evidence.state, TAKES, prices) as log:
                raw = await heard(crew, {"task": task}, on_text)
            whole(log.steps)
            ended, check = concluded(raw, desk)
            span.set_attributes(
                {"flight_recorder.workflow.outcome": ended.outcome, **check.attributes()}
            )
            span.set_outputs(asdict(ended))
    return ended


def finance_agents(staff: Staff, desk: Desk) -> tuple[Agent, ...]:
    """Lead, specialist, analyst and synthesist, each with the tools that its work takes."""
    return (
        staff.agent(
            "lead",
            "Turn a request into a charter: the rules that the figures of a briefing must keep.",
            "You write few rules, and such as can be checked.",
        ),
        staff.agent(
            "specialist",
            "Find the published figures that a request needs.",
            "You take figures from your tools alone; where they have no data, you say: no data.",
            desk.world_bank_indicator(),
            desk.note_figure("specialist"),
        ),
        staff.agent(
            "analyst",
            "Say what figures mean.",
            "You work with figures that the crew has noted, and recall them before you use them.",
            desk.recall_figure("analyst"),
        ),
        staff.agent(
            "synthesist",
            "Write a briefing on which its reader can rely.",
            "You keep to the charter, and claim that figures are verified only after a check.",
            desk.check_figures(),
        ),
    )


def finance_crew(
    staff: Staff,
    desk: Desk,
    contexts: Mapping[str, tuple[str, ...]],
    verifies: Verifies,
    led_by: Callable[[Sequence[Agent]], str] | None,
) -> Crew:
    """The crew at the top of this file. A task that a manager gives out has no agent of its own."""
    agents = finance_agents(staff, desk)
    tasks: dict[str, Task] = {}

    def add(name: str, agent: Agent, description: str, expected: str, **more: Any) -> None:
        tasks[name] = Task(
            name=name,
            agent=None if led_by else agent,
            description=description,
            expected_output=expected,
            context=[tasks[earlier] for earlier in contexts[name]],
            **more,
        )

    lead, specialist, analyst, synthesist = agents
    add("charter", lead, CHARTER, "The rules, one a line.")
    add("figures", specialist, FIGURES, "Each figure with unit, period and source; or: no data.")
    add("analysis", analyst, ANALYSIS, "Two or three sentences.")
    add("briefing", synthesist, BRIEFING, REPORT, guardrail=guarded(verifies, desk.evidence))
    desk.evidence.tasks.extend(tasks.values())
    return Crew(
        name="finance",
        agents=list(agents),
        tasks=desk.evidence.tasks,
        process=Process.hierarchical if led_by else Process.sequential,
        manager_agent=staff.manager(led_by(agents)) if led_by else None,
    )

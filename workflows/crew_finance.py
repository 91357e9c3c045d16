"""Four CrewAI agents, one after another, write a financial briefing; its figures are checked.

    charter ──▶ figures ──▶ analysis ──▶ briefing     each task is given the results that
     lead      specialist    analyst    synthesist    `contexts` lists, and no others

The specialist notes figures, the analyst recalls them, the report is checked. This is the trace:

    briefing  [CHAIN]                        outcome, check, routing, telemetry, state counts
      finance  [CHAIN]                       the crew
        figures  [TASK]                      one per task
          lead → specialist  [HANDOFF]       how much of the charter reached the prompt
          specialist  [AGENT]
            chat_completion  [LLM]
            world_bank_indicator  [TOOL]
            note_figure  [TOOL]
              write inflation_FRA  [STATE]   its author, and the tool result that has the figure
          guard  [GUARDRAIL]                 after the last task only

Read next: `support/finance/` (the crew's tools and prompts), `support/clients/crewai.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import mlflow
from crewai import Agent, Crew, Process, Task

from instrumentation import (
    FigureCheck,
    Price,
    StateEntry,
    check_figures,
    collect_steps,
    routing_attributes,
    telemetry_attributes,
)
from workflows.model import Model
from workflows.support import finance
from workflows.support.clients import crewai as clients


class FinanceCrew:
    """Lead, specialist, analyst and synthesist. Override a method to change one decision."""

    contexts: Mapping[str, tuple[str, ...]] = {
        "charter": (),
        "figures": ("charter",),
        "analysis": ("charter", "figures"),
        "briefing": ("charter", "figures", "analysis"),
    }
    """The tasks whose results each task is given. Its agent sees no other results."""
    max_failures = 2
    """How often one lookup may fail before its tool refuses to repeat it."""

    def __init__(
        self,
        model: Model,
        *,
        world_bank: str = "https://api.worldbank.org",
        prices: Mapping[str, Price] | None = None,
        on_chunk: Callable[[str, str], None] | None = None,
    ) -> None:
        self.model, self.world_bank = model, world_bank
        self.prices, self.on_chunk = prices, on_chunk

    async def run(self, task: str) -> finance.Briefing:
        """Write the briefing that the task requests.

        Raises the client's error, `TruncatedAnswerError`, CrewAI's `ToolExecutionFailedError` (of a
        repeated failing call), or a bare `Exception` (the guardrail rejects four reports).
        """
        evidence = finance.Evidence()
        with mlflow.start_span("briefing", span_type="CHAIN") as span:
            span.set_inputs({"task": task})
            with finance.WorldBank(self.world_bank, self.model.timeout_s) as world_bank:
                crew = self.build_crew(self.build_agents(world_bank, evidence), evidence)
                try:
                    with collect_steps() as log:
                        output = await self.run_crew(crew, task)
                finally:  # a crew that fails is measured, too
                    tools = clients.list_tools(crew.agents)
                    routing = routing_attributes(log.steps, tools, finance.REQUIRED_TOOLS)
                    telemetry = telemetry_attributes(log.steps, self.prices)
                    span.set_attributes({**routing, **telemetry, **evidence.state.attributes()})
            clients.require_complete(log.steps)
            briefing, check = finance.build_briefing(output, evidence, self.check_report)
            span.set_attribute("flight_recorder.workflow.outcome", briefing.outcome)
            span.set_attributes(check.attributes())
            span.set_outputs(asdict(briefing))
        return briefing

    async def run_crew(self, crew: Crew, task: str) -> str:
        """Let the crew do its tasks, and return the report as the synthesist wrote it."""
        return await clients.run_crew(crew, {"task": task}, self.on_chunk)

    def build_agents(self, bank: finance.WorldBank, evidence: finance.Evidence) -> list[Agent]:
        look_up = finance.make_lookup_tool(bank, evidence, self.read_reply, self.max_failures)
        note = finance.make_note_tool(evidence.state, "specialist", self.describe_note)
        recall = finance.make_recall_tool(evidence.state, "analyst", self.describe_note)
        check = finance.make_check_tool(evidence, self.check_report)
        tools = {"specialist": [look_up, note], "analyst": [recall], "synthesist": [check]}
        return [
            clients.make_agent(self.model, role, *persona, *tools.get(role, []))
            for role, persona in finance.PERSONAS.items()
        ]

    def build_crew(self, agents: list[Agent], evidence: finance.Evidence) -> Crew:
        manager = self.build_manager(agents)
        guardrail = finance.make_guardrail(self.find_objection, evidence)
        tasks = evidence.tasks
        for agent, (name, prompt) in zip(agents, finance.TASKS.items(), strict=True):
            tasks[name] = Task(
                name=name,
                agent=None if manager else agent,
                description=prompt.description,
                expected_output=prompt.expected_output,
                context=[tasks[earlier] for earlier in self.contexts[name]],
                guardrail=guardrail if name == "briefing" else None,
            )
        return Crew(
            name="finance",
            agents=list(agents),
            tasks=list(tasks.values()),
            process=Process.hierarchical if manager else Process.sequential,
            manager_agent=manager,
        )

    def build_manager(self, agents: list[Agent]) -> Agent | None:
        """Create an agent that assigns the tasks; None gives each task an agent of its own."""
        return None

    def read_reply(self, reply: Any) -> Any:
        """Turn a reply of the World Bank into the result that the specialist reads."""
        return finance.parse_reply(reply)

    def describe_note(self, note: StateEntry) -> Mapping[str, Any]:
        """Turn a note into the result that an agent reads, with the source of its figure."""
        source = note.grounded_by or "no tool result: this is a guess, do not report it"
        return {"key": note.key, "figure": note.value, "by": note.author, "source": source}

    def check_report(self, report: str, evidence: finance.Evidence) -> FigureCheck:
        """Look for each figure of a report in the results of the tools."""
        return check_figures(report, evidence.tool_results)

    def find_objection(self, report: finance.Report, evidence: finance.Evidence) -> str | None:
        """Return why the synthesist must rewrite its report, or None: a claim needs a check."""
        if report.verified and not evidence.verified:
            return "No check of this run says so: call check_figures, or set verified to false."
        return None

"""The programs: what their endpoint answers, and what is seen of them on the way."""

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.forks.forking_python import forking_python
from tests.support.tapes import reply_line

PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True)
class Stranger:
    """A program that knows nothing of this project.

    Attributes:
        program: Its file.
        replies: What the endpoint answers, by rule.
        output: What it prints last.
        lanes: Its lanes on a tape.
        sentence: A sentence of a system prompt, and another one in its place.
        changed_lane: The lane of the agent with this prompt.
        severity: The severity of the drift: an agent without a name is recognised by its prompt.
        fork: A call.
        edited_reply: Another reply to this call.
        forked_output: What the program prints last with this reply.
        bug: A part of the program, and what a careless person makes of it.
        handoffs: Sender and receiver of each handoff in its trace.
        names_in_trace: The agents that its trace names otherwise than the tape.
    """

    program: Path
    replies: tuple[dict[str, Any], ...]
    output: str
    lanes: tuple[str, ...]
    sentence: tuple[str, str]
    changed_lane: str
    severity: str
    fork: str
    edited_reply: dict[str, Any]
    forked_output: str
    bug: tuple[str, str]
    handoffs: tuple[tuple[str, str], ...] = ()
    names_in_trace: dict[str, str] = field(default_factory=dict)

    @property
    def is_python(self) -> bool:
        return self.program.suffix == ".py"

    @property
    def is_installed(self) -> bool:
        """Whether the machine can run it."""
        return self.is_python or shutil.which("node") is not None

    @property
    def command(self) -> tuple[str, str]:
        """The command that runs a copy of it in the current folder."""
        return (self.python if self.is_python else "node", f"app{self.program.suffix}")

    @property
    def python(self) -> str:
        """What runs the commands: of programs in Python, forks of a process that imported much."""
        return forking_python() if self.is_python else sys.executable


def call_line(when: str, name: str, **arguments: str) -> dict[str, Any]:
    """Return a line that calls a tool."""
    return reply_line("x", None, when, tool_calls=[{"name": name, "arguments": arguments}])


CREWAI_FLOW = Stranger(
    PROGRAMS / "crewai_flow.py",
    (
        call_line(r"You are Researcher(?![\s\S]*open from)", "road_report", road="The pass"),
        reply_line("x", "It is open from May.", r"tool road_report: The pass is open from May"),
        reply_line(
            "x", "Open from ${month}, checked.", r"You are Checker[\s\S]*open from (?P<month>\w+)"
        ),
        reply_line(
            "x", "Come in ${month}!", r"You are Writer[\s\S]*Open from (?P<month>\w+), checked"
        ),
    ),
    output="Come in May!",
    lanes=("Researcher", "Checker", "Writer"),
    sentence=("You check dates.", "You check each date."),
    changed_lane="Checker",
    severity="text",
    fork="Researcher:2",
    edited_reply={"content": "It is open from June."},
    forked_output="Come in June!",
    bug=("context=[find]", "context=[]"),
    handoffs=(("Researcher", "Checker"), ("Checker", "Writer")),
)
AUTOGEN_SWARM = Stranger(
    PROGRAMS / "autogen_swarm.py",
    (
        call_line(r"You are a triage agent(?![\s\S]*is refunded)", "transfer_to_refunds"),
        call_line(r"Refund flights(?![\s\S]*is refunded)", "refund", number="507"),
        call_line(r"Refund flights[\s\S]*is refunded", "transfer_to_triage"),
        reply_line(
            "x",
            "Your money for flight ${number} is on its way. TERMINATE",
            r"You are a triage agent[\s\S]*flight (?P<number>\d+) is refunded",
        ),
    ),
    output="Your money for flight 507 is on its way. TERMINATE",
    lanes=("triage agent", "agent-1"),
    sentence=("Ask no questions.", "Ask few questions."),
    changed_lane="agent-1",
    severity="agent",
    fork="agent-1:2",
    edited_reply={"tool_calls": [{"name": "refund", "arguments": {"number": "508"}}]},
    forked_output="Your money for flight 508 is on its way. TERMINATE",
    bug=("tools=[refund]", "tools=[]"),
    handoffs=(("triage", "refunds"), ("refunds", "triage")),
    names_in_trace={"triage agent": "triage", "agent-1": "refunds"},
)
OPENAI_THREADS = Stranger(
    PROGRAMS / "openai_threads.py",
    (
        *[reply_line("x", "${n} is fine", r"Chapter (?P<n>\w+)$")] * 4,
        *[reply_line("x", "${n}: ok", r"Shorten: (?P<n>\w+) is fine")] * 4,
        reply_line("x", "All is well.", "one: ok\ntwo: ok\nthree: ok\nfour: ok"),
        reply_line("x", "All is well! " + "And so on. " * 40, "A headline for this: All is well"),
    ),
    output="All is well",
    lanes=("agent-1", "Editor"),
    sentence=("a chapter. Be brief.", "a chapter. Be kind."),
    changed_lane="agent-1",
    severity="agent",
    fork="Editor:2",
    edited_reply={"content": "All is lost! Or nearly so."},
    forked_output="All is lost",
    bug=("Shorten: {first}", "Shorten:"),
)
NODE_SCRIPT = Stranger(
    PROGRAMS / "translate.mjs",
    (
        reply_line("x", "bonjour", r"French[\s\S]*user: good day"),
        reply_line("x", "buenos días", r"Spanish[\s\S]*user: good day"),
        reply_line("x", "bonne journée", "Improve: bonjour"),
        reply_line("x", "buen día", "Improve: buenos días"),
    ),
    output="bonne journée, buen día",
    lanes=("Jacques", "agent-1"),
    sentence=("into Spanish. Be brief.", "into Spanish. Be kind."),
    changed_lane="agent-1",
    severity="agent",
    fork="Jacques:2",
    edited_reply={"content": "salut"},
    forked_output="salut, buen día",
    bug=("Improve: ${draft}", "Improve: "),
)
STRANGERS = {
    "crewai flow": CREWAI_FLOW,
    "autogen swarm": AUTOGEN_SWARM,
    "openai with threads": OPENAI_THREADS,
    "node script": NODE_SCRIPT,
}

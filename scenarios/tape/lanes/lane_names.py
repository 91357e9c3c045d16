"""Name the lanes of a recording: by the agent's own name, else by a number.

A prompt may name its agent: "You are Researcher. …" (CrewAI's "You are {role}. {backstory}" does),
"Your name is Ann", "Role: planner". All others are `agent-1`, `agent-2`, … in order of appearance;
the rule in the tape's header has the first words of their prompts.
"""

import re
from collections.abc import Callable
from typing import Any

from scenarios.tape.header import LaneRule
from scenarios.tape.lanes.agent_identity import AgentIdentity
from scenarios.tape.lanes.lane_recognition import LaneRecognition
from scenarios.tape.tape import Tape

NAME = r"(?P<name>[^\n.,:;!?()\[\]{}\"<>]{2,48}?)"
NAME_PATTERNS = (
    re.compile(rf"\bYou(?: are|'re) (?:an? |the )?{NAME}(?P<end>[.,:;!]|\n|$)"),
    re.compile(rf"\b[Yy]our name is {NAME}(?P<end>[.,:;!]|\n|$)"),
    re.compile(rf"(?m)^[#* ]*(?:Role|Name|Agent)[*]*: *[*]*{NAME}[*]*(?P<end>\.|\n|$)"),
)
MAX_NAME_WORDS = 5
MAX_NAME_OFFSET = 200
"""An agent is named at the beginning of its prompt."""
GENERIC_NAME = re.compile(
    r"(?:(?:an?|and|the|very|ai|agent|assistant|bot|chatbot|concise|expert|friendly|helpful"
    r"|intelligent|knowledgeable|language|large|llm|model|polite|professional|smart|useful)\b ?)+",
    re.IGNORECASE,
)
"""Words that name nobody: "a helpful AI assistant"."""
RULE_PROMPT_CHARS = 72


class LaneNames:
    """The lanes of one recording."""

    def __init__(self, before: Tape | None, on_new: Callable[[str, LaneRule], None]) -> None:
        """Name nothing yet.

        Args:
            before: A tape of the same program; its agents keep their lanes and rules.
            on_new: Called with each lane and its rule when the lane appears.
        """
        before = before or Tape(())
        self._rules_before = before.header.lanes
        self._recognition = LaneRecognition(before.lines, before.header)
        self._lanes = set[str]()
        self._numbered_lanes: dict[AgentIdentity, str] = {}
        self._lane_by_identity: dict[AgentIdentity, str] = {}
        self._on_new = on_new

    def lane_for_agent(
        self, body: Any, agent: str | None, redact: Callable[[str], str] = str
    ) -> str:
        """Return the lane of a completion: the agent that its client named, else by its prompt.

        `redact` removes from a prompt what must not be in the name and the rule of a lane.
        """
        identity = AgentIdentity.from_body(body)
        lane = agent or self._lane_by_identity.get(identity)
        if lane in self._lanes:
            return str(lane)
        safe = AgentIdentity(redact(identity.prompt), identity.tools)
        if lane is None:
            lane = self._recognition.recognize(body) or find_name(safe.prompt)
        if lane is None:
            lane = self._numbered_lanes.get(safe.stable) or self._next_number()
            self._numbered_lanes[safe.stable] = lane
        if agent is None:
            self._lane_by_identity[identity] = lane
        if lane not in self._lanes:
            self._lanes.add(lane)
            self._on_new(lane, self._rules_before.get(lane) or _make_rule(safe))
        return lane

    def _next_number(self) -> str:
        number = 1
        while f"agent-{number}" in self._lanes.union(self._rules_before):
            number += 1
        return f"agent-{number}"


def find_name(prompt: str) -> str | None:
    """Return the name that a prompt gives its agent; None if it gives none."""
    if found := _search_name(prompt):
        return " ".join(found["name"].split())
    return None


def _search_name(prompt: str) -> "re.Match[str] | None":
    for pattern in NAME_PATTERNS:
        found = pattern.search(prompt)
        if found and found.start() <= MAX_NAME_OFFSET:
            is_generic = GENERIC_NAME.fullmatch(found["name"])
            if not is_generic and len(found["name"].split()) <= MAX_NAME_WORDS:
                return found
    return None


def _make_rule(identity: AgentIdentity) -> LaneRule:
    """Return a rule with the prompt up to the agent's name, or its first words, and the tools."""
    prompt = identity.prompt
    if found := _search_name(prompt):
        beginning = prompt[: found.end()].rstrip()
    else:
        beginning = prompt[:RULE_PROMPT_CHARS]
        if len(prompt) > RULE_PROMPT_CHARS and " " in beginning:
            beginning = beginning.rpartition(" ")[0]
    return LaneRule(beginning, identity.tools)

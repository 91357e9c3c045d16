"""Find the lane of a request that names none, or one that the tape does not have.

In this order: the lane whose `when` in the header matches; a lane with a recorded request of the
same system prompt and tools; the lane whose `prompt` in the header begins the system prompt, if not
literally then but for dates, numbers and ids (if several do, the one with the most similar tools,
the longest beginning and the most similar prompt); the lane of a line that was recorded for this
very request.

Tolerant replay goes on to the nearest lane: the most similar tools and prompt.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from scenarios.tape.condition import SearchTimeoutError
from scenarios.tape.header import LaneRule, TapeHeader
from scenarios.tape.lanes.agent_identity import AgentIdentity, stable_text, tool_similarity
from scenarios.tape.line import TapeLine
from scenarios.tape.requests.conversation import render_conversation, to_chat_request
from scenarios.tape.requests.request import COMPLETION_PATHS, canonicalize, compute_digest
from scenarios.tape.similarity import similarity

MAX_IDENTITIES = 50
"""How many prompts of one lane are compared with that of a request."""
MIN_PROMPT_SIMILARITY = 0.2
"""An agent whose prompt is less similar to all others is none of them."""


@dataclass(frozen=True)
class NearestLane:
    """The lane that comes closest to a request, and why, as a sentence."""

    lane: str
    explanation: str


@dataclass
class _Lane:
    """A lane of a tape: its rule, and the identities of its recorded requests."""

    name: str
    rule: LaneRule = field(default_factory=LaneRule)
    identities: dict[AgentIdentity, None] = field(default_factory=dict)

    def prompt_similarity(self, prompt: str) -> float:
        known = [identity.prompt for identity in self.identities]
        known += [self.rule.prompt] if self.rule.prompt is not None else []
        return max((similarity(one, prompt) for one in known), default=0.0)

    def tool_similarity(self, tools: tuple[str, ...]) -> float:
        known = [identity.tools for identity in self.identities]
        known += [self.rule.tools] if self.rule.tools is not None else []
        return max((tool_similarity(one, tools) for one in known), default=0.0)


class LaneRecognition:
    """Recognises the agents of one tape."""

    def __init__(self, lines: tuple[TapeLine, ...], header: TapeHeader) -> None:
        self._volatile, rules = header.volatile, header.lanes
        self._lanes = {name: _Lane(name, self._stable_rule(rule)) for name, rule in rules.items()}
        self._by_identity: dict[AgentIdentity, str] = {}
        self._by_digest = {
            line.digest: line.lane
            for line in lines
            if line.path in COMPLETION_PATHS and line.digest is not None
        }
        for line in lines:
            if line.path in COMPLETION_PATHS and line.request is not None:
                lane = self._lanes.setdefault(line.lane, _Lane(line.lane))
                identity = AgentIdentity.from_body(line.request, self._volatile)
                self._by_identity.setdefault(identity, line.lane)
                if len(lane.identities) < MAX_IDENTITIES:
                    lane.identities[identity] = None

    def _stable_rule(self, rule: LaneRule) -> LaneRule:
        if rule.prompt is None:
            return rule
        return replace(rule, prompt=self._volatile.normalize_text(rule.prompt))

    def recognize(self, body: Any) -> str | None:
        """Return the lane of the body of a completion; None if it is of no known agent."""
        if not self._lanes:
            return None
        if lane := self._find_by_condition(body):
            return lane
        identity = AgentIdentity.from_body(body, self._volatile)
        if lane := self._by_identity.get(identity):
            return lane
        prompt = identity.prompt
        begun = [lane for lane in self._lanes.values() if _begins(lane.rule.prompt, prompt)]
        best = max(
            begun,
            key=lambda lane: (
                prompt.startswith(lane.rule.prompt or ""),
                lane.tool_similarity(identity.tools),
                len(lane.rule.prompt or ""),
                lane.prompt_similarity(prompt),
            ),
            default=None,
        )
        if best is None:  # the prompt on the tape may lack a secret
            return self._by_digest.get(compute_digest(canonicalize(body)))
        return best.name

    def find_nearest(self, body: Any) -> NearestLane | None:
        """Return the lane with the most similar tools and prompt; None if none is similar."""
        identity = AgentIdentity.from_body(body, self._volatile)
        prompt = identity.prompt
        best = max(
            self._lanes.values(),
            key=lambda lane: lane.tool_similarity(identity.tools) + lane.prompt_similarity(prompt),
            default=None,
        )
        if best is None:
            return None
        tools = best.tool_similarity(identity.tools)
        text = best.prompt_similarity(prompt)
        if text < MIN_PROMPT_SIMILARITY and len(self._lanes) > 1:
            return None
        has_tools = "the same tools" if tools == 1.0 else f"{tools:.0%} of the tools"
        explanation = (
            f'no lane is recognised by its system prompt; the nearest is "{best.name}", with'
            f" {has_tools} and {text:.0%} of the prompt in common"
        )
        return NearestLane(best.name, explanation)

    def _find_by_condition(self, body: Any) -> str | None:
        conditions = {name: one.rule.when for name, one in self._lanes.items() if one.rule.when}
        if not conditions:
            return None
        text = render_conversation(to_chat_request(body) if isinstance(body, dict) else {})
        for name, condition in conditions.items():
            try:
                if condition.search(text):
                    return name
            except SearchTimeoutError:
                continue  # the request is refused with the lane's line if it has no other
        return None


def _begins(beginning: str | None, prompt: str) -> bool:
    """Return whether a rule's prompt begins a prompt, apart from dates, numbers and ids in it.

    An empty one is that of an agent that has no prompt.
    """
    if not beginning:
        return beginning == prompt == ""
    return stable_text(prompt).startswith(stable_text(beginning))

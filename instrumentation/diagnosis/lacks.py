"""List what a trace lacks that would help a diagnosis, and what it would show."""

from collections.abc import Iterator

from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.diagnosis.values.figure_not_in_reply import HTTP_REPLY_ATTRIBUTE


def iter_lacks(reading: TraceReading) -> Iterator[str]:
    """Yield one sentence per kind of contents that the trace does not have."""
    index = reading.index
    if not index.turns:
        yield "no span of an agent: which agent did what is unknown"
    agents = {turn.agent for turn in index.turns}
    if len(agents) > 1 and not index.handoffs:
        yield "no handoffs: what one agent passed to the next was inferred from the prompts"
    if not index.completions:
        yield "no completions: prompts and answers of the models are unknown"
    elif not any(completion.prompt for completion in index.completions):
        yield "no prompts: what the models were given is unknown"
    offered = {tool for completion in index.completions for tool in completion.tools}
    requested = {one.name for each in index.completions for one in each.answer.requests}
    if requested and not index.tool_calls:
        yield f"no tool calls, although models asked for {', '.join(sorted(requested))}"
    elif index.tool_calls and not offered:
        yield "no tool definitions: which tools the models could have called is unknown"
    if index.tool_calls and not any(
        HTTP_REPLY_ATTRIBUTE in call.attributes for call in index.tool_calls
    ):
        yield "no HTTP replies of tools: whether a tool misread one is unknown"
    if index.tool_calls and all(call.outputs is None for call in index.tool_calls):
        yield "no results of tools: where the figures come from is unknown"
    if len(agents) > 1 and not index.handoffs and not index.state_spans:
        yield "no shared state: what agents noted for each other, and overwrote, is unknown"
    if not index.has_times:
        yield "no times: what ran at once, and how long it waited, is unknown"
    if not index.answer and not reading.trace.roots[-1].failed:
        yield "no output of the run: the answer is unknown"

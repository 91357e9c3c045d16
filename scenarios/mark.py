"""A mark: the span to look at, in the outline of a broken run."""

from instrumentation.outline import lines
from instrumentation.span import Span
from instrumentation.trace import Trace
from scenarios.scenario import Origin

MARK = "▶ "
BLANK = "  "


def marked(trace: Trace, origin: Origin | None) -> str:
    """The outline, with a margin in which the span stands marked where it went wrong."""
    looked_at = found(trace, origin) if origin else None
    return "\n".join(f"{MARK if span is looked_at else BLANK}{line}" for span, line in lines(trace))


def found(trace: Trace, origin: Origin) -> Span | None:
    """The span that an origin names: the last of that name in which its agent is at work, or, for a
    span that belongs to no turn, the last of that name."""
    inside = [span for turn in trace.turns(origin.agent) for span in turn]
    named = [span for span in inside if span.name == origin.span]
    named = named or [span for span in trace if span.name == origin.span]
    return named[-1] if named else None

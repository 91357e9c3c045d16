"""Report where two runs differ first, and what differs later: as text for people, or as JSON."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from instrumentation.trace.wording import truncate
from scenarios.reports.wording import list_words
from scenarios.traces.divergence.first_divergence import Comparison, Divergence
from scenarios.traces.divergence.message_changes import MessageChange, diff_words
from scenarios.traces.divergence.run_record import RunCall

MAX_LISTED = 20
"""How many of the later divergences are listed."""
MAX_TEXT_CHARS = 600
"""How much of a message that is new or gone is shown."""


def render_comparison(comparison: Comparison) -> Text:
    """Render the first divergence with its message diff, the later ones, and both runs' totals."""
    lines = [*_head(comparison), Text(), *_totals(comparison)]
    return Text("\n").join(lines)


def comparison_to_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON: "same", "first", "later", and the totals of "a" and "b".

    "names_in_trace" has the agents of a trace that have another name on the tape, by that name.
    """
    first = comparison.first
    return {
        "same": first is None,
        "first": _to_json(comparison, first) if first else None,
        "later": [
            {"kind": one.kind, "agent": one.lane, "a": _number(one.a), "b": _number(one.b)}
            for one in comparison.divergences[1:]
        ],
        "names_in_trace": dict(comparison.names_in_trace),
        "a": comparison.a.to_json(),
        "b": comparison.b.to_json(),
    }


def _head(comparison: Comparison) -> Iterator[Text]:
    yield Text(f"A: {comparison.a.kind} {comparison.a.source}")
    yield Text(f"B: {comparison.b.kind} {comparison.b.source}")
    if names := comparison.names_in_trace:
        in_trace = (f'"{lane}" is "{name}"' for lane, name in names.items())
        yield Text(f"In the trace, {list_words(tuple(in_trace))}.")
    yield Text()
    first = comparison.first
    if first is None:
        yield Text("The runs are the same, call by call.", style="green")
        return
    yield Text(_headline(first), style="bold")
    yield from _details(comparison, first)
    if later := comparison.divergences[1:]:
        yield Text()
        differ = "more call differs" if len(later) == 1 else "more calls differ"
        yield Text(f"Later, {len(later)} {differ}:")
        yield from (Text(f"  {_short(one)}") for one in later[:MAX_LISTED])
        if len(later) > MAX_LISTED:
            yield Text(f"  … {len(later)} in total")


def _headline(first: Divergence) -> str:
    match first.kind:
        case "outcome":
            return "The runs made the same calls and ended differently."
        case "only in A" | "only in B":
            where, other = first.kind[-1], "B" if first.kind[-1] == "A" else "A"
            return (
                f"First divergence: {first.a or first.b} is only in {where};"
                f" {other} makes no such call."
            )
        case "request":
            return f"First divergence: {_place(first)}: the request differs."
        case _:
            return f"First divergence: {_place(first)}: the same request, another reply."


def _place(divergence: Divergence) -> str:
    a, b = divergence.a, divergence.b
    if a is not None and b is not None and (a.lane, a.number) != (b.lane, b.number):
        return f"{a} in A, {b} in B"
    return str(a or b)


def _short(divergence: Divergence) -> str:
    what = {"request": "another request", "reply": "the same request, another reply"}
    return f"{_place(divergence)}: {what.get(divergence.kind, divergence.kind)}"


def _details(comparison: Comparison, first: Divergence) -> Iterator[Text]:
    for change in first.messages:
        yield from _message_lines(comparison, change)
    for setting in first.settings:
        yield Text(f"  {setting.severity}: {setting.description}")
    if first.kind == "reply" or (first.reply and not first.messages and not first.settings):
        for change in first.reply:
            yield Text(f"  reply {change.kind}:")
            yield _indent(diff_words(change.before, change.after))
    only = first.a or first.b
    if first.kind.startswith("only") and only is not None and only.messages:
        last = only.messages[-1]
        content = truncate(str(last.get("content")), MAX_TEXT_CHARS)
        yield Text(f"  its last message: {last.get('role')}: {content}")


def _message_lines(comparison: Comparison, change: MessageChange) -> Iterator[Text]:
    origin = comparison.origin_of(change)
    source = f", which has the reply of {origin}" if origin and change.kind != "changed" else ""
    size = f" ({change.size_change:+d} characters)" if change.size_change else ""
    yield Text(f"  message {change.number} ({change.label}) was {change.kind}{size}{source}:")
    match change.kind:
        case "added":
            yield _indent(Text(f"{{+{truncate(change.after, MAX_TEXT_CHARS)}+}}", style="green"))
        case "dropped":
            yield _indent(Text(f"[-{truncate(change.before, MAX_TEXT_CHARS)}-]", style="red"))
        case _:
            yield _indent(diff_words(change.before, change.after))


def _indent(text: Text) -> Text:
    lines = text.split("\n", allow_blank=True)
    return Text("\n").join(Text("    ") + line for line in lines)


def _totals(comparison: Comparison) -> Iterator[Text]:
    a, b = comparison.a, comparison.b
    rows: list[tuple[str, ...]] = [("", "A", "B"), ("status", a.status or "-", b.status or "-")]
    rows += [("outcome", a.outcome or "-", b.outcome or "-")]
    rows += [("calls", str(len(a.calls)), str(len(b.calls)))]
    for label, key in (("input tokens", "input_tokens"), ("output tokens", "output_tokens")):
        rows.append((label, *(_count(run.total(key)) for run in (a, b))))
    rows.append(("cost", *(_usd(run.total("cost_usd")) for run in (a, b))))
    for lane in dict.fromkeys((*a.lanes, *b.lanes)):
        rows.append((f"calls of {lane}", *(str(len(run.calls_of(lane))) for run in (a, b))))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for label, of_a, of_b in rows:
        line = f"{label:<{widths[0]}}  {of_a:>{widths[1]}}  {of_b:>{widths[2]}}"
        yield Text(line, style="bold" if of_a != of_b and label else "")


def _count(total: int | None) -> str:
    return "-" if total is None else f"{total:,}"


def _usd(total: float | None) -> str:
    return "-" if total is None else f"${total:.6f}"


def _to_json(comparison: Comparison, first: Divergence) -> dict[str, Any]:
    return {
        "kind": first.kind,
        "agent": first.lane,
        "a": _number(first.a),
        "b": _number(first.b),
        "messages": [
            {
                "change": change.kind,
                "message": change.number,
                "role": change.label,
                "a": change.before,
                "b": change.after,
                "reply_of": str(origin) if (origin := comparison.origin_of(change)) else None,
            }
            for change in first.messages
        ],
        "settings": [
            {"severity": change.severity, "description": change.description}
            for change in first.settings
        ],
        "reply": [
            {"change": change.kind, "a": change.before, "b": change.after} for change in first.reply
        ],
    }


def _number(call: RunCall | None) -> dict[str, Any] | None:
    return {"agent": call.lane, "call": call.number} if call else None

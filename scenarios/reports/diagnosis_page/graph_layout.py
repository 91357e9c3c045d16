"""Place the graph of agents for an inline SVG: agents in a column, what they pass on as lines.

The column is as wide as a phone, so that texts keep their size on every screen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scenarios.reports.diagnosis_page.agent_graph import AgentEdge
from scenarios.reports.diagnosis_page.agent_work import AgentWork
from scenarios.reports.diagnosis_page.graph_lines import WIDTH, Box, Line, route_lines

TITLE_HEIGHT, LINE_HEIGHT, GAP = 36, 17, 46
MAX_AGENTS = 24
"""More agents are left out of the drawing."""
MAX_TOOLS = 4
"""Further tools of an agent are counted."""


@dataclass(frozen=True)
class GraphLayout:
    """Boxes and lines; what did not fit is counted."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    height: int
    omitted_agents: int
    omitted_edges: int
    width: int = WIDTH


def lay_out_graph(
    work: Sequence[AgentWork],
    answer: str,
    edges: Sequence[AgentEdge],
    origin_agent: str | None,
    origin_tool: str | None,
) -> GraphLayout:
    """Place agents and edges; those on the path of the failure come first if there are many."""
    boxes, omitted_agents = _place_boxes(work, answer, edges, origin_agent, origin_tool)
    lines, omitted = route_lines({box.name: box for box in boxes}, edges)
    return GraphLayout(boxes, lines, boxes[-1].bottom + 10, omitted_agents, omitted)


def _place_boxes(
    work: Sequence[AgentWork],
    answer: str,
    edges: Sequence[AgentEdge],
    origin_agent: str | None,
    origin_tool: str | None,
) -> tuple[tuple[Box, ...], int]:
    on_path = {name for one in edges if one.is_on_path for name in (one.sender, one.receiver)} | {
        origin_agent
    }
    tools = {one.agent: one.tools for one in work}
    names = list(dict.fromkeys([*tools, *(name for name in on_path if name)]))
    names = [name for name in names if name != answer or name in tools]
    by_importance = sorted(names, key=lambda name: name not in on_path)
    chosen = set(by_importance[:MAX_AGENTS])
    boxes: list[Box] = []
    top = 10
    for name in [*(name for name in names if name in chosen), answer]:
        is_answer = name == answer and len(boxes) == len(chosen)
        is_origin = name == origin_agent and not is_answer
        lines = () if is_answer else _tool_lines(tools.get(name, {}), is_origin, origin_tool)
        height = TITLE_HEIGHT + LINE_HEIGHT * len(lines) + (6 if lines else 0)
        boxes.append(Box(name, lines, top, height, name in on_path, is_origin, is_answer))
        top += height + GAP
    return tuple(boxes), len(names) - len(chosen)


def _tool_lines(
    tools: Mapping[str, int], is_origin: bool, origin_tool: str | None
) -> tuple[tuple[str, bool], ...]:
    """The lines of an agent's box: its tools, and whether the failure began in one."""
    ranked = sorted(tools, key=lambda name: not (is_origin and name == origin_tool))
    lines = [
        (f"{name} ×{tools[name]}" if tools[name] > 1 else name, is_origin and name == origin_tool)
        for name in ranked[:MAX_TOOLS]
    ]
    if len(ranked) > MAX_TOOLS:
        lines.append((f"+{len(ranked) - MAX_TOOLS} more tools", False))
    return tuple(lines)


def describe_graph(layout: GraphLayout) -> str:
    """The graph in words, for those who cannot see it."""
    return "; ".join(_describe(line.edge) for line in reversed(layout.lines))


def _describe(edge: AgentEdge) -> str:
    percent = f" ({edge.arrived_percent} arrived)" if edge.arrived_percent else ""
    path = ", on the path of the failure" if edge.is_on_path else ""
    return f"{edge.sender} to {edge.receiver}{percent}{path}"

"""Draw the graph's arrows between agents as SVG lines: straight, or around the boxes in between.

An edge to the next agent is a straight line. One that skips agents is on the right; one that goes
back is on the left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scenarios.reports.diagnosis_page.agent_graph import AgentEdge

WIDTH = 344
BOX_LEFT, BOX_WIDTH = 72, 200
LINE_OFFSETS = (26, 39, 52)
"""The distances of vertical lines from the boxes; edges that need more are left out."""
LABEL_WIDTH, LABEL_HEIGHT = 40, 18
CORNER = 9


@dataclass(frozen=True)
class Box:
    """The box of an agent, or of the answer."""

    name: str
    lines: tuple[tuple[str, bool], ...]
    top: int
    height: int
    is_on_path: bool
    is_origin: bool
    is_answer: bool

    @property
    def bottom(self) -> int:
        return self.top + self.height


@dataclass(frozen=True)
class Line:
    """The line of an edge: an SVG path, and the place of its label."""

    edge: AgentEdge
    d: str
    label_x: int
    label_y: int


def route_lines(
    boxes: Mapping[str, Box], edges: Sequence[AgentEdge]
) -> tuple[tuple[Line, ...], int]:
    """The lines of the edges, the path of the failure last, so that it is drawn on top."""
    rank = {name: position for position, name in enumerate(boxes)}
    known = [one for one in edges if one.sender in rank and one.receiver in rank]
    known.sort(key=lambda one: (not one.is_on_path, abs(rank[one.receiver] - rank[one.sender])))
    ports = _assign_ports(boxes, rank, known)
    lanes: dict[tuple[int, int], list[tuple[int, int]]] = {}
    labels: list[tuple[int, int]] = []
    lines = []
    for number, one in enumerate(known):
        sender, receiver = boxes[one.sender], boxes[one.receiver]
        if rank[one.receiver] - rank[one.sender] == 1:
            x = BOX_LEFT + BOX_WIDTH // 2
            d = f"M{x} {sender.bottom}V{receiver.top - 7}"
            y = (sender.bottom + receiver.top) // 2 - 2
            labels.append((x + 6, y))
            lines.append(Line(one, d, x + 6 + LABEL_WIDTH // 2, y))
            continue
        side = 1 if rank[one.receiver] > rank[one.sender] else -1
        start, end = ports[number]
        lane = _free_lane(lanes, side, *sorted((start, end)))
        if lane is None:
            continue
        border = BOX_LEFT + (BOX_WIDTH if side > 0 else 0)
        x = border + side * LINE_OFFSETS[lane]
        label_x = min(max(x, LABEL_WIDTH // 2 + 1), WIDTH - LABEL_WIDTH // 2 - 1)
        label_y = _free_label(labels, label_x, *sorted((start, end)))
        lines.append(Line(one, _bracket(border, x, start, end, side), label_x, label_y))
    return tuple(reversed(lines)), len(edges) - len(lines)


def _assign_ports(
    boxes: Mapping[str, Box], rank: Mapping[str, int], edges: Sequence[AgentEdge]
) -> dict[int, tuple[int, int]]:
    """The heights at which each edge leaves its sender and reaches its receiver."""
    ends: dict[tuple[str, int], list[tuple[int, int, bool]]] = {}
    for number, one in enumerate(edges):
        distance = rank[one.receiver] - rank[one.sender]
        side = 1 if distance > 0 else -1
        if distance != 1:
            ends.setdefault((one.sender, side), []).append((rank[one.receiver], number, True))
            ends.setdefault((one.receiver, side), []).append((rank[one.sender], number, False))
    heights: dict[tuple[int, bool], int] = {}
    for (name, _), found in ends.items():
        box = boxes[name]
        for place, (_, number, is_start) in enumerate(sorted(found), 1):
            heights[number, is_start] = box.top + box.height * place // (len(found) + 1)
    numbers = {number for number, _ in heights}
    return {number: (heights[number, True], heights[number, False]) for number in numbers}


def _free_lane(
    lanes: dict[tuple[int, int], list[tuple[int, int]]], side: int, top: int, bottom: int
) -> int | None:
    """The lane nearest to the boxes where nothing else is between two heights."""
    for lane in range(len(LINE_OFFSETS)):
        taken = lanes.setdefault((side, lane), [])
        if all(bottom < other_top or top > other_bottom for other_top, other_bottom in taken):
            taken.append((top, bottom))
            return lane
    return None


def _free_label(labels: list[tuple[int, int]], x: int, top: int, bottom: int) -> int:
    """A height on a vertical line where a label covers no other one, near its middle."""
    middle = (top + bottom) // 2
    heights = sorted(range(top + 10, max(bottom - 9, top + 11), 4), key=lambda y: abs(y - middle))
    for y in heights:
        if not any(_overlap(x, y, other) for other in labels):
            labels.append((x, y))
            return y
    labels.append((x, middle))
    return middle


def _overlap(x: int, y: int, other: tuple[int, int]) -> bool:
    return abs(x - other[0]) < LABEL_WIDTH and abs(y - other[1]) < LABEL_HEIGHT + 2


def _bracket(border: int, x: int, start: int, end: int, side: int) -> str:
    """An SVG path that leaves a box, runs beside the column, and returns to another box."""
    direction = 1 if end > start else -1
    corner = min(CORNER, abs(end - start) // 2)
    return (
        f"M{border} {start}H{x - side * corner}"
        f"Q{x} {start} {x} {start + direction * corner}V{end - direction * corner}"
        f"Q{x} {end} {x - side * corner} {end}H{border + side * 7}"
    )

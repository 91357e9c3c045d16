"""An edit: one thing that a trace tells otherwise than its golden, in a sentence.

The edits from a golden to what was seen explain the whole difference: there is none just where the
two are alike as trees whose siblings have no order.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from integrations.trees.forest import build_forest
from integrations.trees.match_trees import match_trees
from integrations.trees.matching import Matching
from integrations.trees.span_shape import SpanShape

EDIT_KINDS = (
    "attribute new",
    "attribute type changed",
    "renamed",
    "new",
    "attribute gone",
    "type changed",
    "status changed",
    "moved",
    "lost",
)
"""Mildest first: from what a trace says more, to what it no longer says."""


@dataclass(frozen=True)
class Edit:
    """`where` is the path of names to the span, in the golden, or of a new one in what was seen.

    `times` is how often the same is to be said.
    """

    kind: str
    path: str
    description: str
    times: int = 1

    @property
    def severity(self) -> int:
        """The place of its kind among `KINDS`: the higher, the worse."""
        return EDIT_KINDS.index(self.kind)

    def __str__(self) -> str:
        return f"{self.path}: {self.description}" + (f"  × {self.times}" if self.times > 1 else "")


def edit_script(golden: Sequence[SpanShape], seen: Sequence[SpanShape]) -> tuple[Edit, ...]:
    """What leads from the golden's roots to those seen, in the order of the golden's tree."""
    return edits_of_matching(match_trees(build_forest(golden), build_forest(seen)))


def edits_of_matching(matching: Matching) -> tuple[Edit, ...]:
    """The edits that a pairing stands for, equal ones folded into one."""
    golden, seen, pairs, back = (
        matching.golden,
        matching.seen,
        matching.pairs,
        matching.reverse_pairs,
    )
    placed: list[tuple[tuple[int, int], Edit]] = []
    for one, other in pairs.items():
        placed.extend(((one, 0), edit) for edit in _edits_of_matched(matching, one, other))
    for one, parent in enumerate(golden.parents):
        if one not in pairs and parent in pairs:
            placed.append(((one, 0), _lost_edit(matching, one)))
    for other, parent in enumerate(seen.parents):
        if other not in back and parent in back:
            placed.append(((back[parent], other), _new_edit(matching, other)))
    times = Counter(edit for _, edit in sorted(placed, key=lambda at: at[0]))
    return tuple(replace(edit, times=many) for edit, many in times.items())


def _edits_of_matched(matching: Matching, one: int, other: int) -> Iterator[Edit]:
    """What has become of a span that is still there."""
    golden, seen = matching.golden.shapes[one], matching.seen.shapes[other]
    if golden is None or seen is None:
        return
    where = matching.golden.path(one)
    if not matching.has_same_parent(one, other) and not matching.is_moved_by_level(one, other):
        yield Edit("moved", where, _describe_move(matching, one, other))
    if golden.name != seen.name:
        yield Edit("renamed", where, f"renamed to {seen.name}")
    if golden.type != seen.type:
        yield Edit("type changed", where, f"type was {golden.type} and is {seen.type}")
    if golden.status != seen.status:
        yield Edit("status changed", where, f"status was {golden.status} and is {seen.status}")
    yield from _attribute_edits(where, dict(golden.attributes), dict(seen.attributes))


def _attribute_edits(where: str, was: dict[str, str], now: dict[str, str]) -> Iterator[Edit]:
    if gone := sorted(was.keys() - now.keys()):
        yield Edit("attribute gone", where, f"{_attribute_noun(gone)} gone: {', '.join(gone)}")
    if come := sorted(now.keys() - was.keys()):
        yield Edit("attribute new", where, f"{_attribute_noun(come)} new: {', '.join(come)}")
    for key in sorted(was.keys() & now.keys()):
        if was[key] != now[key]:
            says = f"attribute {key} was of type {was[key]} and is {now[key]}"
            yield Edit("attribute type changed", where, says)


def _attribute_noun(keys: Sequence[str]) -> str:
    return "attribute" if len(keys) == 1 else f"{len(keys)} attributes"


def _describe_move(matching: Matching, one: int, other: int) -> str:
    """From where to where; by the whole path, where two parents are called the same."""
    golden, seen = matching.golden, matching.seen
    was, now = golden.parents[one], seen.parents[other]
    if golden.noun(was) != seen.noun(now):
        return f"moved from {golden.noun(was)} to {seen.noun(now)}"
    if golden.path(was) != seen.path(now):
        return f"moved from {golden.path(was)} to {seen.path(now)}"
    return f"moved from one {golden.noun(was)} to another"


def _lost_edit(matching: Matching, one: int) -> Edit:
    """A span that is lost, with all beneath it that is; what was kept of that has moved up."""
    golden, seen, pairs = matching.golden, matching.seen, matching.pairs
    spans, kept = golden.unmatched_below(one, pairs)
    up = [child for child in kept if matching.is_moved_by_level(child, pairs[child])]
    says = f"span lost{_format_descendants(spans)}"
    if up:
        to = seen.noun(seen.parents[pairs[up[0]]])
        says += f"; {_format_children(len(up), spans)} moved up to {to}"
    return Edit("lost", golden.path(one), says)


def _new_edit(matching: Matching, other: int) -> Edit:
    """A span that is new, with all beneath it that is; what was there of that has moved down."""
    golden, seen, back = matching.golden, matching.seen, matching.reverse_pairs
    spans, kept = seen.unmatched_below(other, back)
    down = [child for child in kept if matching.is_moved_by_level(back[child], child)]
    says = f"span new{_format_descendants(spans)}"
    if down:
        parent = golden.noun(golden.parents[back[down[0]]])
        says += f"; {_format_children(len(down), spans)} moved down from {parent}"
    return Edit("new", seen.path(other), says)


def _format_descendants(spans: int) -> str:
    return f", with {spans - 1} beneath it" if spans > 1 else ""


def _format_children(many: int, spans: int) -> str:
    """Those that hung from a span that is lost or new, or from others of `spans` beneath it."""
    if spans > 1:
        return f"{many} more from beneath"
    return "its child" if many == 1 else f"its {many} children"

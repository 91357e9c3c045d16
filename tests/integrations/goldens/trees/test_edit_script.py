"""An edit script explains the whole difference of two trees, in few edits."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from integrations.goldens.trees.edit_script import EDIT_KINDS, Edit, edit_script, match_trees
from integrations.goldens.trees.span_forest import (
    LEVEL_MOVE_COST,
    NAME_COST,
    SPAN_COST,
    STATUS_COST,
    TYPE_COST,
    build_forest,
    difference_cost,
)
from integrations.goldens.trees.span_shape import SpanShape, sort_siblings
from integrations.goldens.trees.subtree_distances import SubtreeDistances
from tests.integrations.goldens.trees.sample_shapes import (
    forests,
    make_crew,
    make_shape,
    make_turn,
    random_forest,
    shuffle_siblings,
)

COMPLETION = make_shape("Completions")
SEEDS = st.integers(0, 2**32 - 1)
Position = list[int]
"""The position of a span: index among the roots, among the children, and so on."""


def script_lines(golden: Sequence[SpanShape], actual: Sequence[SpanShape]) -> list[str]:
    return [str(edit) for edit in edit_script(golden, actual)]


def test_a_completion_outside_its_turn_is_moved() -> None:
    golden = [
        make_crew(make_turn("writer", COMPLETION, COMPLETION), make_turn("reader", COMPLETION))
    ]
    actual = [
        make_crew(make_turn("writer"), make_turn("reader", COMPLETION)),
        COMPLETION,
        COMPLETION,
    ]
    assert script_lines(golden, actual) == [
        "office › writer › Completions: moved from turn writer to root  × 2"
    ]


def test_a_lost_level_keeps_its_children() -> None:
    golden = [
        make_crew(
            make_turn("writer", COMPLETION, make_shape("search", type="TOOL")), make_turn("reader")
        )
    ]
    actual = [make_crew(COMPLETION, make_shape("search", type="TOOL"), make_turn("reader"))]
    assert script_lines(golden, actual) == [
        "office › writer: span lost; its 2 children moved up to chain office"
    ]


def test_a_new_level_has_no_new_children() -> None:
    golden = [make_crew(COMPLETION, make_turn("reader"))]
    actual = [make_crew(make_turn("writer", COMPLETION), make_turn("reader"))]
    assert script_lines(golden, actual) == [
        "office › writer: span new; its child moved down from chain office"
    ]


def test_a_lost_level_may_have_the_type_of_its_children() -> None:
    team = make_shape("team", make_turn("writer", COMPLETION), type="AGENT")
    assert script_lines([team], team.children) == ["team: span lost; its child moved up to root"]


def test_a_span_with_the_same_children_is_renamed() -> None:
    golden, actual = (
        make_turn("writer", COMPLETION, make_turn("a")),
        make_turn("author", COMPLETION, make_turn("a")),
    )
    assert script_lines([golden], [actual]) == ["writer: renamed to author"]


def test_a_move_between_spans_of_one_name_is_described_by_paths() -> None:
    first = make_crew(make_turn("writer", COMPLETION))
    golden = [first, make_shape("other", make_turn("writer"), type="CHAIN")]
    actual = [
        make_crew(make_turn("writer")),
        make_shape("other", make_turn("writer", COMPLETION), type="CHAIN"),
    ]
    assert script_lines(golden, actual) == [
        "office › writer › Completions: moved from office › writer to other › writer"
    ]


def test_every_difference_of_a_span_is_an_edit() -> None:
    golden = make_shape("ask", keys="a b c")
    actual = SpanShape("ask", "TOOL", "ERROR", frozenset({("a", "number"), ("d", "string")}))
    assert script_lines([golden], [actual]) == [
        "ask: type was LLM and is TOOL",
        "ask: status was OK and is ERROR",
        "ask: 2 attributes gone: b, c",
        "ask: attribute new: d",
        "ask: attribute a was of type string and is number",
    ]


def test_an_empty_trace_is_one_lost_span_per_root() -> None:
    golden = [make_crew(make_turn("writer", COMPLETION), make_turn("reader", COMPLETION))]
    assert script_lines(golden, []) == ["office: span lost, with 4 below it"]
    assert script_lines([], golden) == ["office: span new, with 4 below it"]


def test_siblings_are_matched_by_content_and_not_by_order() -> None:
    golden = [
        make_turn("a", make_shape("x", keys="k")),
        make_turn("a", make_shape("y")),
        make_turn("a", make_shape("z")),
    ]
    actual = [
        make_turn("a", make_shape("z")),
        make_turn("a", make_shape("x", keys="k")),
        make_turn("a", make_shape("y", keys="l")),
    ]
    assert script_lines(golden, actual) == ["a › y: attribute new: l"]


def test_lost_is_worse_than_moved_and_moved_is_worse_than_new() -> None:
    ranks = [Edit(kind, "", "").severity for kind in ("lost", "moved", "new")]
    assert ranks == sorted(ranks, reverse=True)
    assert len(EDIT_KINDS) == 9


@given(forests("xyz", 9), SEEDS)
def test_the_order_of_siblings_is_no_edit(golden: list[SpanShape], seed: int) -> None:
    assert edit_script(golden, shuffle_siblings(golden, Random(seed))) == ()


@given(forests("xyz", 6), forests("xyz", 6), SEEDS)
def test_the_script_does_not_depend_on_the_order_of_siblings(
    golden: list[SpanShape], actual: list[SpanShape], seed: int
) -> None:
    random = Random(seed)
    assert edit_script(
        shuffle_siblings(golden, random), shuffle_siblings(actual, random)
    ) == edit_script(golden, actual)


@given(forests("xy", 4), forests("xy", 4))
def test_different_trees_have_an_edit(golden: list[SpanShape], actual: list[SpanShape]) -> None:
    assert (edit_script(golden, actual) == ()) == (sort_siblings(golden) == sort_siblings(actual))


@given(forests("xyz", 7), forests("xyz", 7))
def test_the_edits_explain_the_number_of_spans(
    golden: list[SpanShape], actual: list[SpanShape]
) -> None:
    script = edit_script(golden, actual)
    counted = sum(len(list(root)) for root in actual) - sum(len(list(root)) for root in golden)
    assert counted == sum(_spans(edit) * edit.times for edit in script)


def _spans(edit: Edit) -> int:
    """How many spans an edit adds, by its description."""
    _, _, below = edit.description.partition(", with ")
    spans = 1 + int(below.split()[0]) if below else 1
    return {"new": spans, "lost": -spans}.get(edit.kind, 0)


def positions(roots: Sequence[SpanShape]) -> Iterator[Position]:
    for index, root in enumerate(roots):
        yield [index]
        yield from ([index, *deeper] for deeper in positions(root.children))


def replace_span(
    roots: Sequence[SpanShape],
    position: Position,
    change: Callable[[SpanShape], Sequence[SpanShape]],
) -> tuple[SpanShape, ...]:
    """Replace the span at a position."""
    index, *deeper = position
    span = roots[index]
    replacement = (
        [replace(span, children=replace_span(span.children, deeper, change))]
        if deeper
        else change(span)
    )
    return (*roots[:index], *replacement, *roots[index + 1 :])


def span_at(roots: Sequence[SpanShape], position: Position) -> SpanShape:
    span = roots[position[0]]
    return span_at(span.children, position[1:]) if position[1:] else span


MUTATIONS: dict[str, tuple[int, Callable[[SpanShape], Sequence[SpanShape]]]] = {
    "lost": (0, lambda span: ()),
    "level": (0, lambda span: span.children),
    "new": (SPAN_COST, lambda span: (span, make_shape("new"))),
    "between": (SPAN_COST + LEVEL_MOVE_COST, lambda span: (make_turn("new", span),)),
    "renamed": (NAME_COST, lambda span: (replace(span, name="another"),)),
    "type changed": (TYPE_COST, lambda span: (replace(span, type="TOOL"),)),
    "status changed": (STATUS_COST, lambda span: (replace(span, status="UNSET"),)),
    "attribute new": (
        1,
        lambda span: (replace(span, attributes=span.attributes | {("n", "null")}),),
    ),
}
"""Changes of a span and their cost. The cost of a loss depends on the spans below."""


@pytest.mark.long
@pytest.mark.parametrize("kind", MUTATIONS)
@given(golden=forests("", 9, unique=True), seed=SEEDS)
def test_one_change_of_one_span_is_one_edit(kind: str, golden: list[SpanShape], seed: int) -> None:
    assume(golden)
    position = Random(seed).choice(list(positions(golden)))
    target = span_at(golden, position)
    _, change = MUTATIONS[kind]
    (edit,) = edit_script(
        golden, shuffle_siblings(replace_span(golden, position, change), Random(seed))
    )
    name = {"new": "new", "between": "new"}.get(kind, target.name)
    assert edit.path.split(" › ")[-1] == name
    assert edit.kind == {"level": "lost", "between": "new"}.get(kind, kind)
    assert _spans(edit) == {"lost": -len(list(target)), "level": -1, "new": 1, "between": 1}.get(
        kind, 0
    )


@given(golden=forests("", 9, unique=True), seed=SEEDS)
def test_a_moved_subtree_is_one_edit(golden: list[SpanShape], seed: int) -> None:
    random = Random(seed)
    deep = [position for position in positions(golden) if len(position) > 1]
    assume(deep)
    position = random.choice(deep)
    moving = span_at(golden, position)
    actual = (*replace_span(golden, position, lambda span: ()), moving)
    (edit,) = edit_script(golden, actual)
    assert edit.kind == "moved"
    assert edit.path.split(" › ")[-1] == moving.name
    assert edit.description.endswith(f"{span_at(golden, position[:-1]).name} to root")


@pytest.mark.long
@pytest.mark.parametrize("kind", sorted(MUTATIONS.keys() - {"level"}))
@given(golden=forests("xyz", 8), seed=SEEDS)
def test_no_script_costs_more_than_the_change(
    kind: str, golden: list[SpanShape], seed: int
) -> None:
    assume(golden)
    position = Random(seed).choice(list(positions(golden)))
    target = span_at(golden, position)
    lost = {
        "lost": SPAN_COST * len(list(target)),
        "level": SPAN_COST + LEVEL_MOVE_COST * len(target.children),
    }
    cost, change = MUTATIONS[kind]
    actual = replace_span(golden, position, change)
    assert match_trees(build_forest(golden), build_forest(actual)).total_cost <= lost.get(
        kind, cost
    )


def test_a_lost_level_among_spans_of_few_names_costs_no_more() -> None:
    """True for these trees. Of all trees, about one in a thousand gets a more expensive script."""
    random = Random(1)
    for _ in range(300):
        golden = random_forest(random, "xyz", random.randrange(1, 9))
        position = random.choice(list(positions(golden)))
        actual = replace_span(golden, position, lambda span: span.children)
        cost = SPAN_COST + LEVEL_MOVE_COST * len(span_at(golden, position).children)
        assert match_trees(build_forest(golden), build_forest(actual)).total_cost <= cost


INNER = make_shape("x", keys="a b", status="ERROR")
AMBIGUOUS_LOSSES: dict[str, tuple[SpanShape, Callable[[SpanShape], Sequence[SpanShape]]]] = {
    "a parent and its child of one name": (
        make_turn(
            "s",
            make_shape("s", make_turn("s", make_shape("t")), status="ERROR"),
            make_shape("s", make_shape("t")),
        ),
        lambda span: span.children,
    ),
    "a level far down, with another of its name below": (
        make_turn(
            "z",
            make_turn(
                "y", make_turn("x", make_shape("x", make_shape("y", keys="a b"), status="ERROR"))
            ),
        ),
        lambda span: (
            make_turn(
                "z", make_turn("y", make_shape("x", make_shape("y", keys="a b"), status="ERROR"))
            ),
        ),
    ),
    "a level between two of its name, beside another span": (
        make_turn("y", make_shape("x", make_turn("y"), make_shape("x", INNER, keys="a"), keys="a")),
        lambda span: (make_turn("y", make_shape("x", make_turn("y"), INNER, keys="a")),),
    ),
}
"""Trees that lost one level, and resemble trees with another change."""


@pytest.mark.parametrize("loss", AMBIGUOUS_LOSSES)
def test_a_lost_level_among_spans_of_its_name_is_one_edit(loss: str) -> None:
    golden, change = AMBIGUOUS_LOSSES[loss]
    (edit,) = edit_script([golden], change(golden))
    assert (edit.kind, _spans(edit)) == ("lost", -1)


@given(forests("xy", 5), forests("xy", 5))
def test_siblings_are_matched_at_the_lowest_cost(
    golden: list[SpanShape], actual: list[SpanShape]
) -> None:
    old_forest, new_forest = build_forest(golden), build_forest(actual)
    subtrees = SubtreeDistances(may_match=lambda old, new: True)
    old = subtrees.number_subtrees(old_forest, range(len(old_forest)))[0]
    assert subtrees.distance(
        old, subtrees.number_subtrees(new_forest, range(len(new_forest)))[0]
    ) == cheapest(golden, actual)


def cheapest(golden: Sequence[SpanShape], actual: Sequence[SpanShape]) -> int:
    """The cost of the differences of two lists of siblings, over all ways to match them."""
    if len(golden) > len(actual):
        golden, actual = actual, golden
    all_new = SPAN_COST * sum(len(list(root)) for root in actual)
    return min(
        all_new
        - sum(
            SPAN_COST * len(list(new)) - _pair_cost(old, new)
            for old, new in zip(golden, order, strict=False)
        )
        for order in permutations(actual)
    )


def _pair_cost(old: SpanShape, new: SpanShape) -> int:
    spans = len(list(old)) + len(list(new))
    return min(SPAN_COST * spans, difference_cost(old, new) + cheapest(old.children, new.children))


@pytest.mark.long
@pytest.mark.parametrize("names", [3, 300])
def test_two_unrelated_trees_of_300_spans_are_compared_in_seconds(names: int) -> None:
    golden, actual = (_wide(Random(seed), names) for seed in (1, 2))
    start = time.process_time()
    assert edit_script(golden, actual)
    assert time.process_time() - start < 4


def test_a_tree_of_300_changed_spans_is_compared_in_a_second() -> None:
    agents = [f"agent {number}" for number in range(30)]
    tool, with_fewer_attributes = (
        make_shape("search", type="TOOL"),
        make_shape("Completions", keys="a"),
    )
    asks = [make_shape("Completions", keys="a b") for _ in range(4)]
    golden = make_crew(*[make_turn(agent, *asks, *[tool] * 4) for agent in agents])
    actual = [
        make_shape(
            "team",
            *[make_turn(agent, *[with_fewer_attributes] * 4) for agent in agents],
            *[tool] * 120,
        )
    ]
    start = time.process_time()
    script = edit_script([golden], actual)
    assert time.process_time() - start < 1
    assert {edit.kind for edit in script} == {
        "renamed", "type changed", "moved", "attribute gone"
    }  # fmt: skip


def _wide(random: Random, names: int) -> list[SpanShape]:
    """One tree of 300 spans, each beneath one of the 20 before it."""
    below: list[list[int]] = [[] for _ in range(300)]
    for place in range(1, 300):
        below[random.randrange(max(0, place - 20), place)].append(place)

    def build(place: int) -> SpanShape:
        children = tuple(map(build, below[place]))
        return SpanShape(f"s{random.randrange(names)}", random.choice("AB"), children=children)

    return [build(0)]


def test_thirty_equal_siblings_with_the_same_change_are_one_edit() -> None:
    golden = [make_crew(*[make_turn("writer", COMPLETION) for _ in range(30)])]
    actual = [make_crew(*[make_turn("writer") for _ in range(30)])]
    assert script_lines(golden, actual) == ["office › writer › Completions: span lost  × 30"]


def test_a_tree_of_maximum_depth_is_compared() -> None:
    golden = deep = make_shape("s")
    for level in range(190):
        golden = make_turn(f"s{level}", golden)
    assert script_lines([golden], [replace(golden, children=())]) == [
        "s189 › s188: span lost, with 189 below it"
    ]
    assert len(script_lines([golden], [deep])) == 1

"""Edits say what a trace tells otherwise than its golden: all of it, as plainly as can be."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from integrations.trees.edit_script import EDIT_KINDS, Edit, edit_script
from integrations.trees.forest import (
    LEVEL_MOVE_COST,
    NAME_COST,
    SPAN_COST,
    STATUS_COST,
    TYPE_COST,
    build_forest,
    difference_cost,
)
from integrations.trees.match_trees import match_trees
from integrations.trees.span_shape import SpanShape, sort_siblings
from integrations.trees.subtree_distances import SubtreeDistances
from tests.integrations.trees.sample_shapes import (
    forests,
    make_crew,
    make_shape,
    make_turn,
    random_forest,
    shuffle_siblings,
)

COMPLETION = make_shape("Completions")
SEEDS = st.integers(0, 2**32 - 1)
Place = list[int]
"""Where a span stands: which of the roots, which of its children, and so on."""


def said(golden: Sequence[SpanShape], seen: Sequence[SpanShape]) -> list[str]:
    return [str(edit) for edit in edit_script(golden, seen)]


def test_a_completion_that_has_left_its_turn_is_moved_from_there_to_the_root() -> None:
    golden = [
        make_crew(make_turn("writer", COMPLETION, COMPLETION), make_turn("reader", COMPLETION))
    ]
    seen = [make_crew(make_turn("writer"), make_turn("reader", COMPLETION)), COMPLETION, COMPLETION]
    assert said(golden, seen) == [
        "office › writer › Completions: moved from turn writer to root  × 2"
    ]


def test_a_level_that_is_lost_takes_nothing_with_it() -> None:
    golden = [
        make_crew(
            make_turn("writer", COMPLETION, make_shape("search", type="TOOL")), make_turn("reader")
        )
    ]
    seen = [make_crew(COMPLETION, make_shape("search", type="TOOL"), make_turn("reader"))]
    assert said(golden, seen) == [
        "office › writer: span lost; its 2 children moved up to chain office"
    ]


def test_a_level_that_is_new_brings_nothing_with_it() -> None:
    golden = [make_crew(COMPLETION, make_turn("reader"))]
    seen = [make_crew(make_turn("writer", COMPLETION), make_turn("reader"))]
    assert said(golden, seen) == [
        "office › writer: span new; its child moved down from chain office"
    ]


def test_a_level_may_be_lost_of_the_same_type_as_those_beneath_it() -> None:
    team = make_shape("team", make_turn("writer", COMPLETION), type="AGENT")
    assert said([team], team.children) == ["team: span lost; its child moved up to root"]


def test_a_span_of_another_name_with_the_same_beneath_it_is_renamed() -> None:
    golden, seen = (
        make_turn("writer", COMPLETION, make_turn("a")),
        make_turn("author", COMPLETION, make_turn("a")),
    )
    assert said([golden], [seen]) == ["writer: renamed to author"]


def test_spans_that_go_from_turn_to_turn_of_one_name_are_told_by_their_paths() -> None:
    first = make_crew(make_turn("writer", COMPLETION))
    golden = [first, make_shape("other", make_turn("writer"), type="CHAIN")]
    seen = [
        make_crew(make_turn("writer")),
        make_shape("other", make_turn("writer", COMPLETION), type="CHAIN"),
    ]
    assert said(golden, seen) == [
        "office › writer › Completions: moved from office › writer to other › writer"
    ]


def test_all_that_one_span_says_otherwise_is_told() -> None:
    golden = make_shape("ask", keys="a b c")
    seen = SpanShape("ask", "TOOL", "ERROR", frozenset({("a", "number"), ("d", "string")}))
    assert said([golden], [seen]) == [
        "ask: type was LLM and is TOOL",
        "ask: status was OK and is ERROR",
        "ask: 2 attributes gone: b, c",
        "ask: attribute new: d",
        "ask: attribute a was of type string and is number",
    ]


def test_no_trace_at_all_is_one_span_lost_for_each_root() -> None:
    golden = [make_crew(make_turn("writer", COMPLETION), make_turn("reader", COMPLETION))]
    assert said(golden, []) == ["office: span lost, with 4 beneath it"]
    assert said([], golden) == ["office: span new, with 4 beneath it"]


def test_siblings_are_matched_by_what_they_are_and_not_by_their_order() -> None:
    golden = [
        make_turn("a", make_shape("x", keys="k")),
        make_turn("a", make_shape("y")),
        make_turn("a", make_shape("z")),
    ]
    seen = [
        make_turn("a", make_shape("z")),
        make_turn("a", make_shape("x", keys="k")),
        make_turn("a", make_shape("y", keys="l")),
    ]
    assert said(golden, seen) == ["a › y: attribute new: l"]


def test_what_is_lost_is_worse_than_what_is_moved_and_that_than_what_is_new() -> None:
    ranks = [Edit(kind, "", "").severity for kind in ("lost", "moved", "new")]
    assert ranks == sorted(ranks, reverse=True)
    assert len(EDIT_KINDS) == 9


@given(forests("xyz", 9), SEEDS)
def test_the_same_trees_in_another_order_are_no_edit(golden: list[SpanShape], seed: int) -> None:
    assert edit_script(golden, shuffle_siblings(golden, Random(seed))) == ()


@given(forests("xyz", 6), forests("xyz", 6), SEEDS)
def test_the_script_does_not_depend_on_the_order_of_siblings(
    golden: list[SpanShape], seen: list[SpanShape], seed: int
) -> None:
    random = Random(seed)
    assert edit_script(
        shuffle_siblings(golden, random), shuffle_siblings(seen, random)
    ) == edit_script(golden, seen)


@given(forests("xy", 4), forests("xy", 4))
def test_trees_that_differ_have_an_edit(golden: list[SpanShape], seen: list[SpanShape]) -> None:
    assert (edit_script(golden, seen) == ()) == (sort_siblings(golden) == sort_siblings(seen))


@given(forests("xyz", 7), forests("xyz", 7))
def test_the_edits_explain_every_span_that_is_there_more_or_less(
    golden: list[SpanShape], seen: list[SpanShape]
) -> None:
    script = edit_script(golden, seen)
    counted = sum(len(list(root)) for root in seen) - sum(len(list(root)) for root in golden)
    assert counted == sum(_spans(edit) * edit.times for edit in script)


def _spans(edit: Edit) -> int:
    """How many spans an edit brings, by what it says."""
    _, _, beneath = edit.description.partition(", with ")
    spans = 1 + int(beneath.split()[0]) if beneath else 1
    return {"new": spans, "lost": -spans}.get(edit.kind, 0)


def places(roots: Sequence[SpanShape]) -> Iterator[Place]:
    for index, root in enumerate(roots):
        yield [index]
        yield from ([index, *deeper] for deeper in places(root.children))


def changed(
    roots: Sequence[SpanShape], at: Place, change: Callable[[SpanShape], Sequence[SpanShape]]
) -> tuple[SpanShape, ...]:
    """The trees in which other spans stand where one stood."""
    index, *deeper = at
    there = roots[index]
    put = (
        [replace(there, children=changed(there.children, deeper, change))]
        if deeper
        else change(there)
    )
    return (*roots[:index], *put, *roots[index + 1 :])


def standing(roots: Sequence[SpanShape], at: Place) -> SpanShape:
    there = roots[at[0]]
    return standing(there.children, at[1:]) if at[1:] else there


MUTATIONS: dict[str, tuple[int, Callable[[SpanShape], Sequence[SpanShape]]]] = {
    "lost": (0, lambda there: ()),
    "level": (0, lambda there: there.children),
    "new": (SPAN_COST, lambda there: (there, make_shape("new"))),
    "between": (SPAN_COST + LEVEL_MOVE_COST, lambda there: (make_turn("new", there),)),
    "renamed": (NAME_COST, lambda there: (replace(there, name="another"),)),
    "type changed": (TYPE_COST, lambda there: (replace(there, type="TOOL"),)),
    "status changed": (STATUS_COST, lambda there: (replace(there, status="UNSET"),)),
    "attribute new": (
        1,
        lambda there: (replace(there, attributes=there.attributes | {("n", "null")}),),
    ),
}
"""What may befall a span, and the price of it; that of a loss depends on what is beneath."""


@pytest.mark.parametrize("kind", MUTATIONS)
@given(golden=forests("", 9, unique=True), seed=SEEDS)
def test_one_thing_that_befalls_one_span_is_one_edit(
    kind: str, golden: list[SpanShape], seed: int
) -> None:
    assume(golden)
    at = Random(seed).choice(list(places(golden)))
    befallen = standing(golden, at)
    _, change = MUTATIONS[kind]
    (edit,) = edit_script(golden, shuffle_siblings(changed(golden, at, change), Random(seed)))
    named = {"new": "new", "between": "new"}.get(kind, befallen.name)
    assert edit.path.split(" › ")[-1] == named
    assert edit.kind == {"level": "lost", "between": "new"}.get(kind, kind)
    assert _spans(edit) == {"lost": -len(list(befallen)), "level": -1, "new": 1, "between": 1}.get(
        kind, 0
    )


@given(golden=forests("", 9, unique=True), seed=SEEDS)
def test_one_subtree_that_stands_elsewhere_is_one_move(golden: list[SpanShape], seed: int) -> None:
    random = Random(seed)
    deep = [at for at in places(golden) if len(at) > 1]
    assume(deep)
    at = random.choice(deep)
    moving = standing(golden, at)
    seen = (*changed(golden, at, lambda there: ()), moving)
    (edit,) = edit_script(golden, seen)
    assert edit.kind == "moved"
    assert edit.path.split(" › ")[-1] == moving.name
    assert edit.description.endswith(f"{standing(golden, at[:-1]).name} to root")


@pytest.mark.parametrize("kind", sorted(MUTATIONS.keys() - {"level"}))
@given(golden=forests("xyz", 8), seed=SEEDS)
def test_no_explanation_is_dearer_than_what_happened(
    kind: str, golden: list[SpanShape], seed: int
) -> None:
    assume(golden)
    at = Random(seed).choice(list(places(golden)))
    befallen = standing(golden, at)
    lost = {
        "lost": SPAN_COST * len(list(befallen)),
        "level": SPAN_COST + LEVEL_MOVE_COST * len(befallen.children),
    }
    due, change = MUTATIONS[kind]
    seen = changed(golden, at, change)
    assert match_trees(build_forest(golden), build_forest(seen)).total_cost <= lost.get(kind, due)


def test_a_level_that_is_lost_among_spans_of_few_names_is_explained_as_plainly() -> None:
    """On these trees; of all, about one in a thousand is explained otherwise, and dearer."""
    random = Random(1)
    for _ in range(300):
        golden = random_forest(random, "xyz", random.randrange(1, 9))
        at = random.choice(list(places(golden)))
        seen = changed(golden, at, lambda there: there.children)
        due = SPAN_COST + LEVEL_MOVE_COST * len(standing(golden, at).children)
        assert match_trees(build_forest(golden), build_forest(seen)).total_cost <= due


INNER = make_shape("x", keys="a b", status="ERROR")
HARD: dict[str, tuple[SpanShape, Callable[[SpanShape], Sequence[SpanShape]]]] = {
    "a parent and its child of one name": (
        make_turn(
            "s",
            make_shape("s", make_turn("s", make_shape("t")), status="ERROR"),
            make_shape("s", make_shape("t")),
        ),
        lambda there: there.children,
    ),
    "a level far down, with another of its name beneath": (
        make_turn(
            "z",
            make_turn(
                "y", make_turn("x", make_shape("x", make_shape("y", keys="a b"), status="ERROR"))
            ),
        ),
        lambda there: (
            make_turn(
                "z", make_turn("y", make_shape("x", make_shape("y", keys="a b"), status="ERROR"))
            ),
        ),
    ),
    "a level between two of its name, beside another span": (
        make_turn("y", make_shape("x", make_turn("y"), make_shape("x", INNER, keys="a"), keys="a")),
        lambda there: (make_turn("y", make_shape("x", make_turn("y"), INNER, keys="a")),),
    ),
}
"""Trees that have lost one level, and look as if something else had happened."""


@pytest.mark.parametrize("hard", HARD)
def test_a_level_that_is_lost_among_spans_of_its_name_is_told(hard: str) -> None:
    golden, change = HARD[hard]
    (edit,) = edit_script([golden], change(golden))
    assert (edit.kind, _spans(edit)) == ("lost", -1)


@given(forests("xy", 5), forests("xy", 5))
def test_siblings_are_matched_at_the_lowest_price_of_all_ways(
    golden: list[SpanShape], seen: list[SpanShape]
) -> None:
    was, now = build_forest(golden), build_forest(seen)
    subtrees = SubtreeDistances(may_match=lambda one, other: True)
    one = subtrees.number_subtrees(was, range(len(was)))[0]
    assert subtrees.distance(one, subtrees.number_subtrees(now, range(len(now)))[0]) == cheapest(
        golden, seen
    )


def cheapest(golden: Sequence[SpanShape], seen: Sequence[SpanShape]) -> int:
    """What two rows of siblings differ in, by trying every way to match them."""
    if len(golden) > len(seen):
        golden, seen = seen, golden
    alone = SPAN_COST * sum(len(list(root)) for root in seen)
    return min(
        alone
        - sum(
            SPAN_COST * len(list(other)) - _cheaper(one, other)
            for one, other in zip(golden, way, strict=False)
        )
        for way in permutations(seen)
    )


def _cheaper(one: SpanShape, other: SpanShape) -> int:
    spans = len(list(one)) + len(list(other))
    return min(
        SPAN_COST * spans, difference_cost(one, other) + cheapest(one.children, other.children)
    )


@pytest.mark.parametrize("names", [3, 300])
def test_two_strange_trees_of_300_spans_are_compared_in_seconds(names: int) -> None:
    golden, seen = (_wide(Random(seed), names) for seed in (1, 2))
    began = time.process_time()
    assert edit_script(golden, seen)
    assert time.process_time() - began < 4


def test_a_tree_of_300_spans_that_has_changed_throughout_is_compared_in_a_second() -> None:
    agents = [f"agent {number}" for number in range(30)]
    tool, said_less = make_shape("search", type="TOOL"), make_shape("Completions", keys="a")
    asks = [make_shape("Completions", keys="a b") for _ in range(4)]
    golden = make_crew(*[make_turn(agent, *asks, *[tool] * 4) for agent in agents])
    seen = [
        make_shape("team", *[make_turn(agent, *[said_less] * 4) for agent in agents], *[tool] * 120)
    ]
    began = time.process_time()
    script = edit_script([golden], seen)
    assert time.process_time() - began < 1
    assert {edit.kind for edit in script} == {
        "renamed", "type changed", "moved", "attribute gone"
    }  # fmt: skip


def _wide(random: Random, names: int) -> list[SpanShape]:
    """One tree of 300 spans, each beneath one of the 20 before it."""
    beneath: list[list[int]] = [[] for _ in range(300)]
    for place in range(1, 300):
        beneath[random.randrange(max(0, place - 20), place)].append(place)

    def grown(place: int) -> SpanShape:
        children = tuple(map(grown, beneath[place]))
        return SpanShape(f"s{random.randrange(names)}", random.choice("AB"), children=children)

    return [grown(0)]


def test_thirty_siblings_alike_that_each_change_are_one_edit() -> None:
    golden = [make_crew(*[make_turn("writer", COMPLETION) for _ in range(30)])]
    seen = [make_crew(*[make_turn("writer") for _ in range(30)])]
    assert said(golden, seen) == ["office › writer › Completions: span lost  × 30"]


def test_a_tree_as_deep_as_one_may_be_is_compared() -> None:
    golden = deep = make_shape("s")
    for level in range(190):
        golden = make_turn(f"s{level}", golden)
    assert said([golden], [replace(golden, children=())]) == [
        "s189 › s188: span lost, with 189 beneath it"
    ]
    assert len(said([golden], [deep])) == 1

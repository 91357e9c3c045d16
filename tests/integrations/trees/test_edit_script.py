"""Edits say what a trace tells otherwise than its golden: all of it, as plainly as can be."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from integrations.trees.edit_script import KINDS, Edit, edits
from integrations.trees.forest import LEVEL, NAME, SPAN, STATUS, TYPE, grove, price
from integrations.trees.match_trees import paired
from integrations.trees.span_shape import Shape, in_order
from integrations.trees.subtree_distances import Subtrees
from tests.integrations.trees.sample_shapes import crew, drawn, shuffled, span, trees, turn

COMPLETION = span("Completions")
SEEDS = st.integers(0, 2**32 - 1)
Place = list[int]
"""Where a span stands: which of the roots, which of its children, and so on."""


def said(golden: Sequence[Shape], seen: Sequence[Shape]) -> list[str]:
    return [str(edit) for edit in edits(golden, seen)]


def test_a_completion_that_has_left_its_turn_is_moved_from_there_to_the_root() -> None:
    golden = [crew(turn("writer", COMPLETION, COMPLETION), turn("reader", COMPLETION))]
    seen = [crew(turn("writer"), turn("reader", COMPLETION)), COMPLETION, COMPLETION]
    assert said(golden, seen) == [
        "office › writer › Completions: moved from turn writer to root  × 2"
    ]


def test_a_level_that_is_lost_takes_nothing_with_it() -> None:
    golden = [crew(turn("writer", COMPLETION, span("search", type="TOOL")), turn("reader"))]
    seen = [crew(COMPLETION, span("search", type="TOOL"), turn("reader"))]
    assert said(golden, seen) == [
        "office › writer: span lost; its 2 children moved up to chain office"
    ]


def test_a_level_that_is_new_brings_nothing_with_it() -> None:
    golden = [crew(COMPLETION, turn("reader"))]
    seen = [crew(turn("writer", COMPLETION), turn("reader"))]
    assert said(golden, seen) == [
        "office › writer: span new; its child moved down from chain office"
    ]


def test_a_level_may_be_lost_of_the_same_type_as_those_beneath_it() -> None:
    team = span("team", turn("writer", COMPLETION), type="AGENT")
    assert said([team], team.children) == ["team: span lost; its child moved up to root"]


def test_a_span_of_another_name_with_the_same_beneath_it_is_renamed() -> None:
    golden, seen = turn("writer", COMPLETION, turn("a")), turn("author", COMPLETION, turn("a"))
    assert said([golden], [seen]) == ["writer: renamed to author"]


def test_spans_that_go_from_turn_to_turn_of_one_name_are_told_by_their_paths() -> None:
    first = crew(turn("writer", COMPLETION))
    golden = [first, span("other", turn("writer"), type="CHAIN")]
    seen = [crew(turn("writer")), span("other", turn("writer", COMPLETION), type="CHAIN")]
    assert said(golden, seen) == [
        "office › writer › Completions: moved from office › writer to other › writer"
    ]


def test_all_that_one_span_says_otherwise_is_told() -> None:
    golden = span("ask", says="a b c")
    seen = Shape("ask", "TOOL", "ERROR", frozenset({("a", "number"), ("d", "string")}))
    assert said([golden], [seen]) == [
        "ask: type was LLM and is TOOL",
        "ask: status was OK and is ERROR",
        "ask: 2 attributes gone: b, c",
        "ask: attribute new: d",
        "ask: attribute a was of type string and is number",
    ]


def test_no_trace_at_all_is_one_span_lost_for_each_root() -> None:
    golden = [crew(turn("writer", COMPLETION), turn("reader", COMPLETION))]
    assert said(golden, []) == ["office: span lost, with 4 beneath it"]
    assert said([], golden) == ["office: span new, with 4 beneath it"]


def test_siblings_are_matched_by_what_they_are_and_not_by_their_order() -> None:
    golden = [turn("a", span("x", says="k")), turn("a", span("y")), turn("a", span("z"))]
    seen = [turn("a", span("z")), turn("a", span("x", says="k")), turn("a", span("y", says="l"))]
    assert said(golden, seen) == ["a › y: attribute new: l"]


def test_what_is_lost_is_worse_than_what_is_moved_and_that_than_what_is_new() -> None:
    ranks = [Edit(kind, "", "").severity for kind in ("lost", "moved", "new")]
    assert ranks == sorted(ranks, reverse=True)
    assert len(KINDS) == 9


@given(drawn("xyz", 9), SEEDS)
def test_the_same_trees_in_another_order_are_no_edit(golden: list[Shape], seed: int) -> None:
    assert edits(golden, shuffled(golden, Random(seed))) == ()


@given(drawn("xyz", 6), drawn("xyz", 6), SEEDS)
def test_the_script_does_not_depend_on_the_order_of_siblings(
    golden: list[Shape], seen: list[Shape], seed: int
) -> None:
    random = Random(seed)
    assert edits(shuffled(golden, random), shuffled(seen, random)) == edits(golden, seen)


@given(drawn("xy", 4), drawn("xy", 4))
def test_trees_that_differ_have_an_edit(golden: list[Shape], seen: list[Shape]) -> None:
    assert (edits(golden, seen) == ()) == (in_order(golden) == in_order(seen))


@given(drawn("xyz", 7), drawn("xyz", 7))
def test_the_edits_explain_every_span_that_is_there_more_or_less(
    golden: list[Shape], seen: list[Shape]
) -> None:
    script = edits(golden, seen)
    counted = sum(len(list(root)) for root in seen) - sum(len(list(root)) for root in golden)
    assert counted == sum(_spans(edit) * edit.times for edit in script)


def _spans(edit: Edit) -> int:
    """How many spans an edit brings, by what it says."""
    _, _, beneath = edit.says.partition(", with ")
    spans = 1 + int(beneath.split()[0]) if beneath else 1
    return {"new": spans, "lost": -spans}.get(edit.kind, 0)


def places(roots: Sequence[Shape]) -> Iterator[Place]:
    for index, root in enumerate(roots):
        yield [index]
        yield from ([index, *deeper] for deeper in places(root.children))


def changed(
    roots: Sequence[Shape], at: Place, change: Callable[[Shape], Sequence[Shape]]
) -> tuple[Shape, ...]:
    """The trees in which other spans stand where one stood."""
    index, *deeper = at
    there = roots[index]
    put = (
        [replace(there, children=changed(there.children, deeper, change))]
        if deeper
        else change(there)
    )
    return (*roots[:index], *put, *roots[index + 1 :])


def standing(roots: Sequence[Shape], at: Place) -> Shape:
    there = roots[at[0]]
    return standing(there.children, at[1:]) if at[1:] else there


MUTATIONS: dict[str, tuple[int, Callable[[Shape], Sequence[Shape]]]] = {
    "lost": (0, lambda there: ()),
    "level": (0, lambda there: there.children),
    "new": (SPAN, lambda there: (there, span("new"))),
    "between": (SPAN + LEVEL, lambda there: (turn("new", there),)),
    "renamed": (NAME, lambda there: (replace(there, name="another"),)),
    "type changed": (TYPE, lambda there: (replace(there, type="TOOL"),)),
    "status changed": (STATUS, lambda there: (replace(there, status="UNSET"),)),
    "attribute new": (
        1,
        lambda there: (replace(there, attributes=there.attributes | {("n", "null")}),),
    ),
}
"""What may befall a span, and the price of it; that of a loss depends on what is beneath."""


@pytest.mark.parametrize("kind", MUTATIONS)
@given(golden=drawn("", 9, unique=True), seed=SEEDS)
def test_one_thing_that_befalls_one_span_is_one_edit(
    kind: str, golden: list[Shape], seed: int
) -> None:
    assume(golden)
    at = Random(seed).choice(list(places(golden)))
    befallen = standing(golden, at)
    _, change = MUTATIONS[kind]
    (edit,) = edits(golden, shuffled(changed(golden, at, change), Random(seed)))
    named = {"new": "new", "between": "new"}.get(kind, befallen.name)
    assert edit.where.split(" › ")[-1] == named
    assert edit.kind == {"level": "lost", "between": "new"}.get(kind, kind)
    assert _spans(edit) == {"lost": -len(list(befallen)), "level": -1, "new": 1, "between": 1}.get(
        kind, 0
    )


@given(golden=drawn("", 9, unique=True), seed=SEEDS)
def test_one_subtree_that_stands_elsewhere_is_one_move(golden: list[Shape], seed: int) -> None:
    random = Random(seed)
    deep = [at for at in places(golden) if len(at) > 1]
    assume(deep)
    at = random.choice(deep)
    moving = standing(golden, at)
    seen = (*changed(golden, at, lambda there: ()), moving)
    (edit,) = edits(golden, seen)
    assert edit.kind == "moved"
    assert edit.where.split(" › ")[-1] == moving.name
    assert edit.says.endswith(f"{standing(golden, at[:-1]).name} to root")


@pytest.mark.parametrize("kind", sorted(MUTATIONS.keys() - {"level"}))
@given(golden=drawn("xyz", 8), seed=SEEDS)
def test_no_explanation_is_dearer_than_what_happened(
    kind: str, golden: list[Shape], seed: int
) -> None:
    assume(golden)
    at = Random(seed).choice(list(places(golden)))
    befallen = standing(golden, at)
    lost = {"lost": SPAN * len(list(befallen)), "level": SPAN + LEVEL * len(befallen.children)}
    due, change = MUTATIONS[kind]
    seen = changed(golden, at, change)
    assert paired(grove(golden), grove(seen)).price <= lost.get(kind, due)


def test_a_level_that_is_lost_among_spans_of_few_names_is_explained_as_plainly() -> None:
    """On these trees; of all, about one in a thousand is explained otherwise, and dearer."""
    random = Random(1)
    for _ in range(300):
        golden = trees(random, "xyz", random.randrange(1, 9))
        at = random.choice(list(places(golden)))
        seen = changed(golden, at, lambda there: there.children)
        due = SPAN + LEVEL * len(standing(golden, at).children)
        assert paired(grove(golden), grove(seen)).price <= due


INNER = span("x", says="a b", status="ERROR")
HARD: dict[str, tuple[Shape, Callable[[Shape], Sequence[Shape]]]] = {
    "a parent and its child of one name": (
        turn("s", span("s", turn("s", span("t")), status="ERROR"), span("s", span("t"))),
        lambda there: there.children,
    ),
    "a level far down, with another of its name beneath": (
        turn("z", turn("y", turn("x", span("x", span("y", says="a b"), status="ERROR")))),
        lambda there: (turn("z", turn("y", span("x", span("y", says="a b"), status="ERROR"))),),
    ),
    "a level between two of its name, beside another span": (
        turn("y", span("x", turn("y"), span("x", INNER, says="a"), says="a")),
        lambda there: (turn("y", span("x", turn("y"), INNER, says="a")),),
    ),
}
"""Trees that have lost one level, and look as if something else had happened."""


@pytest.mark.parametrize("hard", HARD)
def test_a_level_that_is_lost_among_spans_of_its_name_is_told(hard: str) -> None:
    golden, change = HARD[hard]
    (edit,) = edits([golden], change(golden))
    assert (edit.kind, _spans(edit)) == ("lost", -1)


@given(drawn("xy", 5), drawn("xy", 5))
def test_siblings_are_matched_at_the_lowest_price_of_all_ways(
    golden: list[Shape], seen: list[Shape]
) -> None:
    was, now = grove(golden), grove(seen)
    subtrees = Subtrees(same=lambda one, other: True)
    one = subtrees.numbered(was, range(len(was)))[0]
    assert subtrees.apart(one, subtrees.numbered(now, range(len(now)))[0]) == cheapest(golden, seen)


def cheapest(golden: Sequence[Shape], seen: Sequence[Shape]) -> int:
    """What two rows of siblings differ in, by trying every way to match them."""
    if len(golden) > len(seen):
        golden, seen = seen, golden
    alone = SPAN * sum(len(list(root)) for root in seen)
    return min(
        alone
        - sum(
            SPAN * len(list(other)) - _cheaper(one, other)
            for one, other in zip(golden, way, strict=False)
        )
        for way in permutations(seen)
    )


def _cheaper(one: Shape, other: Shape) -> int:
    spans = len(list(one)) + len(list(other))
    return min(SPAN * spans, price(one, other) + cheapest(one.children, other.children))


@pytest.mark.parametrize("names", [3, 300])
def test_two_strange_trees_of_300_spans_are_compared_in_seconds(names: int) -> None:
    golden, seen = (_wide(Random(seed), names) for seed in (1, 2))
    began = time.process_time()
    assert edits(golden, seen)
    assert time.process_time() - began < 4


def test_a_tree_of_300_spans_that_has_changed_throughout_is_compared_in_a_second() -> None:
    agents = [f"agent {number}" for number in range(30)]
    tool, said_less = span("search", type="TOOL"), span("Completions", says="a")
    asks = [span("Completions", says="a b") for _ in range(4)]
    golden = crew(*[turn(agent, *asks, *[tool] * 4) for agent in agents])
    seen = [span("team", *[turn(agent, *[said_less] * 4) for agent in agents], *[tool] * 120)]
    began = time.process_time()
    script = edits([golden], seen)
    assert time.process_time() - began < 1
    assert {edit.kind for edit in script} == {
        "renamed", "type changed", "moved", "attribute gone"
    }  # fmt: skip


def _wide(random: Random, names: int) -> list[Shape]:
    """One tree of 300 spans, each beneath one of the 20 before it."""
    beneath: list[list[int]] = [[] for _ in range(300)]
    for place in range(1, 300):
        beneath[random.randrange(max(0, place - 20), place)].append(place)

    def grown(place: int) -> Shape:
        children = tuple(map(grown, beneath[place]))
        return Shape(f"s{random.randrange(names)}", random.choice("AB"), children=children)

    return [grown(0)]


def test_thirty_siblings_alike_that_each_change_are_one_edit() -> None:
    golden = [crew(*[turn("writer", COMPLETION) for _ in range(30)])]
    seen = [crew(*[turn("writer") for _ in range(30)])]
    assert said(golden, seen) == ["office › writer › Completions: span lost  × 30"]


def test_a_tree_as_deep_as_one_may_be_is_compared() -> None:
    golden = deep = span("s")
    for level in range(190):
        golden = turn(f"s{level}", golden)
    assert said([golden], [replace(golden, children=())]) == [
        "s189 › s188: span lost, with 189 beneath it"
    ]
    assert len(said([golden], [deep])) == 1

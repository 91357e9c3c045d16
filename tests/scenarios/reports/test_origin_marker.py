"""The marker in an outline, at the span where the broken run went wrong."""

from instrumentation.trace import Span, Trace
from instrumentation.trace.canonical_json import load_trace
from scenarios.player.scenario_loader import load_scenario, scenario_folder
from scenarios.reports.origin_marker import MARKER, find_origin_span, mark_origin
from scenarios.scenario import FailureOrigin


def marked_lines(name: str) -> list[str]:
    """The marked outline of a scenario's recorded broken run."""
    trace = load_trace(scenario_folder(name).recorded_trace("broken"))
    return mark_origin(trace, load_scenario(name).origin).splitlines()


def task(name: str) -> Span:
    handoff = Span("manager → writer", "HANDOFF")
    attributes = {"gen_ai.agent.name": "manager"}
    turn = Span("manager", "AGENT", attributes=attributes, children=(handoff,))
    return Span(name, "TASK", children=(turn,))


def test_one_line_is_marked_and_the_rest_is_the_golden() -> None:
    name = "summarizer_never_sees_the_draft"
    lines = marked_lines(name)
    golden = scenario_folder(name).golden("broken").read_text("utf-8")
    assert [line[2:] for line in lines] == golden.splitlines()
    (marked,) = (line for line in lines if line.startswith(MARKER))
    assert "generator → summarizer" in marked


def test_a_marked_tool_call_shows_its_result() -> None:
    lines = marked_lines("quarterly_figure_becomes_annual")
    (at,) = (i for i, line in enumerate(lines) if line.startswith(MARKER))
    assert "world_bank_indicator" in lines[at]
    assert lines[at + 1].strip().startswith('→ {"period": ')


def test_a_missing_origin_is_not_marked() -> None:
    trace = load_trace(scenario_folder("review_goes_well").recorded_trace("twin"))
    assert MARKER not in mark_origin(trace, FailureOrigin("nobody", "nothing"))


def test_an_origin_with_a_task_is_searched_in_that_task() -> None:
    figures, briefing = task("figures"), task("briefing")
    trace = Trace((Span("briefing", "CHAIN", children=(figures, briefing)),))
    in_task = FailureOrigin("manager", "manager → writer", task="figures")
    assert find_origin_span(trace, in_task) is figures.children[0].children[0]
    anywhere = FailureOrigin("manager", "manager → writer")
    assert find_origin_span(trace, anywhere) is briefing.children[0].children[0]
    unknown = FailureOrigin("manager", "manager → writer", task="no such task")
    assert find_origin_span(trace, unknown) is None


def test_an_origin_says_which_span_of_its_name_it_means() -> None:
    first, last = Span("chat_completion", "LLM"), Span("chat_completion", "LLM")
    attributes = {"gen_ai.agent.name": "searcher"}
    trace = Trace((Span("searcher", "AGENT", attributes=attributes, children=(first, last)),))
    assert find_origin_span(trace, FailureOrigin("searcher", "chat_completion")) is last
    assert (
        find_origin_span(trace, FailureOrigin("searcher", "chat_completion", occurrence=0)) is first
    )
    assert (
        find_origin_span(trace, FailureOrigin("searcher", "chat_completion", occurrence=2)) is None
    )


def test_the_search_agent_announces_one_country_in_its_first_completion() -> None:
    lines = marked_lines("says_one_country_asks_another")
    completions = [line for line in lines if "chat_completion" in line]
    assert [line.startswith(MARKER) for line in completions] == [True, False]

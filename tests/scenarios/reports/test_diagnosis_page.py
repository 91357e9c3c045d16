"""The page of a diagnosis: it is complete in itself, links to its spans, and escapes all texts."""

import time
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from instrumentation.diagnosis import diagnose
from instrumentation.trace.canonical_json import load_trace
from scenarios.player.scenario_loader import scenario_folder, scenario_names
from scenarios.reports.diagnosis_page import render_diagnosis_page
from tests.support.cli_runner import run_command
from tests.support.odd_diagnoses import hostile_diagnosis, large_diagnosis, single_span_trace

NAME = "summarizer_never_sees_the_draft"
FORBIDDEN_ELEMENTS = {"script", "link", "img", "iframe", "object", "embed", "base", "form", "video"}


class ParsedPage(HTMLParser):
    """The elements, attributes and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.attributes if key == name]


def _page(name: str, variant: str) -> ParsedPage:
    trace = load_trace(scenario_folder(name).recorded_trace(variant))
    return ParsedPage(render_diagnosis_page(trace, diagnose(trace)))


@pytest.mark.parametrize("name", scenario_names())
def test_every_page_is_complete_in_itself_and_its_links_have_targets(name: str) -> None:
    folder = scenario_folder(name)
    variants = ("broken", "twin", "fixed")
    variant = next(one for one in variants if folder.recorded_trace(one).exists())
    page = _page(name, variant)
    assert not FORBIDDEN_ELEMENTS & set(page.elements)
    assert not [key for key, _ in page.attributes if key.startswith("on") or key == "src"]
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in page.values("href")} <= set(ids)


def test_the_page_names_mode_agent_and_fix_and_quotes_the_evidence() -> None:
    page = _page(NAME, "broken")
    text = " ".join(page.text.split())
    assert "Begun by summarizer in generator → summarizer" in text
    assert "nothing of this is in the prompt of summarizer" in text
    assert "Pass the sender's output to the receiver" in text
    assert "dropped Mars Climate Orbiter was lost" in text
    assert "The trace has no times" in text


def test_the_graph_is_described_in_words() -> None:
    words = _page(NAME, "broken").text
    assert "generator to summarizer (0% arrived), on the path of the failure" in words
    assert "generator to reviewer (100% arrived)" in words


def test_a_healthy_run_has_a_page_that_says_so() -> None:
    page = _page(NAME, "fixed")
    assert "Nothing found" in page.text
    assert "origin" not in page.text.split()


def test_no_text_of_a_trace_becomes_an_element_or_an_attribute() -> None:
    clean, hostile = _page(NAME, "broken"), ParsedPage(render_diagnosis_page(*hostile_diagnosis()))
    assert not FORBIDDEN_ELEMENTS & set(hostile.elements)
    assert hostile.elements["svg"] == clean.elements["svg"]
    assert not [key for key, _ in hostile.attributes if key.startswith("on")]
    assert "{{ 7 * 7 }}" in hostile.text
    assert not set("\x1b\u202e\ud800") & set(hostile.text)


def test_a_trace_of_one_span_has_a_page() -> None:
    trace = single_span_trace()
    assert "hello" in ParsedPage(render_diagnosis_page(trace, diagnose(trace))).text


@pytest.mark.long
def test_ten_thousand_spans_are_listed_and_fold() -> None:
    trace, diagnosis = large_diagnosis(10_000)
    started_s = time.process_time()
    html = render_diagnosis_page(trace, diagnosis)
    assert time.process_time() - started_s < 20
    page = ParsedPage(html)
    assert len([id for id in page.values("id") if id.startswith("span-")]) == 10_000
    assert len(html) < 8_000_000
    assert "spans 1 to 100 of" in page.text


@pytest.mark.long
def test_of_more_spans_the_cited_ones_are_listed() -> None:
    trace, diagnosis = large_diagnosis(12_000)
    page = ParsedPage(render_diagnosis_page(trace, diagnosis))
    assert "more spans are not listed" in page.text
    assert {link.removeprefix("#") for link in page.values("href")} <= set(page.values("id"))


def test_the_command_writes_the_page_beside_its_report(tmp_path: Path) -> None:
    file = tmp_path / "diagnosis.html"
    trace = str(scenario_folder(NAME).recorded_trace("broken"))
    result = run_command("", "diagnose", trace, "--html", str(file))
    assert result.exit_code == 1
    assert f"wrote {file}" in result.stderr
    assert "Information withholding" in file.read_text("utf-8")


def test_several_traces_have_a_page_each(tmp_path: Path) -> None:
    trace = _exported_trace("a")
    (tmp_path / "traces.json").write_text(f"[{trace}, {_exported_trace('b')}]", "utf-8")
    arguments = (str(tmp_path / "traces.json"), "--html", str(tmp_path / "page.html"))
    assert run_command("", "diagnose", *arguments).exit_code == 0
    assert "trace-a" in (tmp_path / "page-1.html").read_text("utf-8")
    assert "trace-b" in (tmp_path / "page-2.html").read_text("utf-8")


def test_a_page_that_cannot_be_written_exits_with_2(tmp_path: Path) -> None:
    trace = str(scenario_folder(NAME).recorded_trace("broken"))
    result = run_command("", "diagnose", trace, "--html", str(tmp_path / "no" / "such" / "x.html"))
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_an_experiment_has_no_page(tmp_path: Path) -> None:
    result = run_command("", "diagnose", "--experiment", "x", "--html", str(tmp_path / "x.html"))
    assert result.exit_code == 2


def _exported_trace(name: str) -> str:
    return (
        f'{{"info": {{"trace_id": "trace-{name}"}}, "data": {{"spans": [{{"span_id": "{name}",'
        f' "name": "{name}", "parent_span_id": null, "attributes": {{}},'
        ' "status": {"code": "STATUS_CODE_OK", "message": ""},'
        ' "start_time_unix_nano": 1700000000000000000,'
        ' "end_time_unix_nano": 1700000000500000000}]}}'
    )

"""The page of a diagnosis in Chromium: on a phone, in both colour schemes, with the keyboard."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page

from instrumentation.diagnosis import diagnose
from instrumentation.trace.canonical_json import load_trace
from scenarios.player.scenario_loader import scenario_folder
from scenarios.reports.diagnosis_page import write_diagnosis_pages
from tests.support.browser import find_chromium, open_page
from tests.support.odd_diagnoses import hostile_diagnosis, large_diagnosis, single_span_trace

if find_chromium() is None:
    pytest.skip(
        "needs Chromium, none is downloaded: apt-get install chromium", allow_module_level=True
    )

pytestmark = [pytest.mark.browser, pytest.mark.long]

MIN_CONTRAST = 4.5
"""The contrast of text that WCAG 2.2 asks for (level AA)."""
LOW_CONTRAST = """
() => {
  const parse = (color) => (color.match(/[\\d.]+/g) || []).map(Number);
  const luminance = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("svg")) continue;
    const text = luminance(parse(getComputedStyle(element).color));
    const behind = luminance(background(element));
    const ratio = (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
    found.push([ratio, element.tagName + "." + element.className]);
  }
  return found.sort((one, other) => one[0] - other[0]).slice(0, 1);
}
"""


def _scenario(name: str) -> Callable[[], Any]:
    def build() -> Any:
        trace = load_trace(scenario_folder(name).recorded_trace("broken"))
        return trace, diagnose(trace)

    return build


def _single() -> Any:
    trace = single_span_trace()
    return trace, diagnose(trace)


@contextmanager
def _opened(
    folder: Path,
    build: Callable[[], Any],
    width: int = 1280,
    scheme: Literal["dark", "light"] = "light",
) -> Generator[Page]:
    (file,) = write_diagnosis_pages(folder / "page.html", [build()])
    with open_page("about:blank") as page:
        page.set_viewport_size({"width": width, "height": 780})
        page.emulate_media(color_scheme=scheme)
        page.goto(file.as_uri())
        yield page


@pytest.mark.parametrize(
    "build",
    [
        _scenario("reviewer_is_ignored"),
        _scenario("branch_is_lost_at_the_join"),
        _scenario("tool_call_runs_away"),
        hostile_diagnosis,
        _single,
        lambda: large_diagnosis(10_000),
    ],
    ids=["loop", "parallel", "tools", "hostile", "one span", "10,000 spans"],
)
def test_a_phone_shows_the_page_without_scrolling_sideways(
    build: Callable[[], Any], tmp_path: Path
) -> None:
    with _opened(tmp_path, build, width=360) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.locator("details").evaluate_all("all => all.slice(0, 300).map(one => one.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_nothing_is_loaded_and_no_text_of_a_trace_runs(tmp_path: Path) -> None:
    (file,) = write_diagnosis_pages(tmp_path / "page.html", [hostile_diagnosis()])
    requested: list[str] = []
    dialogs: list[str] = []
    with open_page("about:blank") as page:
        page.on("request", lambda request: requested.append(request.url))
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        page.goto(file.as_uri(), wait_until="load")
        assert page.evaluate("window.hit") is None
        assert page.locator("img, script, iframe").count() == 0
    assert requested == [file.as_uri()]
    assert dialogs == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast(scheme: Literal["dark", "light"], tmp_path: Path) -> None:
    with _opened(tmp_path, _scenario("reviewer_is_ignored"), scheme=scheme) as page:
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(18, 21, 26)") == (scheme == "dark")
        ((ratio, element),) = page.evaluate(LOW_CONTRAST)
        assert ratio >= MIN_CONTRAST, element


def test_the_first_key_reaches_the_findings_and_every_link_has_a_name(tmp_path: Path) -> None:
    with _opened(tmp_path, _scenario("reviewer_is_ignored")) as page:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.url.endswith("#findings")
        links = page.get_by_role("link")
        assert links.count() > 10
        unnamed = "all => all.filter(one => !one.textContent.trim() && !one.ariaLabel).length"
        assert links.evaluate_all(unnamed) == 0
        assert page.get_by_role("img", name="Graph of agents").count() == 1


def test_a_link_of_the_evidence_leads_to_a_visible_span_among_ten_thousand(tmp_path: Path) -> None:
    with _opened(tmp_path, lambda: large_diagnosis(10_000)) as page:
        link = page.locator(".evidence a").first
        target = page.locator(str(link.get_attribute("href")))
        assert target.is_visible()
        link.click()
        assert target.evaluate("one => one.matches(':target')")
        closed = page.locator(".tree details:not([open])").count()
        assert closed > 30

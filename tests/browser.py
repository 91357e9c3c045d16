"""A browser: the Chromium of this machine, without a window, at one span in MLflow's UI."""

import shutil
from dataclasses import dataclass

from playwright.sync_api import Locator, sync_playwright

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
IN_TREE = "[data-testid^=span-title-row]"
WINDOW = {"width": 1600, "height": 1300}


def chromium() -> str | None:
    """The path of Chromium, if it is here. None is ever downloaded."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass(frozen=True)
class View:
    """What a person sees of a span under "Inputs / Outputs"."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    images: int


def look(url: str, span: str, nth: int) -> View:
    """Open a trace by its `url` and click on its `nth` span (from 0) of the name `span`."""
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS)) as browser,
    ):
        page = browser.new_page(viewport=WINDOW)  # type: ignore[arg-type] # it is a TypedDict
        page.goto(url, wait_until="domcontentloaded")
        page.locator(IN_TREE, has_text=span).nth(nth).click()
        page.locator(f"span:not({IN_TREE} *)", has_text=span).first.wait_for()
        return _view(page.get_by_test_id("model-trace-explorer-default-span-view"))


def tree(url: str) -> tuple[str, ...]:
    """The lines of a trace's tree of spans, as a person sees them who opens its `url`."""
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS)) as browser,
    ):
        page = browser.new_page(viewport=WINDOW)  # type: ignore[arg-type] # it is a TypedDict
        page.goto(url, wait_until="domcontentloaded")
        page.locator(IN_TREE).first.wait_for()
        return tuple(row.inner_text() for row in page.locator(IN_TREE).all())


def _view(shown: Locator) -> View:
    lines = shown.inner_text().splitlines()
    at = lines.index("Outputs")
    return View(tuple(lines[:at]), tuple(lines[at:]), shown.locator("img").count())

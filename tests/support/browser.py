"""Read pages of MLflow's UI with a headless Chromium."""

import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from playwright.sync_api import Locator, Page, TimeoutError, ViewportSize, sync_playwright

T = TypeVar("T")

CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TREE_ROW = "[data-testid^=span-title-row]"
WINDOW: ViewportSize = {"width": 1600, "height": 1300}
TIMEOUT_MS = 25_000.0
"""Timeout of one step; two tries stay below the 120 s that a test may take."""


def find_chromium() -> str | None:
    """The path of Chromium, if it is installed. It is never downloaded."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass(frozen=True)
class SpanView:
    """The texts and images of a span's "Inputs / Outputs" tab."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    images: int


@contextmanager
def open_page(url: str) -> Generator[Page]:
    """A page of a browser of its own, at the `url`, where nothing is waited for longer than
    `PATIENCE_MS`: what hangs is an error that says where."""
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=find_chromium(), args=list(CHROMIUM_FLAGS), timeout=TIMEOUT_MS
        ) as browser,
    ):
        page = browser.new_page(viewport=WINDOW)
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(url, wait_until="domcontentloaded")
        yield page


def view_span(url: str, span: str, nth: int, images: int = 0) -> SpanView:
    """Open a trace, and click on its `nth` span (from 0) with the name `span`.

    The page draws images after texts: that many are waited for.
    """

    def read(page: Page) -> SpanView:
        page.locator(TREE_ROW, has_text=span).nth(nth).click()
        page.locator(f"span:not({TREE_ROW} *)", has_text=span).first.wait_for()
        tab = page.get_by_test_id("model-trace-explorer-default-span-view")
        if images:
            tab.locator("img").nth(images - 1).wait_for()
        return _parse_view(tab)

    return read_page(url, read)


def read_span_tree(url: str) -> tuple[str, ...]:
    """The visible lines of a trace's span tree."""

    def read(page: Page) -> tuple[str, ...]:
        page.locator(TREE_ROW).first.wait_for()
        return tuple(row.inner_text() for row in page.locator(TREE_ROW).all())

    return read_page(url, read)


def read_page(url: str, read: Callable[[Page], T]) -> T:
    """The result of reading a page, with one retry in a new browser after a timeout.

    Other errors are not retried.
    """
    try:
        with open_page(url) as page:
            return read(page)
    except TimeoutError:
        with open_page(url) as page:
            return read(page)


def _parse_view(tab: Locator) -> SpanView:
    lines = tab.inner_text().splitlines()
    at = lines.index("Outputs")
    return SpanView(tuple(lines[:at]), tuple(lines[at:]), tab.locator("img").count())

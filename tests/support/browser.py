"""A browser: the Chromium of this machine, without a window, at one span in MLflow's UI."""

import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from playwright.sync_api import Locator, Page, TimeoutError, ViewportSize, sync_playwright

T = TypeVar("T")

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
WINDOW: ViewportSize = {"width": 1600, "height": 1300}
PATIENCE_MS = 25_000.0
"""How long one step may take: two tries stay below the 120 s that a test has."""


def chromium() -> str | None:
    """The path of Chromium, if it is here. None is ever downloaded."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass(frozen=True)
class View:
    """What a person sees of a span under "Inputs / Outputs"."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    images: int


@contextmanager
def opened(url: str) -> Generator[Page]:
    """A page of a browser of its own, at the `url`, where nothing is waited for longer than
    `PATIENCE_MS`: what hangs is an error that says where."""
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=chromium(), args=list(FLAGS), timeout=PATIENCE_MS
        ) as browser,
    ):
        page = browser.new_page(viewport=WINDOW)
        page.set_default_timeout(PATIENCE_MS)
        page.goto(url, wait_until="domcontentloaded")
        yield page


def look(url: str, span: str, nth: int) -> View:
    """Open a trace by its `url` and click on its `nth` span (from 0) of the name `span`."""

    def read(page: Page) -> View:
        page.locator(IN_TREE, has_text=span).nth(nth).click()
        page.locator(f"span:not({IN_TREE} *)", has_text=span).first.wait_for()
        return _view(page.get_by_test_id("model-trace-explorer-default-span-view"))

    return seen(url, read)


def tree(url: str) -> tuple[str, ...]:
    """The lines of a trace's tree of spans, as a person sees them who opens its `url`."""

    def read(page: Page) -> tuple[str, ...]:
        page.locator(IN_TREE).first.wait_for()
        return tuple(row.inner_text() for row in page.locator(IN_TREE).all())

    return seen(url, read)


def seen(url: str, read: Callable[[Page], T]) -> T:
    """What is read off a page; off a fresh one, in another browser, where the first one hung.

    Only a hang is tried again, and once: what is seen amiss is not.
    """
    try:
        with opened(url) as page:
            return read(page)
    except TimeoutError:
        with opened(url) as page:
            return read(page)


def _view(shown: Locator) -> View:
    lines = shown.inner_text().splitlines()
    at = lines.index("Outputs")
    return View(tuple(lines[:at]), tuple(lines[at:]), shown.locator("img").count())

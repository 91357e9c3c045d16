"""Take the pictures of the README: the broken run in MLflow's own page, and its diagnosis.

`python -m tests.docs.screenshot` runs the scenario in a temporary store, starts MLflow's server on
127.0.0.1, opens the trace in Chromium, selects the handoff that lost the draft, and writes
`broken-trace.png`. Then it writes the page of the trace's diagnosis, opens it, and writes
`diagnosis-page.png`. Both go to `docs/images`, or to the folder of an argument. `make picture` does
the same.
"""

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from playwright.sync_api import FloatRect, Page, ViewportSize

from instrumentation.diagnosis import diagnose
from instrumentation.trace import Trace
from scenarios.cli.startup import quiet_frameworks
from scenarios.reports.diagnosis_page import write_diagnosis_pages
from scenarios.reports.terminal_report import trace_url
from scenarios.traces.diagnoses.span_links import SpanLink, link_spans
from tests.docs.documents import ROOT
from tests.support.browser import TREE_ROW, find_chromium, open_page
from tests.support.servers import mlflow_server

SCENARIO = "summarizer_never_sees_the_draft"
HANDOFF = "generator → summarizer"
FOLDER = ROOT / "docs" / "images"
PICTURE = "broken-trace.png"
DIAGNOSIS_PICTURE = "diagnosis-page.png"
WINDOW: ViewportSize = {"width": 1360, "height": 820}
TRACE_PANEL: FloatRect = {"x": 0, "y": 0, "width": 952, "height": 820}
"""MLflow gives the trace 70% of the window; its assistant is beside it."""
DIAGNOSIS_WINDOW: ViewportSize = {"width": 1100, "height": 860}


def take_screenshots(folder: Path, pictures: Path) -> None:
    """Run the scenario, open its broken trace and its diagnosis, and write the pictures.

    Args:
        folder: An empty folder for the store.
        pictures: The folder for the pictures.
    """
    from scenarios.player.run import run_scenario  # imports MLflow

    store = f"sqlite:///{folder / 'mlflow.db'}"
    broken = next(
        result for result in run_scenario(SCENARIO, store).variants if result.variant == "broken"
    )
    assert broken.trace
    with mlflow_server(folder, store) as server:
        url = f"{server}/#/experiments/1/traces?selectedEvaluationId={broken.trace.ids[0]}"
        with open_page(url) as page:
            _select_handoff(page)
            page.screenshot(path=pictures / PICTURE, clip=TRACE_PANEL)
    link = partial(link_spans, tracking_uri=store)
    _photograph_diagnosis(folder / "diagnosis.html", broken.trace, link, pictures)


def _photograph_diagnosis(
    file: Path, trace: Trace, link: Callable[[Trace], SpanLink], pictures: Path
) -> None:
    write_diagnosis_pages(file, [(trace, diagnose(trace))], trace_url, link)
    with open_page(file.as_uri()) as page:
        page.set_viewport_size(DIAGNOSIS_WINDOW)
        page.screenshot(path=pictures / DIAGNOSIS_PICTURE)


def _select_handoff(page: Page) -> None:
    page.set_viewport_size(WINDOW)
    page.locator(TREE_ROW, has_text=HANDOFF).first.click()
    page.get_by_text("dropped").first.wait_for()


if __name__ == "__main__":
    if find_chromium() is None:
        sys.exit("Chromium is missing; install it with: apt-get install chromium")
    target = Path(sys.argv[1]).resolve() if sys.argv[1:] else FOLDER
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, quiet_frameworks():
        take_screenshots(Path(scratch), target)
    for name in (PICTURE, DIAGNOSIS_PICTURE):
        print(target / name)

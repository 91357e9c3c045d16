"""Take the pictures of the README: the broken run in MLflow's own page, and its diagnosis.

`python -m tests.docs.screenshot` runs the scenario in a temporary store, starts MLflow's server on
127.0.0.1, opens the trace in Chromium, selects the handoff that lost the draft, and writes
`docs/images/broken-trace.png`. Then it writes the page of the trace's diagnosis, opens it, and
writes `docs/images/diagnosis-page.png`. `make picture` does the same.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import FloatRect, Page, ViewportSize

from instrumentation.diagnosis import diagnose
from instrumentation.trace import Trace
from scenarios.cli.startup import quiet_frameworks
from scenarios.reports.diagnosis_page import write_diagnosis_pages
from scenarios.reports.terminal_report import trace_url
from tests.docs.documents import ROOT
from tests.support.browser import TREE_ROW, find_chromium, open_page
from tests.support.servers import mlflow_server

SCENARIO = "summarizer_never_sees_the_draft"
HANDOFF = "generator → summarizer"
PICTURE = ROOT / "docs" / "images" / "broken-trace.png"
DIAGNOSIS_PICTURE = ROOT / "docs" / "images" / "diagnosis-page.png"
WINDOW: ViewportSize = {"width": 1360, "height": 820}
TRACE_PANEL: FloatRect = {"x": 0, "y": 0, "width": 952, "height": 820}
"""MLflow gives the trace 70% of the window; its assistant is beside it."""


DIAGNOSIS_WINDOW: ViewportSize = {"width": 1100, "height": 860}


def take_screenshots(folder: Path) -> None:
    """Run the scenario, open its broken trace and its diagnosis, and write the pictures."""
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
            page.screenshot(path=PICTURE, clip=TRACE_PANEL)
    _photograph_diagnosis(folder / "diagnosis.html", broken.trace)


def _photograph_diagnosis(file: Path, trace: Trace) -> None:
    write_diagnosis_pages(file, [(trace, diagnose(trace))], trace_url)
    with open_page(file.as_uri()) as page:
        page.set_viewport_size(DIAGNOSIS_WINDOW)
        page.screenshot(path=DIAGNOSIS_PICTURE)


def _select_handoff(page: Page) -> None:
    page.set_viewport_size(WINDOW)
    page.locator(TREE_ROW, has_text=HANDOFF).first.click()
    page.get_by_text("dropped").first.wait_for()


if __name__ == "__main__":
    if find_chromium() is None:
        sys.exit("Chromium is missing; install it with: apt-get install chromium")
    with tempfile.TemporaryDirectory() as scratch, quiet_frameworks():
        take_screenshots(Path(scratch))
    for picture in (PICTURE, DIAGNOSIS_PICTURE):
        print(picture.relative_to(ROOT))

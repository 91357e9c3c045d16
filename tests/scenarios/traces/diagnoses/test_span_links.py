"""A link to a span opens it in MLflow's page of its issue; before 3.18 it opens its trace."""

from pathlib import Path

import mlflow
import pytest
from packaging.version import Version
from playwright.sync_api import Page

from instrumentation.diagnosis import diagnose
from scenarios.player.run import run_scenario
from scenarios.traces.diagnoses import link_spans, log_findings
from tests.support.browser import TREE_ROW, find_chromium, read_page
from tests.support.new_store import new_store
from tests.support.servers import mlflow_server

if find_chromium() is None:
    pytest.skip(
        "needs Chromium, none is downloaded: apt-get install chromium", allow_module_level=True
    )

pytestmark = [pytest.mark.browser, pytest.mark.long]


def test_the_link_of_a_finding_opens_its_origin(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    (broken, *_) = run_scenario("summarizer_never_sees_the_draft", store).variants
    assert broken.trace
    diagnosis = diagnose(broken.trace)
    (finding,) = diagnosis.findings
    log_findings(broken.trace, diagnosis, store)

    def read(page: Page) -> str:
        page.locator(TREE_ROW, has_text=finding.span).first.wait_for()
        if Version(mlflow.__version__) >= Version("3.18"):
            page.get_by_text("dropped").first.wait_for()
        return page.inner_text("body")

    with mlflow_server(tmp_path, store) as server:
        read_page(link_spans(broken.trace, server)(finding.origin), read)

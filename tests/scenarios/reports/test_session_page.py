"""MLflow's page of a session, at the URL that `run` prints: the turns read as one chat."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from scenarios.player.run import run_scenario
from scenarios.reports.terminal_report import trace_url
from scenarios.traces.store.ui_server import UI_URL
from tests.support.browser import find_chromium, read_page
from tests.support.new_store import new_store
from tests.support.servers import mlflow_server

if find_chromium() is None:
    pytest.skip(
        "needs Chromium, none is downloaded: apt-get install chromium", allow_module_level=True
    )

pytestmark = [pytest.mark.browser, pytest.mark.long]


def test_the_url_of_a_session_shows_a_chat(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    (twin,) = run_scenario("conversation_goes_well", store).variants
    assert twin.trace is not None
    page_url = trace_url(twin.trace)
    assert page_url.startswith(UI_URL)
    with mlflow_server(tmp_path, store) as url:
        read_page(page_url.replace(UI_URL, url), wait_for_messages)


def wait_for_messages(page: Page) -> None:
    for text in ("We come to the harbour", "What is a draught?", "Draught: 1.4 m."):
        page.get_by_text(text).first.wait_for()

"""MLflow's UI, in a browser, shows an AutoGen completion after a tool call as a conversation."""

import asyncio
import json
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import MultiModalMessage
from autogen_core import Image
from autogen_ext.models.openai import OpenAIChatCompletionClient
from PIL import Image as Picture
from playwright.sync_api import Page, TimeoutError

from patches.autogen.chat_format import PATCH
from patches.patch import Patch
from scenarios.replay.replay_server import replay_tape
from scenarios.tape.tape import Tape
from tests.support.browser import SpanView, find_chromium, read_page, view_span
from tests.support.new_store import new_store
from tests.support.servers import mlflow_server
from tests.support.upstream_autolog import newest_trace, upstream_autolog

if find_chromium() is None:
    pytest.skip(
        "needs Chromium, none is downloaded: apt-get install chromium", allow_module_level=True
    )

pytestmark = [pytest.mark.browser, pytest.mark.long]

TAPE = (
    {"tool_calls": [{"id": "call_1", "name": "population", "arguments": {"city": "Quito"}}]},
    {"content": "Nearly three million."},
)
COMPLETION = "OpenAIChatCompletionClient.create"


@dataclass(frozen=True)
class Ui:
    """A running MLflow UI with one trace recorded without the patch and one with it."""

    url: str
    unpatched: str
    patched: str

    def view(self, trace: str, completion: int, images: int = 0) -> SpanView:
        """Open the nth completion of a trace, counted from 0, when that many images are there."""
        url = f"{self.url}/#/experiments/1/traces?selectedEvaluationId={trace}"
        return view_span(url, COMPLETION, completion, images)


@pytest.fixture(scope="session")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Generator[Ui]:
    folder = tmp_path_factory.mktemp("ui")
    store = new_store(folder)
    unpatched, patched = record_agent(folder, store), record_agent(folder, store, PATCH)
    with mlflow_server(folder, store) as url:
        yield Ui(url, unpatched, patched)


def test_a_tool_call_and_its_result_are_displayed_as_a_conversation(ui: Ui) -> None:
    view = ui.view(ui.patched, 1)
    assert {"System", "User", "Assistant", "Tool calls"} <= set(view.inputs)
    assert {"population", "city", "Quito", "Quito: 2.8 million"} <= set(view.inputs)
    assert {"Assistant", "Nearly three million."} <= set(view.outputs)


def test_a_reply_with_a_tool_call_shows_the_call(ui: Ui) -> None:
    view = ui.view(ui.patched, 0)
    assert {"Assistant", "Tool calls", "population", "city", "Quito"} <= set(view.outputs)


def test_an_image_is_displayed(ui: Ui) -> None:
    assert ui.view(ui.patched, 0, images=1).images == 1


@pytest.mark.parametrize(
    ("raised", "expected_attempts"),
    [(TimeoutError("it hung"), 2), (AssertionError("it is wrong"), 1)],
)
def test_a_timeout_is_retried_once_and_a_failure_is_not(
    raised: Exception, expected_attempts: int
) -> None:
    attempts: list[str] = []

    def read(page: Page) -> None:
        attempts.append(page.url)
        raise raised

    with pytest.raises(type(raised)):
        read_page("about:blank", read)
    assert attempts == ["about:blank"] * expected_attempts


@pytest.mark.xfail(
    raises=AssertionError, reason="the UI's parser does not know FunctionExecutionResultMessage"
)
def test_upstream_mlflow_renders_a_tool_call_and_its_result(ui: Ui) -> None:
    view = ui.view(ui.unpatched, 1)
    assert {"System", "User", "Assistant", "Quito: 2.8 million"} <= set(view.inputs)


@pytest.mark.xfail(
    raises=AssertionError, reason="the UI shows the content of a CreateResult as text"
)
def test_upstream_mlflow_renders_a_reply_with_a_tool_call(ui: Ui) -> None:
    assert {"Assistant", "population", "Quito"} <= set(ui.view(ui.unpatched, 0).outputs)


async def population(city: str) -> str:
    """Return how many people live in a city."""
    return f"{city}: 2.8 million"


def record_agent(folder: Path, store: str, *patches: Patch) -> str:
    """Record an agent that gets an image and calls a tool; return the id of its trace."""
    lines = [{"lane": "clerk", "origin": "scripted", "reply": reply} for reply in TAPE]
    file = folder / "tape.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))

    async def work(base_url: str) -> None:
        client = OpenAIChatCompletionClient(
            model="gpt-4o-mini",
            base_url=base_url,
            api_key="none",
            default_headers={"x-agent-name": "clerk"},
        )
        agent = AssistantAgent("clerk", client, tools=[population], reflect_on_tool_use=True)
        picture = Image(Picture.new("RGB", (48, 32), "teal"))
        await agent.run(
            task=MultiModalMessage(content=["How many live here?", picture], source="user")
        )

    with replay_tape(Tape.load(file)) as replay, upstream_autolog("autogen", store, *patches):
        asyncio.run(work(replay.base_url))
    return str(newest_trace(store).info.trace_id)

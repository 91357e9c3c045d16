"""Frameworks that a program imports while tracing is on are recorded, each completion once."""

import sys
from importlib import import_module, reload
from pathlib import Path
from subprocess import run

import pytest

from patches.support.import_hooks import call_after_import
from scenarios.replay.replay_server import replay_tape
from tests.support.tapes import make_tape, reply_line

PROGRAM = """
import asyncio, sys
from instrumentation import enable_tracing, record_run

base_url, store = sys.argv[1:]
with enable_tracing(store), record_run() as run:
    assert not {"openai", "autogen_agentchat"} & set(sys.modules)
    import openai
    openai.OpenAI(base_url=base_url, api_key="k", default_headers={"x-agent-name": "a"}
    ).chat.completions.create(model="taped", messages=[{"role": "user", "content": "go on"}])

    from autogen_agentchat.agents import AssistantAgent
    from autogen_ext.models.openai import OpenAIChatCompletionClient
    client = OpenAIChatCompletionClient(
        model="gpt-4o", base_url=base_url, api_key="k", default_headers={"x-agent-name": "a"})
    asyncio.run(AssistantAgent("a", client).run(task="go on"))
for trace in run.traces():
    print([[span.name, span.span_type] for span in trace.data.spans])
"""


def test_frameworks_imported_in_the_block_are_recorded_once(tmp_path: Path, store: str) -> None:
    with replay_tape(make_tape(reply_line("a", "one"), reply_line("a", "two"))) as replay:
        command = [sys.executable, "-c", PROGRAM, replay.base_url, store]
        result = run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    plain, agent = result.stdout.splitlines()
    assert plain == "[['chat.completions', 'LLM']]"
    assert agent == "[['a', 'AGENT'], ['chat_completion', 'LLM']]"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a package that is not imported yet."""
    name = "flight_recorder_late_package"
    (tmp_path / f"{name}.py").write_text("is_complete = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


def test_a_callback_runs_once_the_package_is_complete(package: str) -> None:
    seen: list[bool] = []
    with call_after_import({package: lambda: seen.append(sys.modules[package].is_complete)}):
        assert seen == []
        module = import_module(package)
        import_module(package)
    assert seen == [True]
    assert type(module.__loader__).__module__.startswith(("importlib", "_frozen_importlib"))


def test_a_package_that_is_imported_already_is_reported_at_once(package: str) -> None:
    import_module(package)
    seen: list[str] = []
    with call_after_import({package: lambda: seen.append(package)}):
        assert seen == [package]


def test_nested_blocks_are_both_called(package: str) -> None:
    seen: list[str] = []
    with (
        call_after_import({package: lambda: seen.append("outer")}),
        call_after_import({package: lambda: seen.append("inner")}),
    ):
        import_module(package)
    assert sorted(seen) == ["inner", "outer"]


def test_after_the_block_imports_are_left_alone(package: str) -> None:
    seen: list[str] = []
    finders = list(sys.meta_path)
    with call_after_import({package: lambda: seen.append(package)}):
        pass
    assert sys.meta_path == finders
    reload(import_module(package))
    assert seen == []


def test_a_failed_import_is_reported_by_the_next_one(package: str, tmp_path: Path) -> None:
    file, seen = tmp_path / f"{package}.py", list[str]()
    source = file.read_text()
    file.write_text("raise ImportError('not yet')\n")
    with call_after_import({package: lambda: seen.append(package)}):
        with pytest.raises(ImportError, match="not yet"):
            import_module(package)
        assert seen == []
        file.write_text(source + "# longer, so that no cached bytecode is used\n")
        import_module(package)
    assert seen == [package]

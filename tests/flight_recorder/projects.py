"""A user's project whose tests use the plugin; some of them are expected to fail."""

COMMON = """
import subprocess, sys
import pytest
from openai import AsyncOpenAI, OpenAI
from flight_recorder import enable_tracing, record_run
from flight_recorder.testing import ends_with_status, expect, output_contains, takes_turns

def request(text):
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}],
            "extra_headers": {"x-agent-name": "main"}}

def ask(text="Hello"):
    return OpenAI(max_retries=0).chat.completions.create(**request(text)).choices[0].message.content
"""

TEST_FILES = {
    "test_tapes.py": """
from common import *

@pytest.mark.tape("hello.jsonl")
def test_answer():
    assert ask() == "Hi."

@pytest.mark.tape("hello.jsonl")
def test_unplayed():
    pass

@pytest.mark.tape("hello.jsonl")
def test_refused():
    ask()
    try:
        ask("Goodbye")
    except Exception:
        pass

@pytest.mark.tape("hello.jsonl")
def test_own_error():
    raise KeyError("its own error")

@pytest.mark.tape("missing.jsonl")
def test_missing_tape():
    pass

@pytest.mark.tape("hello.jsonl", mod="all")
def test_wrong_argument():
    pass

def test_default_path(tape):
    assert ask() == "Hi."
""",
    "test_traces.py": """
from common import *

@pytest.mark.tape("hello.jsonl")
def test_expected(trace):
    ask()
    expect(trace, ends_with_status("OK"), output_contains("Hi"))

def test_no_trace(trace):
    pass

@pytest.mark.tape("hello.jsonl")
def test_failed_expectation(trace):
    ask()
    expect(trace, takes_turns("writer", 1), output_contains("Hi"))

@pytest.mark.tape("hello.jsonl")
@pytest.mark.asyncio
async def test_async(trace):
    await AsyncOpenAI().chat.completions.create(**request("Hello"))
    expect(trace, output_contains("Hi"))

@pytest.mark.tape("hello.jsonl")
def test_started_program(trace):
    program = "from common import ask; print(ask())"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.stdout == "Hi.\\n", ended.stderr
    expect(trace, output_contains("Hi"))

@pytest.mark.tape("hello.jsonl")
def test_own_tracing(trace):
    with enable_tracing(), record_run():
        ask()
    expect(trace, output_contains("Hi"))

@pytest.mark.tape("two.jsonl")
def test_two_traces(trace):
    ask()
    ask()
    expect(trace, output_contains("Hi"))

def test_environment_afterwards():
    import os
    assert not {"FLIGHT_RECORDER_TRACE", "OPENAI_BASE_URL"} & set(os.environ)
""",
}

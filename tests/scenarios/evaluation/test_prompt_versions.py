"""Versions of prompts: `produced-by`, `compare-prompts`, and a chat that loads one."""

import io
import json
from collections.abc import Iterator
from uuid import uuid4

import mlflow
import pytest

from scenarios.evaluation.provenance import read_provenance
from scenarios.player.run import run_scenario
from scenarios.player.verdict import VariantResult
from scenarios.replay.replay_server import replay_tape
from tests.support.cli_runner import run_command
from tests.support.tapes import make_tape, reply_line

pytestmark = pytest.mark.filterwarnings("ignore:Starting with pandas version 4")  # MLflow's own

NAME = "prompt_alias_points_at_the_old_version"
PROMPT = "flight-recorder-chat"
TASKS = ("anchor", "rudder", "sail", "mast", "oar", "deck")


@pytest.fixture(scope="module", autouse=True)
def tracking_store(store: str) -> Iterator[None]:
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store)
    yield
    mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def runs(store: str) -> dict[str, VariantResult]:
    return {result.variant: result for result in run_scenario(NAME, store).variants}


def trace_id(runs: dict[str, VariantResult], variant: str) -> str:
    trace = runs[variant].trace
    assert trace
    return trace.ids[0]


def test_a_trace_names_the_version_that_was_loaded_and_the_released_one(
    runs: dict[str, VariantResult], store: str
) -> None:
    versions = {}
    for variant in runs:
        found = read_provenance(trace_id(runs, variant), store)
        (prompt,) = found.prompts
        versions[variant] = (prompt.version, prompt.released, found.parameters["prompt_version"])
    assert versions == {"broken": (1, 2, "2"), "fixed": (2, 2, "2"), "twin": (1, 1, "1")}


def test_produced_by_prints_commit_prompt_model_and_release(
    runs: dict[str, VariantResult], store: str
) -> None:
    broken = run_command(store, "produced-by", trace_id(runs, "broken"))
    assert broken.exit_code == 1
    for line in (
        f"  prompt      {PROMPT}, version 1 (production); version 2 was released",
        "  model       taped",
        f"  release     {PROMPT}-2-taped",
        "    prompt_version = 2",
    ):
        assert line in broken.stdout.splitlines()
    fixed = run_command(store, "produced-by", trace_id(runs, "fixed"), "--json")
    report = json.loads(fixed.stdout)
    assert fixed.exit_code == 0
    assert report.keys() == {
        *("trace_id", "commit", "branch", "program", "prompts", "requests", "release"),
        "parameters",
    }
    commit = mlflow.get_trace(report["trace_id"]).info.trace_metadata["mlflow.source.git.commit"]
    assert report["commit"] == commit
    assert report["prompts"][0]["template"] == "Answer in one word, with its article."


def test_what_a_trace_does_not_say_is_unknown(store: str) -> None:
    mlflow.set_experiment(f"provenance {uuid4().hex}")
    with mlflow.start_span("run") as span:
        span.set_inputs("a text")
    mlflow.flush_trace_async_logging()
    ended = run_command(store, "produced-by", span.trace_id)
    assert ended.exit_code == 0
    assert "  prompt      none of the registry" in ended.stdout
    assert "  release     none: no model was active" in ended.stdout
    missing = run_command(store, "produced-by", "tr-00000000000000000000000000000000")
    assert (missing.exit_code, missing.stdout) == (2, "")


def test_a_deleted_version_is_named_as_such(store: str) -> None:
    name = f"short-lived-{uuid4().hex}"
    version = mlflow.genai.register_prompt(name, "Answer.").version
    mlflow.set_experiment(f"provenance {uuid4().hex}")
    with mlflow.start_span("run") as span:
        span.set_inputs(mlflow.genai.load_prompt(name, version=version).template)
    mlflow.flush_trace_async_logging()
    mlflow.MlflowClient().delete_prompt_version(name, str(version))
    (prompt,) = read_provenance(span.trace_id, store).prompts
    assert str(prompt) == f"{name}, version {version}; this version was deleted"


@pytest.fixture(scope="module")
def dataset() -> str:
    """A dataset of labelled tasks, one of which has no words to look for."""
    name = f"words {uuid4().hex}"
    experiment = mlflow.set_experiment(name)
    records = [
        {"inputs": {"word": task}, "expectations": {"answer_contains": f"{task}?"}}
        for task in TASKS
    ]
    records.append({"inputs": {"word": "hull"}, "expectations": {"expected_facts": "Nothing."}})
    made = mlflow.genai.datasets.create_dataset(name, experiment.experiment_id)
    made.merge_records(records)
    return name


@pytest.fixture(scope="module")
def prompt() -> str:
    """A prompt with two versions; the second one is the candidate."""
    name = f"repeater-{uuid4().hex}"
    mlflow.genai.register_prompt(name, "Repeat the word.")
    new = mlflow.genai.register_prompt(name, "Repeat the word as a question.")
    mlflow.genai.set_prompt_alias(name, "candidate", new.version)
    return name


def compare(store: str, dataset: str, first: str, second: str) -> tuple[int, str]:
    lines = [
        reply_line(
            "assistant", f"{task}{mark}", when=f"system: Repeat the word{rest}\\.\\s+user: {task}"
        )
        for task in TASKS
        for mark, rest in (("!", ""), ("?", " as a question"))
    ]
    with replay_tape(make_tape(*lines)) as replay:
        ended = run_command(
            *(store, "compare-prompts", first, second, "--dataset", dataset, "--json"),
            MODEL_NAME="taped",
            OPENAI_API_KEY="taped",
            OPENAI_BASE_URL=replay.base_url,
        )
        assert (ended.exit_code in (0, 1), replay.refusals) == (True, ()), ended.stderr
        assert replay.unplayed_lines == (), replay.ledger.exchanges
    return ended.exit_code, ended.stdout


def test_the_better_version_wins_with_its_significance(
    store: str, dataset: str, prompt: str
) -> None:
    exit_code, printed = compare(store, dataset, f"{prompt}/1", f"{prompt}@candidate")
    verdict = json.loads(printed)
    assert exit_code == 0
    assert verdict["passed"] == {f"{prompt}/1": 0, f"{prompt}@candidate": 6}
    assert verdict["verdict"] == f"{prompt}@candidate is better (p = 0.031)"
    assert (verdict["tasks"], verdict["is_significant"]) == (6, True)
    assert compare(store, dataset, f"{prompt}/2", f"{prompt}/1")[0] == 1


def test_each_answer_is_linked_to_its_prompt_and_its_release(
    store: str, dataset: str, prompt: str
) -> None:
    compare(store, dataset, f"{prompt}/1", f"{prompt}@candidate")
    experiment = mlflow.get_experiment_by_name("flight-recorder")
    found = mlflow.search_traces(
        locations=[experiment.experiment_id],
        max_results=2 * len(TASKS),
        include_spans=False,
        return_type="list",
    )
    linked = [read_provenance(one.info.trace_id, store) for one in found]
    versions = sorted(one.prompts[0].version for one in linked)
    assert versions == [1] * len(TASKS) + [2] * len(TASKS)
    for one in linked:
        assert one.parameters == {
            "prompt": prompt,
            "prompt_version": str(one.prompts[0].version),
            "model": "taped",
        }


@pytest.mark.parametrize(
    ("first", "options", "sentence"),
    [
        ("nothing@production", (), "as NAME/VERSION or NAME@ALIAS, found 'nothing@production'"),
        ("x/1", ("--dataset", "no such dataset"), "the store has no dataset 'no such dataset'"),
    ],
)
def test_what_is_missing_is_named(
    store: str, dataset: str, first: str, options: tuple[str, ...], sentence: str
) -> None:
    ended = run_command(
        *(store, "compare-prompts", first, first, *(options or ("--dataset", dataset))),
        MODEL_NAME="m",
        OPENAI_API_KEY="k",
        OPENAI_BASE_URL="http://127.0.0.1:9/v1",
    )
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert sentence in ended.stderr


def test_a_chat_loads_a_prompt_of_the_registry(
    store: str, prompt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("anchor\n"))
    line = reply_line("assistant", "anchor?", when="system: Repeat the word as a question")
    with replay_tape(make_tape(line)) as replay:
        model = {"MODEL_NAME": "m", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": replay.base_url}
        ended = run_command(store, "chat", "--prompt", f"{prompt}@candidate", **model)
        unknown = run_command(store, "chat", "--prompt", f"{prompt}@nobody", **model)
    assert (ended.exit_code, ended.stdout) == (0, "anchor?\n")
    assert unknown.exit_code == 2
    assert "--prompt expects NAME@ALIAS" in unknown.stderr


def test_a_task_without_an_answer_is_an_error_and_not_a_wrong_answer(
    store: str, dataset: str, prompt: str
) -> None:
    lines = [reply_line("assistant", task, when=f"user: {task}") for task in TASKS[1:]]
    with replay_tape(make_tape(*lines)) as replay:
        ended = run_command(
            *(store, "compare-prompts", f"{prompt}/1", f"{prompt}/2", "--dataset", dataset),
            MODEL_NAME="taped",
            OPENAI_API_KEY="taped",
            OPENAI_BASE_URL=replay.base_url,
        )
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert f"error: {prompt}/1: 1 of 6 tasks have no answer: UnprocessableEntity" in ended.stderr

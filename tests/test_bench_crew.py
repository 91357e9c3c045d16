"""The crew's bench in the environment of the instrumentor that ours is compared with.

Only what it counts: no test asserts a time.
"""

import json
import subprocess
from pathlib import Path

import pytest

from scenarios.inputs import values
from scenarios.replay import replayed
from scenarios.scenario import Scenario
from scenarios.shelf import folder, load
from scenarios.tape import Tape
from tests.bench import HEALTHY_CREW, OPENINFERENCE

if not (OPENINFERENCE / "ready").exists():
    pytest.skip(
        "needs OpenInference in .envs/openinference: make openinference-env",
        allow_module_level=True,
    )

pytestmark = [pytest.mark.openinference, pytest.mark.timeout(240)]


def test_the_bench_counts_what_a_foreign_recorder_tells(house: Path, tmp_path: Path) -> None:
    page: Scenario = load(HEALTHY_CREW)
    tape = Tape.read(folder(HEALTHY_CREW).tape).given(values(page.inputs, seed=None))
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    with replayed(tape) as replay:
        arguments = ["OpenInference, listening", replay.url, "1", store]
        done = subprocess.run(
            [OPENINFERENCE / "bin/python", "-m", "tests.bench_crew", *arguments],
            cwd=house,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["completions told"] == "8 of 8"
    assert told["tool calls told"] == "7 of 7"
    assert told["agent turns told"] == "4 of 4"
    assert told["handoffs told"] == "0 of 6"
    assert told["the whole story"] == "no"

"""Live runs of the verification: with a clip from a folder, or with a scenario's clip."""

import os
from pathlib import Path

import pytest

from scenarios.player.scenario_loader import load_scenario, scenario_folder
from scenarios.replay.replay_server import replay_tape
from scenarios.scenario import resolve_inputs
from scenarios.tape.placeholders import fill_inputs
from scenarios.tape.tape import Tape
from tests.support.cli_runner import run_command
from workflows.support.media.synthetic_clip import make_clip

pytestmark = pytest.mark.long

PAGE = load_scenario("media_goes_well")
INPUTS = resolve_inputs(PAGE.inputs, None)
TASK = str(fill_inputs(PAGE.task, INPUTS))


def live(store: str, *options: str) -> str:
    """The output of a live run with a served tape as its model and archive."""
    tape = Tape.load(scenario_folder(PAGE.name).tape).with_inputs(INPUTS)
    with replay_tape(tape, PAGE.faults) as there:
        model = {"MODEL_NAME": "m", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": there.base_url}
        archive = ("--service", f"archive={there.url}")
        done = run_command(store, "live", "graphflow_media", TASK, *archive, *options, **model)
    assert done.exit_code == 0, done.stdout + done.stderr
    return done.stdout


def test_a_clip_is_read_from_its_folder(tmp_path: Path, store: str) -> None:
    make_clip(duplicated=range(52, 57), splice_s=2.46, sound_late_ms=120).save(tmp_path / "mine")
    output = live(store, "--argument", f"clip={tmp_path / 'mine'}")
    assert "verification  [CHAIN OK]  → altered" in output
    assert "5 duplicate frames" in output


def test_without_a_folder_the_clip_is_that_of_the_healthy_scenario(store: str) -> None:
    assert f"{INPUTS['duplicated']} duplicate frames" in live(store)


def test_a_folder_without_a_clip_is_reported(tmp_path: Path, store: str) -> None:
    model = {"MODEL_NAME": "m", "OPENAI_API_KEY": "k"}
    option = f"clip={tmp_path}"
    done = run_command(store, "live", "graphflow_media", TASK, "--argument", option, **model)
    assert (done.exit_code, "is not a clip: it has no frames" in done.stderr) == (2, True)


def test_an_unknown_prop_is_reported(tmp_path: Path, store: str) -> None:
    model = {"MODEL_NAME": "m", "OPENAI_API_KEY": "k"}
    option = f"clap={tmp_path}"
    done = run_command(store, "live", "graphflow_media", TASK, "--argument", option, **model)
    assert (done.exit_code, "takes no argument 'clap'; it takes: clip" in done.stderr) == (2, True)


def test_a_missing_folder_is_reported(tmp_path: Path, store: str) -> None:
    option = f"clip={tmp_path / 'no' / os.curdir}"
    done = run_command(store, "live", "graphflow_media", TASK, "--argument", option)
    assert (done.exit_code, "an existing folder" in done.stderr) == (2, True)

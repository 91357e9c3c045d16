"""The commands `live` and `chat`, which call a model, and `serve`, which replays a tape."""

import os
from pathlib import Path
from typing import Annotated

import typer

from scenarios.cli.exits import exit_on_interrupt
from scenarios.cli.options import PortOption, TolerantOption, parse_pairs
from scenarios.cli.startup import quiet_frameworks
from scenarios.player.scenario_loader import load_scenario, scenario_folder, scenario_names
from scenarios.reports import terminal_report
from scenarios.scenario import resolve_inputs
from scenarios.traces.store.tracking_uri import require_reachable, tracking_uri

SERVICE_EXPECTED = "--service expects NAME=URL, e.g. world_bank=http://localhost:8080"
ARGUMENT_EXPECTED = "--argument expects NAME=FOLDER, an existing folder"


def live(
    workflow: Annotated[
        str,
        typer.Argument(help="Workflow, e.g. search_agent.", metavar="WORKFLOW"),
    ],
    task: Annotated[str, typer.Argument(help="Task for the workflow.", metavar="TASK")],
    record: Annotated[
        Path | None,
        typer.Option(help="Record all replies on a new tape in this file.", metavar="FILE"),
    ] = None,
    service: Annotated[
        list[str] | None,
        typer.Option(help="Base URL of an external service (repeatable).", metavar="NAME=URL"),
    ] = None,
    argument: Annotated[
        list[str] | None,
        typer.Option(help="Non-text input, e.g. clip=FOLDER (repeatable).", metavar="NAME=FOLDER"),
    ] = None,
    prompt: Annotated[
        list[str] | None,
        typer.Option(
            help="System prompt of MLflow's registry (repeatable).", metavar="[AGENT=]NAME@ALIAS"
        ),
    ] = None,
) -> None:
    """Run a workflow on a real model.

    MODEL_NAME, OPENAI_API_KEY and OPENAI_BASE_URL select the model. Services without --service are
    called at their default URL. Inputs without --argument are those of a scenario.
    """
    services = parse_pairs(service, SERVICE_EXPECTED, is_valid=_is_url)
    folders = parse_pairs(argument, ARGUMENT_EXPECTED, is_valid=os.path.isdir)
    arguments = {name: Path(folder) for name, folder in folders.items()}
    named = (text.rpartition("=") for text in prompt or ())
    prompts = {agent: prompt for agent, _, prompt in named}
    with quiet_frameworks(), exit_on_interrupt():
        from scenarios.player.live.live_run import run_live  # imports MLflow: seconds
        from scenarios.player.live.live_settings import set_up_workflow

        store = require_reachable(tracking_uri())
        console = terminal_report.make_console()
        setup = set_up_workflow(workflow, services, arguments)
        succeeded = run_live(setup, task, store, record, prompts, console)
    raise typer.Exit(0 if succeeded else 1)


def chat(
    session: Annotated[
        str | None,
        typer.Option(help="Session to continue or start (default: a new one).", metavar="ID"),
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="User name to record in the traces.", metavar="NAME")
    ] = None,
    prompt: Annotated[
        str | None,
        typer.Option(help="System prompt of MLflow's registry.", metavar="NAME@ALIAS"),
    ] = None,
) -> None:
    """Chat with a real model; each turn leaves a trace.

    MODEL_NAME, OPENAI_API_KEY and OPENAI_BASE_URL select the model. Ctrl-C stops an answer, Ctrl-D
    ends the chat. If stdin is not a terminal, it is read line by line and only answers go to
    stdout.
    """
    with quiet_frameworks(), exit_on_interrupt():
        from scenarios.player.live.chat_session import run_chat  # imports MLflow: seconds

        all_answered = run_chat(require_reachable(tracking_uri()), session, user, prompt)
    raise typer.Exit(0 if all_answered else 1)


def serve(
    tape: Annotated[
        str,
        typer.Argument(help="Tape (JSONL file), or scenario with its faults.", metavar="TAPE|NAME"),
    ],
    port: PortOption = 0,
    tolerant: TolerantOption = False,
) -> None:
    """Serve a tape to OpenAI clients until Ctrl-C."""
    from scenarios.programs.serve import serve_tape  # imports uvicorn
    from scenarios.tape.tape import Tape

    with exit_on_interrupt("stopped"):
        if tape in scenario_names():
            scenario = load_scenario(tape)
            inputs = resolve_inputs(scenario.inputs, seed=None)
            loaded = Tape.load(scenario_folder(tape).tape).with_inputs(inputs)
            faults, services = scenario.faults, scenario.processes
        else:
            if Path(tape).name == tape and not Path(tape).suffix and not Path(tape).exists():
                scenario_folder(tape)  # names the scenarios that are like it
            loaded, faults, services = Tape.load(Path(tape)), (), {}
        serve_tape(loaded, port, not tolerant, faults, services, tracking_uri())


def _is_url(text: str) -> bool:
    return text.startswith(("http://", "https://"))

"""The commands that meet something outside: a real model, or a client of the tape's."""

from pathlib import Path
from typing import Annotated

import typer

from scenarios.cli.interrupts import exit_on_interrupt
from scenarios.cli.quiet_frameworks import quiet_frameworks
from scenarios.inputs import resolve_inputs
from scenarios.player.scenario_loader import load_scenario, scenario_folder, scenario_names
from scenarios.reports import terminal_report
from scenarios.trace_store.tracking_uri import require_reachable, tracking_uri


def live(
    workflow: Annotated[str, typer.Argument(help="A workflow, as its file is named.")],
    task: Annotated[str, typer.Argument(help="What it is asked.")],
    record: Annotated[
        Path | None, typer.Option(help="Write what is answered to this tape, to be replayed.")
    ] = None,
    service: Annotated[
        list[str] | None,
        typer.Option(help="Where an outside service is, if not at home.", metavar="NAME=URL"),
    ] = None,
    prop: Annotated[
        list[str] | None,
        typer.Option(
            help="What a workflow is handed that is no text, as a clip: else a scenario's.",
            metavar="NAME=FOLDER",
        ),
    ] = None,
) -> None:
    """Run a workflow on a real model: MODEL_NAME, OPENAI_API_KEY and OPENAI_BASE_URL say which."""
    services = dict(map(_parse_service, service or ()))
    props = dict(map(_parse_prop, prop or ()))
    with quiet_frameworks(), exit_on_interrupt():
        from scenarios.player.live_run import run_live as lived  # brings MLflow

        store = require_reachable(tracking_uri())
        ended = lived(
            workflow, task, store, record, services, props, terminal_report.make_console()
        )
    raise typer.Exit(0 if ended else 1)


def chat(
    session: Annotated[
        str | None, typer.Option(help="Go on with the session of this name, or begin it.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Who speaks, as the traces are to say.")] = None,
) -> None:
    """Talk to a real model, a line a turn, each turn a trace: MODEL_NAME … as for `live`.

    Ctrl-C stops an answer, Ctrl-D ends the chat. What is no terminal is read line by line, and the
    answers alone are printed to stdout.
    """
    with quiet_frameworks(), exit_on_interrupt():
        from scenarios.cli.chat_session import run_chat as chatted  # brings MLflow

        all_answered = chatted(require_reachable(tracking_uri()), session, user)
    raise typer.Exit(0 if all_answered else 1)


def serve(
    tape: Annotated[
        str, typer.Argument(help="A tape, a JSONL file; or a scenario, with its tape and faults.")
    ],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0 takes a free one.")
    ] = 0,
    tolerant: Annotated[
        bool, typer.Option(help="Serve a changed request all the same, and report it as drift.")
    ] = False,
) -> None:
    """Serve a tape alone, to an OpenAI client in any language. Ctrl-C ends it."""
    from scenarios.replay.serve import serve_tape as served  # brings uvicorn

    if tape in scenario_names():
        page = load_scenario(tape)
        inputs = resolve_inputs(page.inputs, seed=None)
        served(
            scenario_folder(tape).tape,
            port,
            not tolerant,
            page.faults,
            inputs,
            page.processes,
            tracking_uri(),
        )
    else:
        served(Path(tape), port, strict=not tolerant)


def _parse_service(text: str) -> tuple[str, str]:
    name, is_one, url = text.partition("=")
    if not is_one or not url.startswith(("http://", "https://")):
        raise typer.BadParameter(
            f"--service takes NAME=URL, as in world_bank=http://…; not {text!r}"
        )
    return name, url


def _parse_prop(text: str) -> tuple[str, Path]:
    name, is_one, folder = text.partition("=")
    if not is_one or not Path(folder).is_dir():
        raise typer.BadParameter(f"--prop takes NAME=FOLDER, a folder that is there; not {text!r}")
    return name, Path(folder)

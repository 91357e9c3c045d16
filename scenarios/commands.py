"""The commands: what `python -m scenarios` does, each a function whose docstring is its help."""

import json
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from patches.repairs import repairs
from scenarios import report
from scenarios.accept import accept as accepted
from scenarios.accept import produce, stale
from scenarios.check import Recording
from scenarios.check import check as checked
from scenarios.inputs import values
from scenarios.quiet import quieted
from scenarios.shelf import folder, load, names
from scenarios.store import reachable, tracking_uri

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Play failures of multi-agent workflows again, offline; read their cause in the trace.",
)

Name = Annotated[str, typer.Argument(help="A scenario, as `list` names it.", metavar="NAME")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the scenarios, each with the failure that it plays."""
    pages = [load(name) for name in names()]
    if as_json:
        told = [{"scenario": page.name, "title": page.title, "mode": page.mode} for page in pages]
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    width = max(map(len, names()), default=0)
    for page in pages:
        typer.echo(f"{page.name:<{width}}  {page.title}")


@app.command()
def run(
    name: Name,
    as_json: AsJson = False,
    tolerant: Annotated[
        bool, typer.Option(help="Serve a changed request all the same, and report it as drift.")
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(help="Draw its inputs: a failure that is real hangs on no figure."),
    ] = None,
) -> None:
    """Play a scenario offline, broken and fixed, and judge the traces that it leaves.

    Without --seed its inputs are the published ones, and the outlines are held against the goldens.
    Writes the traces to MLFLOW_TRACKING_URI (by default sqlite:///mlflow.db).
    """
    page, store = load(name), reachable(tracking_uri())
    variants = ", ".join(variant for variant, _, _ in page.variants())
    typer.echo(f"playing {name}: {variants} …", err=True)
    with quieted(), _stoppable():
        from scenarios.play import play  # brings MLflow, which the other commands do without

        verdict = play(
            name,
            store,
            strict=not tolerant,
            seed=seed,
            progress=lambda variant, exchange: typer.echo(
                report.progress(variant, exchange), err=True
            ),
        )
    if as_json:
        typer.echo(json.dumps(verdict.to_json(), indent=2, ensure_ascii=False))
    else:
        report.show(report.report(page, verdict))
    raise typer.Exit(0 if verdict.passed else 1)


@app.command()
def check(
    name: Annotated[
        str | None, typer.Argument(help="A scenario; without it, all of them.", metavar="NAME")
    ] = None,
    trace: Annotated[
        str | None,
        typer.Option(
            help="An exported or recorded trace (a JSON file), or the id of an MLflow trace."
        ),
    ] = None,
    variant: Annotated[
        str | None, typer.Option(help="Whose expectations; by default of each variant recorded.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold a scenario's expectations against recorded traces; nothing is run.

    By default the traces are those committed beside the scenario. With --trace it is one of your
    own, held against what the fixed variant expects, unless --variant names another.
    """
    if trace and not name:
        raise typer.BadParameter("--trace needs the NAME of the scenario that it is held against")
    recording = Recording(trace, variant, tracking_uri())
    results = [checked(one, recording) for one in ([name] if name else names())]
    if as_json:
        told = [result.to_json() for result in results]
        typer.echo(json.dumps(told[0] if name else told, indent=2, ensure_ascii=False))
    else:
        for result in results:
            report.show(report.checked(result))
    raise typer.Exit(0 if all(result.passed for result in results) else 1)


@app.command()
def accept(
    wanted: Annotated[
        list[str] | None, typer.Argument(help="Scenarios; without one, all.", metavar="[NAME]…")
    ] = None,
    pages_only: Annotated[
        bool, typer.Option("--pages", help="Play nothing: write the produced pages alone.")
    ] = False,
    dry: Annotated[
        bool, typer.Option("--check", help="Write nothing: say which pages are not current.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make what is seen the golden: read `run`'s outline first, it is what you accept.

    Plays the scenarios as `run` does, and writes recorded traces, goldens and the pages produced
    from them. A run whose expectations do not hold is not accepted.
    """
    for name in wanted or ():
        folder(name)  # an unknown name is an error, whatever else is asked
    changed = list(stale()) if dry else _accepted([] if pages_only else wanted or names())
    told = [os.path.relpath(path) for path in changed]
    if as_json:
        typer.echo(json.dumps({"not_current" if dry else "written": told}, indent=2))
    else:
        typer.echo("\n".join(told) or "all is current")
    raise typer.Exit(1 if dry and changed else 0)


@app.command()
def patches(as_json: AsJson = False) -> None:
    """List the patches, and for each whether it is for the versions installed here, or why not."""
    told = [
        {"patch": patch.name, "why_not": patch.why_not(), "symptom": patch.symptom}
        for patch in repairs(lambda _: None)
    ]
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    for patch in told:
        typer.echo(f"{patch['patch']:<22}{patch['why_not'] or 'applied'}")


@app.command()
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
) -> None:
    """Run a workflow on a real model: MODEL_NAME, OPENAI_API_KEY and OPENAI_BASE_URL say which."""
    services = dict(_pair(text) for text in service or ())
    with quieted(), _stoppable():
        from scenarios.live import live as lived  # brings MLflow

        store = reachable(tracking_uri())
        ended = lived(workflow, task, store, record, services, report.console())
    raise typer.Exit(0 if ended else 1)


@app.command()
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
    from scenarios.serve import serve as served  # brings uvicorn

    if tape in names():
        page = load(tape)
        inputs = values(page.inputs, seed=None)
        served(folder(tape).tape, port, not tolerant, page.faults, inputs)
    else:
        served(Path(tape), port, strict=not tolerant)


def _pair(text: str) -> tuple[str, str]:
    name, is_one, url = text.partition("=")
    if not is_one or not url.startswith(("http://", "https://")):
        raise typer.BadParameter(
            f"--service takes NAME=URL, as in world_bank=http://…; not {text!r}"
        )
    return name, url


def _accepted(wanted: Iterable[str]) -> list[Path]:
    """Play and accept; then the pages, which show what was accepted."""
    changed: list[Path] = []
    for name in wanted:
        typer.echo(f"playing {name} …", err=True)
        with quieted(), _stoppable():
            from scenarios.play import play

            changed += accepted(play(name, reachable(tracking_uri())))
    return [*changed, *produce()]


@contextmanager
def _stoppable() -> Generator[None]:
    """Ctrl-C ends a run cleanly: its spans say that they were cancelled, and are stored."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("\nstopped; what was traced until then is in the store", err=True)
        raise typer.Exit(130) from None

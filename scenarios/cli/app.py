"""The commands: what `python -m scenarios` does, each a function whose docstring is its help."""

import typer

from scenarios.cli.live_commands import chat, live, serve
from scenarios.cli.scenario_commands import accept, check, list_scenarios, patches, run
from scenarios.cli.store_commands import alerts, search

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Play failures of multi-agent workflows again, offline; read their cause in the trace.",
)
app.command("list")(list_scenarios)
for command in (run, check, accept, patches, live, chat, serve, alerts, search):
    app.command()(command)

"""The commands: what `python -m integrations` does, each a function whose docstring is its help."""

import typer

from integrations.cli.accept import accept
from integrations.cli.fidelity import fidelity
from integrations.cli.matrix import matrix
from integrations.cli.regressions import prove_regressions

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Count what tracing integrations record of what really happened, version by version.",
)
for command in (fidelity, matrix, accept, prove_regressions):
    app.command()(command)

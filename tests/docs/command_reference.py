"""Write the tables of commands in `docs/reference/command-line.md`.

`python -m tests.docs.command_reference` writes them; `make accept` does. They are made from the
command lines' own help, so they live above both packages.
"""

import re
from typing import Any

import typer

from integrations.cli.app import app as integrations_app
from scenarios.cli.app import app as scenarios_app
from tests.docs.documents import ROOT

PAGE = ROOT / "docs" / "reference" / "command-line.md"
TABLE = re.compile(r"(<!-- commands: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
APPS = {"scenarios": scenarios_app, "integrations": integrations_app}


def render_page(text: str) -> str:
    """The page with its tables updated."""
    return TABLE.sub(lambda part: f"{part[1]}{_command_table(APPS[part[2]])}\n{part[3]}", text)


def _command_table(app: typer.Typer) -> str:
    rows = ["| command | effect | options |", "| --- | --- | --- |"]
    commands = typer.main.get_group(app).commands
    for name, command in commands.items():
        options = ", ".join(f"`{option}`" for option in _option_names(command))
        summary = (command.help or "").partition("\n\n")[0].replace("\n", " ")
        rows.append(f"| `{name}` | {summary} | {options} |")
    names = [name for name, command in commands.items() if "--json" in _option_names(command)]
    listed = ", ".join(f"`{name}`" for name in names)
    return "\n".join([*rows, "", f"`--json` is available on {listed}."])


def _option_names(command: Any) -> list[str]:
    return [
        option.opts[0]
        for option in command.params
        if option.param_type_name == "option" and not getattr(option, "hidden", False)
    ]


if __name__ == "__main__":
    PAGE.write_text(render_page(PAGE.read_text("utf-8")), "utf-8")

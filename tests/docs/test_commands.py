"""Every command line of the documents names a target, a command and options that exist."""

import re
import shlex

import pytest
import typer

from integrations.cli.app import app as integrations_app
from scenarios.cli.app import app as scenarios_app
from tests.docs import command_reference
from tests.docs.documents import ROOT, CodeBlock, code_blocks, list_documents

SHELL = [
    block
    for document in list_documents()
    for block in code_blocks(document)
    if block.language == "sh"
]
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
APPS = {"scenarios": scenarios_app, "integrations": integrations_app}


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_a_command_line_of_a_document_can_be_run(block: CodeBlock) -> None:
    commands = [line.partition(" #")[0].strip() for line in block.code.splitlines()]
    for command in filter(None, commands):
        words = shlex.split(command)
        while re.match(r"[A-Z_]+=", words[0]):
            words = words[1:]
        _check_words(words)


def _check_words(words: list[str]) -> None:
    match words:
        case ["make", *arguments]:
            targets = [word for word in arguments if "=" not in word]
            assert targets
            assert set(targets) <= TARGETS
        case [
            "python" | ".venv/bin/python",
            "-m",
            ("scenarios" | "integrations") as package,
            *rest,
        ]:
            _parse(APPS[package], rest)
        case ["flight-recorder", *rest]:
            _parse(scenarios_app, rest)
        case ["python" | ".venv/bin/python", "-m", ("pytest" | "workflows.services.index"), *_]:
            pass
        case ["pre-commit" | "git" | "cd" | "pip" | "pytest", *_]:
            pass
        case _:
            pytest.fail(f"no check knows the command {shlex.join(words)!r}")


def _parse(app: typer.Typer, arguments: list[str]) -> None:
    """Raise a usage error for a command or an option that does not exist; run nothing."""
    group = typer.main.get_group(app)
    if arguments in (["--help"], ["--version"]):
        return
    name, *rest = arguments
    assert name in group.commands, f"no command is named {name!r}"
    group.commands[name].make_context(name, rest)


def test_the_command_reference_is_current() -> None:
    text = command_reference.PAGE.read_text("utf-8")
    assert command_reference.render_page(text) == text, "run: make accept"

"""Quiet: what frameworks print while a scenario plays, kept from the person who watches.

A scenario fails on purpose, and each framework logs its traceback; the trace and the report say it
better. Nothing is kept from a log that someone has set up: only what would reach the terminal. And
what CrewAI or MLflow would tell their makers, ask of them or of the person, or leave in the home
folder is not told, asked or left.
"""

import logging
import os
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

NOISY_LOGGERS = (
    "alembic",
    "autogen_core",
    "autogen_agentchat",
    "crewai",
    "httpx",
    "mlflow",
    "openai",
)
CREWAI_STORAGE_VARIABLE = "CREWAI_STORAGE_DIR"
ENVIRONMENT = {
    # MLflow sets its own loggers up when it is imported, which undoes what was set before.
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_DISABLE_VERSION_CHECK": "true",
    # MLflow looks prices up on the network, and has a list of its own besides.
    "MLFLOW_MODEL_CATALOG_URI": "",
    # On a terminal it asks for leave to send the trace away, and waits 20 s for an answer.
    "CREWAI_TRACING_ENABLED": "false",
}


@contextmanager
def quiet_frameworks() -> Generator[None]:
    """Raise the bar of the noisy loggers to CRITICAL, and put it back; let CrewAI print nothing.

    Enter it before CrewAI is imported, which reads its settings then.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    loggers = [logging.getLogger(name) for name in NOISY_LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    logging.getLogger().addFilter(_is_not_from_crewai)
    try:
        with warnings.catch_warnings(), _temporary_crewai_storage(), _suppress_crewai_output():
            # openai's parsed completions do not fit their own model: openai-python#2872
            warnings.filterwarnings("ignore", message="Pydantic serializer warnings")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        logging.getLogger().removeFilter(_is_not_from_crewai)


def _is_not_from_crewai(record: logging.LogRecord) -> bool:
    """CrewAI's clients of models log what fails in the name of nobody: at the root."""
    return "crewai" not in Path(record.pathname).parts


@contextmanager
def _suppress_crewai_output() -> Generator[None]:
    """Keep what CrewAI says of its own events from stdout, where a program reads JSON."""
    from crewai_core.printer import set_suppress_console_output, should_suppress_console_output

    before = should_suppress_console_output()
    set_suppress_console_output(True)
    try:
        yield
    finally:
        set_suppress_console_output(before)


@contextmanager
def _temporary_crewai_storage() -> Generator[None]:
    """Let CrewAI keep the outputs of tasks in a folder that goes away, unless one is named."""
    if CREWAI_STORAGE_VARIABLE in os.environ:
        yield
        return
    with TemporaryDirectory() as folder:
        os.environ[CREWAI_STORAGE_VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[CREWAI_STORAGE_VARIABLE]

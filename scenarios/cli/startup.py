"""Prepare a command's start: run the garbage collector rarely, and keep frameworks silent.

Scenarios fail on purpose, and each framework would log a traceback for what the trace and the
report already show. MLflow and CrewAI are also prevented from calling their makers, asking the user
and writing to the home folder. Log handlers that the user has configured are not affected.
"""

import gc
import logging
import os
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from scenarios.testing.environment_variables import environment_variables

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
    # MLflow configures its loggers when it is imported, which would undo levels set before.
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_DISABLE_VERSION_CHECK": "true",
    # MLflow would download prices; it has a list of its own.
    "MLFLOW_MODEL_CATALOG_URI": "",
    # On a terminal, CrewAI would ask for permission to upload the trace, and wait 20 s.
    "CREWAI_TRACING_ENABLED": "false",
}
"""Environment variables that are set for the frameworks, unless the user has set them."""


def collect_garbage_rarely() -> None:
    """Look for garbage after 50,000 new objects, not after 700.

    The imports of a command create a million objects that live as long as it does. To look at them
    again and again takes a sixth of the CPU time of `run`.
    """
    gc.set_threshold(50_000, 50, 100)


@contextmanager
def quiet_frameworks() -> Generator[None]:
    """Raise noisy loggers to CRITICAL and suppress CrewAI's output within the block.

    Enter it before CrewAI is imported, which reads its environment variables on import.
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
    """A log filter: CrewAI's model clients log their failures with the root logger."""
    return "crewai" not in Path(record.pathname).parts


@contextmanager
def _suppress_crewai_output() -> Generator[None]:
    """Keep CrewAI's event output off stdout, from which programs read JSON."""
    if find_spec("crewai_core") is None:
        yield
        return
    from crewai_core.printer import set_suppress_console_output, should_suppress_console_output

    before = should_suppress_console_output()
    set_suppress_console_output(True)
    try:
        yield
    finally:
        set_suppress_console_output(before)


@contextmanager
def _temporary_crewai_storage() -> Generator[None]:
    """Let CrewAI store task outputs in a temporary folder, unless the user has named one."""
    if CREWAI_STORAGE_VARIABLE in os.environ:
        yield
        return
    with TemporaryDirectory() as folder, environment_variables({CREWAI_STORAGE_VARIABLE: folder}):
        yield

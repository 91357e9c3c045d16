"""Quiet: what frameworks print while a scenario plays, kept from the person who watches.

A scenario fails on purpose, and each framework logs its traceback; the trace and the report say it
better. Nothing is kept from a log that someone has set up: only what would reach the terminal.
"""

import logging
import os
import warnings
from collections.abc import Generator
from contextlib import contextmanager

NOISY = ("alembic", "autogen_core", "autogen_agentchat", "crewai", "httpx", "mlflow", "openai")


@contextmanager
def quieted() -> Generator[None]:
    """Raise the bar of the noisy loggers to CRITICAL, and put it back."""
    # MLflow sets its own loggers up when it is imported, which undoes what was set before.
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "CRITICAL")
    loggers = [logging.getLogger(name) for name in NOISY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            # openai's parsed completions do not fit their own model: openai-python#2872
            warnings.filterwarnings("ignore", message="Pydantic serializer warnings")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

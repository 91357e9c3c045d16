"""A short time limit for the tests of this folder.

An AutoGen agent whose tool call fails inside the framework waits for ever. With the limit of the
whole suite, each such test would take minutes before it fails.
"""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
TIMEOUT_S = 30


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Limit the time of each test function; fixtures, which may create a store, are not counted."""
    for item in items:
        if FOLDER in item.path.parents and item.get_closest_marker("long") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT_S, func_only=True))

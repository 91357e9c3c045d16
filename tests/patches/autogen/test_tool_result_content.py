"""The content-type repair in an environment that does not need it."""

from importlib.metadata import version

from patches.autogen.tool_result_content import PATCH
from patches.patch import apply_patches


def test_on_a_newer_mlflow_it_is_not_applied_and_says_why() -> None:
    with apply_patches(PATCH) as (outcome,):
        assert not outcome.is_applied
        assert outcome.skip_reason == (
            f"autogen_content_type mends mlflow >=3.1.0,<3.2, and {version('mlflow')} is installed"
        )

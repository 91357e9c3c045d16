"""The patch for tool results in an environment that does not need it."""

from importlib.metadata import version

from patches.autogen.completion_after_tool_call import PATCH
from patches.patch import apply_patches


def test_on_a_newer_mlflow_the_patch_is_not_needed() -> None:
    with apply_patches(PATCH) as (outcome,):
        assert not outcome.is_applied
        assert not outcome.leaves_gap
        assert outcome.skip_reason == (
            "autogen.completion_after_tool_call is not needed:"
            f" mlflow {version('mlflow')} is installed"
        )

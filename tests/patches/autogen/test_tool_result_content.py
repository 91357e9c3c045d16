"""The patch for tool results in an environment that does not need it."""

from importlib.metadata import version

from patches.autogen.tool_result_content import PATCH
from patches.patch import apply_patches


def test_on_a_newer_mlflow_the_patch_is_skipped_with_a_reason() -> None:
    with apply_patches(PATCH) as (outcome,):
        assert not outcome.is_applied
        assert outcome.skip_reason == (
            "autogen.tool_result_content needs mlflow >=3.1.0,<3.2,"
            f" but {version('mlflow')} is installed"
        )

"""The model that a workflow calls: its key stays secret, its settings come from the environment."""

import pytest

from workflows.model import Model, ModelNotConfiguredError


def test_the_repr_of_a_model_does_not_contain_its_key() -> None:
    assert "hidden-key" not in repr(Model("m", "http://127.0.0.1/v1", "hidden-key"))


def test_a_model_has_a_timeout_by_default() -> None:
    timeout_s = Model("m", "http://127.0.0.1/v1", "key").timeout_s
    assert timeout_s is not None
    assert 0 < timeout_s <= 120


def test_a_model_is_read_from_the_environment() -> None:
    variables = {"MODEL_NAME": "m", "OPENAI_API_KEY": "k"}
    assert Model.from_environment(variables).base_url == "https://api.openai.com/v1"
    variables["OPENAI_BASE_URL"] = "http://x/v1"
    assert Model.from_environment(variables).base_url == "http://x/v1"


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(ModelNotConfiguredError, match="OPENAI_API_KEY not set"):
        Model.from_environment({"MODEL_NAME": "m"})

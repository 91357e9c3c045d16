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


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("api.openai.com", "'api.openai.com' does not begin with http"),
        ("http://[", r"'http://\[' is not an address"),
        ("http://host:x/v1", "'http://host:x/v1' is not an address"),
        ("http:///v1", "'http:///v1' is not an address"),
        ("http://host\nx: y", "is not an address; expected e.g. http://127.0.0.1:11434/v1"),
        ("ftp://user:hidden-word@host", "OPENAI_BASE_URL: 'host' does not begin"),
        ("http://user:hidden-word@host:x", "OPENAI_BASE_URL: 'host:x' is not an address"),
    ],
)
def test_an_address_that_cannot_be_used_is_named_without_its_password(
    url: str, sentence: str
) -> None:
    variables = {"MODEL_NAME": "m", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": url}
    with pytest.raises(ModelNotConfiguredError, match=sentence) as error:
        Model.from_environment(variables)
    assert "hidden-word" not in str(error.value)


def test_the_address_of_a_model_has_no_password() -> None:
    model = Model("m", "http://user:hidden-word@127.0.0.1:1/v1", "k")
    assert model.address == "http://127.0.0.1:1/v1"


def test_a_key_that_no_header_can_have_is_reported_without_it() -> None:
    variables = {"MODEL_NAME": "m", "OPENAI_API_KEY": "hidden-wörd"}
    with pytest.raises(ModelNotConfiguredError, match="OPENAI_API_KEY has characters") as error:
        Model.from_environment(variables)
    assert "hidden" not in str(error.value)
    assert Model.from_environment(variables | {"OPENAI_API_KEY": "key\n"}).api_key == "key"

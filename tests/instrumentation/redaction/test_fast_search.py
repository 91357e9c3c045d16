"""The fast search of a whole structure misses nothing that is found when it is traversed."""

import html
import json
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from instrumentation.redaction import nested_values
from instrumentation.redaction.redaction import DEFAULT_REDACTION
from instrumentation.redaction.searchable_text import SearchableText
from tests.instrumentation.redaction.planted_secrets import plant_secrets
from tests.instrumentation.redaction.test_secret_forms import KEYS

NAMES = st.sampled_from((
    "api_key", "API key", "Password ", "pass phrase", "client secret", "db pass", "token", "name",
    "key", "header", "value", "place", "x-api-key", "max_tokens", "content", "cookie",
))  # fmt: skip
TEXTS = st.sampled_from((
    "pass", "api key", "password", "hunter22", "a8f3kd93jf0s", "user", "4111 1111 1111 1111", "",
    "ann@mail.example.org", "--password", "authorization", "Bearer x", "a\0b", "\ud800", "x",
    "The API key: a8f3kd93jf0s", 'he said "the token": none', "sk-proj-Ab12Cd_Ef-Gh34Ij56Kl",
    "1\u00a0234", '{"password": "q"}', "line\nsk-proj-Ab12Cd_Ef-Gh34Ij56Kl",
))  # fmt: skip
LEAVES = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(0, 10**17))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(NAMES, TEXTS), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.mark.long
@settings(max_examples=200, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=4))
@example({"API key": "abc"})
@example({"a": {"pass phrase": "x"}})
@example({"name": "api key", "value": "x"})
@example({"text": "a\0b"})
def test_what_the_traversal_redacts_is_found_by_the_search(value: dict[str, Any]) -> None:
    redacted = nested_values.redact_nested(value, DEFAULT_REDACTION)
    assert DEFAULT_REDACTION.redact_value(value) == redacted


@pytest.mark.long
@settings(max_examples=200, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=4))
@example({"API key": "abc"})
def test_a_secret_in_the_json_of_a_span_is_found(value: dict[str, Any]) -> None:
    """Spans are searched in this form: MLflow writes inputs and outputs as JSON."""
    text = json.dumps(value)
    assume("\\u0000" not in text and "\\ud800" not in text)  # these are stored as escapes
    if nested_values.redact_nested(json.loads(text), DEFAULT_REDACTION) != json.loads(text):
        assert DEFAULT_REDACTION.may_contain_secret(SearchableText(text))


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("The API key: a8f3kd93jf0s", "The API key: [redacted: secret]"),
        ("access key = a8f3kd93jf0s", "access key = [redacted: secret]"),
        ("my api key is a8f3kd93jf0s", "my api key is [redacted: password]"),
        ("Password is hunter2x", "Password is [redacted: password]"),
        ('{\\"api key\\": \\"zz9\\"}', '{\\"api key\\": \\"[redacted: secret]\\"}'),
    ],
)
def test_a_name_of_two_words_is_found(text: str, redacted: str) -> None:
    assert DEFAULT_REDACTION.redact_text(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "The API key: see below",
        "the access key: press it twice",
        "API keys: rotate every 30days",
        "the primary key is user_id2",
        '{"place": "pass"}',
        '{"content": "the api key"}',
    ],
)
def test_text_about_keys_is_kept(text: str) -> None:
    assert DEFAULT_REDACTION.redact_text(text) is text


SECRETS = [secret.secret for secret in plant_secrets(7).values()] + list(KEYS.values())


@pytest.mark.parametrize("before", ["\n", "\t", "\r\n", "a\n\n", "\n\n"])
def test_a_secret_after_a_line_break_in_json_is_found(before: str) -> None:
    """Without quotes around it, a secret is found in JSON if it is found in the plain text."""
    for secret in SECRETS:
        text = f"config:{before}{secret}\nend"
        if DEFAULT_REDACTION.redact_text(text) != text:
            for nested in (json.dumps({"content": text}), json.dumps(json.dumps([text]))):
                redacted = DEFAULT_REDACTION.redact_text(nested)
                assert redacted != nested, nested
                json.loads(redacted)


def write_as(form: str, secret: str) -> str:
    """Write a secret the way a program or a terminal would."""
    forms = {
        "JSON in Chinese, ASCII only": json.dumps({"content": f"密钥{secret}。"}),
        "JSON after a line separator": json.dumps(f"a\u2028{secret}"),
        "JSON in JSON in JSON": json.dumps(json.dumps(json.dumps([f"é\n{secret}"]))),
        "Chinese": f"密钥{secret}。",
        "coloured in a terminal": f"\x1b[31m{secret}\x1b[0m",
        "coloured, as JSON": json.dumps(f"\x1b[1;31m{secret}\x1b[0m"),
        "repr": repr({"content": f"a\n{secret}"}),
        "repr of bytes": repr(f"a\n{secret}\n".encode()),
        "HTML": f"<td>{html.escape(secret)}</td>",
        "bold": f"**{secret}**",
        "quoted": f"“{secret}”",
        "after an emoji": f"🔑{secret}",
        "no-break space": f"a\u00a0{secret}\u00a0b",
    }
    return forms[form]


@pytest.mark.parametrize(
    "form",
    [
        "JSON in Chinese, ASCII only", "JSON after a line separator", "JSON in JSON in JSON",
        "Chinese", "coloured in a terminal", "coloured, as JSON", "repr", "repr of bytes", "HTML",
        "bold", "quoted", "after an emoji", "no-break space",
    ],
)  # fmt: skip
def test_a_secret_is_found_in_every_form(form: str) -> None:
    for planted in plant_secrets(7).values():
        redacted = DEFAULT_REDACTION.redact_text(write_as(form, planted.text))
        assert planted.secret not in redacted
        assert html.escape(planted.secret) not in redacted
    for key in KEYS.values():
        assert key not in DEFAULT_REDACTION.redact_text(write_as(form, key))

"""Redaction of texts and plain data: what is redacted, what stays, and how long it takes."""

import json
import re
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from instrumentation.redaction import DEFAULT_REDACTION, RedactionPattern
from tests.instrumentation.redaction.planted_secrets import plant_secrets

KINDS = plant_secrets(42)
SECRETS = st.builds(
    lambda number, kind: plant_secrets(number)[kind],
    st.integers(0, 9999),
    st.sampled_from(list(KINDS)),
)
WORDS = st.text(alphabet=st.sampled_from("aZ9 .,:;'\"\\/{}[]()<>@#%&=-_\n\té漢😀\0"), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
LENGTH = 250_000
MAX_SECONDS = 5.0
"""For a text that was made to be slow, on a busy machine."""


def texts(value: Any) -> list[str]:
    """All texts in a structure."""
    match value:
        case str():
            return [value]
        case dict():
            return [text for pair in value.items() for part in pair for text in texts(part)]
        case list():
            return [text for part in value for text in texts(part)]
    return []


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_is_redacted_and_the_text_around_it_stays(kind: str) -> None:
    secret = KINDS[kind]
    text = DEFAULT_REDACTION.redact_text(f"before\n{secret.text}\nafter")
    assert secret.secret not in text
    assert re.search(r"\Abefore\n.*\[redacted: [\w -]+\].*\nafter\Z", text, re.DOTALL)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("key sk-abcdefgh1234.", "key [redacted: API key]."),
        ("to a.b+c@mail.example.org, now", "to [redacted: e-mail], now"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: [redacted: password]"),
        ("api_key='x y', retries=2", "api_key='[redacted: secret]', retries=2"),
        ("postgres://ann:pa@ss@db/x", "postgres://ann:[redacted: password]@db/x"),
        ("a?key=aB3dE5fG7h&q=1#top", "a?key=[redacted: token]&q=1#top"),
        ("DE89 3704 0044 0532 0130 00 AND", "[redacted: IBAN] AND"),
        ("export OPENAI_API_KEY=abc def", "export OPENAI_API_KEY=[redacted: secret] def"),
        ('{"to": "a\\u0040mail.example.org"}', '{"to": "[redacted: e-mail]"}'),
        ("Cookie: a=b; c=d\nHost: x", "Cookie: [redacted: secret]\nHost: x"),
        ("-----BEGIN PRIVATE KEY-----\nabc", "[redacted: private key]"),
    ],
)
def test_only_the_secret_is_redacted(text: str, redacted: str) -> None:
    assert DEFAULT_REDACTION.redact_text(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112 fails the check of a card",
        "DE89 3704 0044 0532 0130 01 fails that of an account",
        "inflation was 4.9 % in 2023, 5.2 % in 2022, 2019 2020 2021 2022",
        "1763744000000000000 ns, 1763744000000 ms, 4082469490797 US$, 0.4111111111111111",
        '{"output_tokens": 4563, "max_tokens": 4111111, "token": "hello", "tokens": ["a"]}',
        "tr-4111111111111111aaaabbbbccccdddd and 123e4567-e89b-12d3-a456-426614174000",
        "basic understanding of bearer certificates, risk-assessment, task-force",
        "see https://example.org:8080/a@b and user@localhost, @app.route, pkg@1.2.3",
        '{"api_key": {"type": "string", "description": "of the endpoint"}}',
        'api_key=None, password=null, \'secret\': false, "cookie": ""',
        "the key: a good night's sleep; a token of love; turkey: 3",
    ],
)
def test_text_that_only_resembles_a_secret_stays(text: str) -> None:
    assert DEFAULT_REDACTION.redact_text(text) is text


def test_the_recorded_traces_of_the_scenarios_stay(project_root: Path) -> None:
    files = sorted((project_root / "scenarios/catalog").glob("*/recorded/*.json"))
    assert len(files) > 50
    for text in {text for file in files for text in texts(json.loads(file.read_text()))}:
        assert DEFAULT_REDACTION.redact_text(text) is text
    for file in files:
        recorded = json.loads(file.read_text())
        assert DEFAULT_REDACTION.redact_value(recorded) is recorded


def test_structures_are_redacted_and_keep_their_types() -> None:
    address = "a@mail.example.org"
    placeholder = "[redacted: e-mail]"
    value = {
        address: [address, (address, 1), {address}, {"deep": {"password": 7}}],
        "n": None,
        "b": address.encode(),
    }
    assert DEFAULT_REDACTION.redact_value(value) == {
        placeholder: [
            placeholder,
            (placeholder, 1),
            {placeholder},
            {"deep": {"password": "[redacted: secret]"}},
        ],
        "n": None,
        "b": placeholder.encode(),
    }


@pytest.mark.parametrize(
    "value",
    [
        {"credentials": {"user": "hush", "more": ["hush", ("hush",)]}},
        {"name": "x-api-key", "value": "hush"},
        [["authorization", "hush"], [b"cookie", b"hush"]],
        {"apiKey": "hush", "clientSecret": "hush", "DB_PASSWORDS": ["hush"]},
        OrderedDict(access_token="hush-1234-hush"),
        json.dumps({"arguments": json.dumps({"password": ["hush", "hush"]})}),
    ],
)
def test_the_value_of_a_secret_field_is_redacted_whatever_it_looks_like(value: Any) -> None:
    assert "hush" not in str(DEFAULT_REDACTION.redact_value(value))


def test_a_card_number_stored_as_an_integer_is_redacted() -> None:
    assert DEFAULT_REDACTION.redact_value({"paid with": 4111111111111111}) == {
        "paid with": "[redacted: card number]"
    }


def test_two_keys_with_the_same_placeholder_are_both_kept() -> None:
    value = DEFAULT_REDACTION.redact_value({"a@mail.example.org": 1, "b@mail.example.org": 2})
    assert sorted(value.values()) == [1, 2]


def test_a_custom_pattern_is_added_to_the_defaults() -> None:
    redaction = DEFAULT_REDACTION.with_patterns(
        RedactionPattern("staff number", re.compile(r"\bE-\d{6}\b"))
    )
    text = redaction.redact_text("E-123456 wrote to a@mail.example.org")
    assert text == "[redacted: staff number] wrote to [redacted: e-mail]"
    assert DEFAULT_REDACTION.redact_text("E-123456") == "E-123456"


def test_a_secret_that_is_split_over_chunks_is_removed_from_each() -> None:
    chunks = ["my key is s", "k-abc", "", "defgh12", "34, and ", "no more"]
    assert DEFAULT_REDACTION.redact_chunks(chunks) == [
        "my key is [redacted: API key]", "", "", "", ", and ", "no more",
    ]  # fmt: skip


def test_a_secret_that_is_split_over_sse_frames_is_removed_from_each() -> None:
    frames = [
        f"data: {json.dumps({'choices': [{'delta': {'content': chunk}}]})}\n\n"
        for chunk in ("mail a@ma", "il.exam", "ple.org now")
    ]
    redacted = "".join(
        json.loads(frame[6:])["choices"][0]["delta"]["content"]
        for frame in DEFAULT_REDACTION.redact_chunks(frames)
    )
    assert redacted == "mail [redacted: e-mail] now"


@given(st.lists(st.one_of(WORDS, SECRETS.map(lambda secret: secret.text)), max_size=5))
def test_redaction_is_idempotent(parts: list[str]) -> None:
    redacted = DEFAULT_REDACTION.redact_text("\n".join(parts))
    assert DEFAULT_REDACTION.redact_text(redacted) == redacted


@given(WORDS, SECRETS, WORDS)
def test_no_secret_survives_in_any_context(before: str, secret: Any, after: str) -> None:
    assert secret.secret not in DEFAULT_REDACTION.redact_text(f"{before}\n{secret.text}\n{after}")


@given(SECRETS, st.integers(1, 9))
def test_no_secret_survives_in_chunks(secret: Any, size: int) -> None:
    text = f"he said {secret.text} twice"
    chunks = [text[start : start + size] for start in range(0, len(text), size)]
    assert secret.secret not in "".join(DEFAULT_REDACTION.redact_chunks(chunks))


@given(JSON)
def test_json_stays_valid_json(value: Any) -> None:
    assume(type(value) is not int)  # one that is a card number is plain text afterwards
    redacted = json.loads(DEFAULT_REDACTION.redact_text(json.dumps(value)))
    assert type(redacted) is type(value) or redacted == DEFAULT_REDACTION.redact_value(value)


@given(JSON, SECRETS)
def test_no_secret_survives_in_a_structure(value: Any, secret: Any) -> None:
    structure = {"first": value, "second": [{"text": secret.text}]}
    for redacted in (
        DEFAULT_REDACTION.redact_value(structure),
        DEFAULT_REDACTION.redact_text(json.dumps(structure)),
        DEFAULT_REDACTION.redact_text(repr(structure)),
    ):
        assert secret.secret not in str(redacted)


@given(st.text() | st.binary())
def test_redaction_keeps_the_type(value: Any) -> None:
    assert type(DEFAULT_REDACTION.redact_value(value)) is type(value)


@pytest.mark.long
@pytest.mark.parametrize(
    "part",
    [
        "key=", "@", "a@", "a.b@a.a.", "-----BEGIN PRIVATE KEY-----", "eyJ", "eyJaaaaa.", "4",
        "4111 ", "AB12 ", "A1", "AA00", "://", "://a:", "bearer ", 'password: "', '"password":',
        "\\u0040", "%40", "[", '{"a":', "\\", "sk-", "_live_", "a-", "?key=", "basic a", "\\\"",
    ],
)  # fmt: skip
def test_a_hostile_text_is_redacted_in_time(part: str) -> None:
    started = time.process_time()
    DEFAULT_REDACTION.redact_text(part * (LENGTH // len(part)))
    assert time.process_time() - started < MAX_SECONDS


def test_a_structure_that_is_too_deep_is_redacted_completely() -> None:
    value: Any = "sk-abcdefgh1234"
    for _ in range(5000):
        value = [value]
    assert DEFAULT_REDACTION.redact_value(value) == "[redacted: too deep to read]"


def test_json_that_is_too_deep_to_parse_is_redacted_as_text() -> None:
    text = "[" * 50_000 + '"sk-abcdefgh1234"' + "]" * 50_000
    assert "sk-abc" not in DEFAULT_REDACTION.redact_text(text)

"""Secrets in the forms of their issuers, and innocent text that resembles them."""

import json
import keyword
import re
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instrumentation.redaction import DEFAULT_REDACTION
from instrumentation.redaction.api_key_patterns import load_api_key_patterns

A, D, H = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYz", "0123456789", "0a1b2c3d4e5f6789"
HEX32, HEX40 = H * 2, (H * 3)[:40]
KEYS = {
    "Databricks": f"dapi{HEX32}",
    "Databricks, numbered": f"dapi{HEX32}-2",
    "Groq": f"gsk_{A}{A[:19]}",
    "Slack, app": f"xapp-1-A012BCDEFGH-1234567890123-{HEX32}{HEX32}",
    "Slack, config": f"xoxe.xoxp-1-{A}",
    "Google OAuth": f"GOCSPX-{A[:28]}",
    "Google refresh": f"1//0g{A}{A}",
    "SendGrid": f"SG.{A[:22]}.{A}{A[:10]}",
    "Vault": f"hvs.CAES{A}{A}{A}",
    "Vault, short": f"hvs.{A[:24]}",
    "Vault, batch": f"hvb.AAAA{A}{A}{A}{A}{A}",
    "xAI": f"xai-{A}{A}",
    "Replicate": f"r8_{A}",
    "Pinecone": f"pcsk_{A[:5]}_{A}",
    "NVIDIA": f"nvapi-{A}-{A}",
    "LangSmith": f"lsv2_pt_{HEX32}_{H[:10]}",
    "Perplexity": f"pplx-{A}{A[:15]}",
    "Telegram": f"110201543:AAH{A[:32]}",
    "Mailchimp": f"{HEX32}-us12",
    "Mailgun": f"key-{HEX32}",
    "Stripe": f"sk_live_{A[:24]}",
    "Stripe, restricted": f"rk_test_{A[:24]}",
    "Stripe, webhook": f"whsec_{A}",
    "DigitalOcean": f"dop_v1_{HEX32}{HEX32}",
    "Shopify": f"shpat_{HEX32}",
    "npm": f"npm_{A}{A[:3]}",
    "PyPI": f"pypi-AgEIcHlwaS5vcmc{A}{A}",
    "GitLab, runner": f"glrt-{A[:20]}",
    "GitLab, deploy": f"gldt-{A[:20]}",
    "Docker": f"dckr_pat_{A[:27]}",
    "Figma": f"figd_{A}{A[:7]}",
    "Linear": f"lin_api_{A}{A[:7]}",
    "Notion": f"ntn_{D}1{A}{A[:2]}",
    "Atlassian": f"ATATT3xFfGF0{A}{A}={H[:8]}",
    "New Relic": "NRAK-" + "ABC123DEF456GHI789JKL012MNO",
    "Postman": f"PMAK-{HEX32[:24]}-{HEX40[:34]}",
    "Grafana": f"glsa_{A[:32]}_{H[:8]}",
    "Azure": f"Ab18Q~{A[:32]}",
    "AWS": "AKIAIOSFODNN7EXAMPLE",
    "Airtable": f"pat{A[:14]}.{HEX32}{HEX32}",
    "Doppler": f"dp.pt.{A}{A[:10]}",
    "Hugging Face": f"hf_{A}",
    "age": "AGE-SECRET-KEY-1" + ("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" * 2)[:58],
}
CONTEXTS = (
    "{}",
    "the key is {}.",
    '{{"value": "{}"}}',
    "k={},",
    "({})",
    "https://h.example/x/{}/y",
)


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("issuer", KEYS)
def test_a_key_is_redacted_by_its_form(issuer: str, context: str) -> None:
    key = KEYS[issuer]
    redacted = DEFAULT_REDACTION.redact_text(context.format(key))
    assert redacted.startswith(context.partition("{}")[0].replace("{{", "{"))
    assert "[redacted: " in redacted
    assert not [key[at : at + 8] for at in range(len(key) - 8) if key[at : at + 8] in redacted]


@pytest.mark.parametrize(
    "pattern",
    [
        one
        for one in load_api_key_patterns()
        # Hypothesis takes minutes for hundreds of characters, and reads nothing backwards.
        if not re.search(r"\{\d{3}", str(one.regex)) and one.before_regex is None
    ],
    ids=lambda pattern: pattern.anchors[0].decode(),
)
@settings(max_examples=2, database=None, deadline=None)
@given(data=st.data())
def test_each_pattern_of_a_key_finds_what_it_describes(pattern: Any, data: st.DataObject) -> None:
    key = data.draw(st.from_regex(re.compile(pattern.regex, re.ASCII), fullmatch=True))
    if pattern.match_length(key):
        assert "[redacted: " in DEFAULT_REDACTION.redact_text(f"it is {key} now")


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("https://hooks.slack.com/services/T0/B0/x1y2", "https://hooks.slack.com/services/@webhook"),
        (f"discord.com/api/webhooks/123/{A}", "discord.com/api/webhooks/@webhook"),
        (f"discordapp.com/api/v10/webhooks/1/{A}", "discordapp.com/api/v10/webhooks/@webhook"),
        ("login --password hunter2 --user ann", "login --password @secret --user ann"),
        ("login --api-key='a b' now", "login --api-key='@secret' now"),
        ("run --token aB3dE5fG7h", "run --token @secret"),
        ("curl -u ann:hunter2 https://h.example", "curl -u ann:@password https://h.example"),
        ("curl -s \\\n -X P --user 'ann:x' h", "curl -s \\\n -X P --user 'ann:@password' h"),
        ("curl -uann:hunter2 h", "curl -uann:@password h"),
        ("mysql -u root -phunter2 db", "mysql -u root -p@password db"),
        ("sshpass -p hunter2 ssh h", "sshpass -p @password ssh h"),
        ("docker login -u ann -p hunter2 h", "docker login -u ann -p @password h"),
        ("machine h login ann password hunter2", "machine h login ann password @password"),
        ("<ns:Password>hunter2</ns:Password>", "<ns:Password>@password</ns:Password>"),
        ("the password is hunter2, thanks", "the password is @password, thanks"),
        ("export DB_PASS=hunter2 X=1", "export DB_PASS=@secret X=1"),
        ("DB_PASS=hunter", "DB_PASS=@secret"),
        ("smtp_pass: hunter2!", "smtp_pass: @secret"),
        ("postgres://ann:sec/ret@h/d", "postgres://ann:@password@h/d"),
        ("postgres://ann:p@sec/ret@db:5432/d", "postgres://ann:@password@db:5432/d"),
        ("redis://:a/b/c@h:6379/0", "redis://:@password@h:6379/0"),
        ("mysql+pymysql://a:b?c#d@h", "mysql+pymysql://a:@password@h"),
        ("host=h user=a password=hunter2 dbname=d", "host=h user=a password=@secret dbname=d"),
        ("4111.1111.1111.1111", "@card number"),
        ("4111\u20091111\u20091111\u20091111", "@card number"),
        ("4111\u202f1111\u202f1111\u202f1111 x", "@card number x"),
        ("3782.822463.10005", "@card number"),
        ("4111\u20111111\u20111111\u20111111", "@card number"),
        ("de89370400440532013000", "@IBAN"),
        ("iban: gb29 nwbk 6016 1331 9268 19.", "iban: @IBAN."),
        ("DE89.3704.0044.0532.0130.00", "@IBAN"),
        ("[('authorization', 'Token hush')]", "[('authorization', '@secret')]"),
        ("[(b'x-api-key', b'hush'), (b'a', b'h')]", "[(b'x-api-key', b'@secret'), (b'a', b'h')]"),
        ("[['cookie', 'a=hush'], ['x', 'y']]", "[['cookie', '@secret'], ['x', 'y']]"),
        ("['--password', 'hush', '-v']", "['--password', '@secret', '-v']"),
        ("?key=aB3dE5fG7h&q=1", "?key=@token&q=1"),
        ("?token=qu3ried0042", "?token=@secret"),
        ("?code=4%2F0AX4XfWh7aB3dE5fG7h", "?code=@token"),
    ],
)  # fmt: skip
def test_only_the_secret_part_is_redacted(text: str, redacted: str) -> None:
    expected = re.sub(
        r"@(webhook|secret|password|card number|IBAN|token)", r"[redacted: \1]", redacted
    )
    assert DEFAULT_REDACTION.redact_text(text) == expected


def test_the_value_after_an_option_in_a_list_is_redacted() -> None:
    arguments = ["login", "--password", "hush", "--user", "ann", "--token", "--verbose"]
    redacted = DEFAULT_REDACTION.redact_value({"arguments": arguments})
    assert redacted["arguments"][2] == "[redacted: secret]"
    assert redacted["arguments"][3:] == arguments[3:]


INNOCENT = [
    "serial SN12 ABCD 1234 5678 90",
    "id 4532015112830366123 and 1763744000000000000",
    '{"id": 4532015112830366}',
    '{"ids": [4532015112830366, 4111111111111111], "user_id": "4111111111111111"}',
    "order_id=4532015112830366, userId: 4111111111111111",
    "git@github.com:org/repo.git, ssh://git@github.com/org/repo, deploy@h.example.org:srv/x",
    "logo@2x.png icon@3x.jpg photo@1.5x.webp bundle@latest.js lib@1.2.3.tgz",
    "y = x@self.weight + q@k.transpose(0, 1) @ a.b.values",
    "?key=population&code=US ?key=row_2024 ?code=404 ?key=reports.csv ?token=next ?auth=basic",
    "?key=population_total_2023&code=NY.GDP.MKTP.CD",
    "PWD=/home/me/p OLDPWD=/tmp PWD=C:\\Users\\me",
    "def f(password: str, api_key: str | None = None, token: Optional[str] = None) -> None:",
    "password = os.environ['DB'], api_key=os.getenv('K'), password=password, secret=self.secret",
    "password = getpass.getpass(), api_key = load_key(), password: string; token?: string",
    "the password is required, your password is wrong, <password></password>, run -p 8080",
    "the login fails if the password is changed, <token>end</token>, <password/>",
    "a0b1c2d3-0546-404b-be65-cb3e9e5ec5b6 A0B1C2D3-0546-404B-BE65-CB3E9E5EC5B6",
    "api_key: ${API_KEY}, password={{ password }}, secret: $SECRET, password=%(password)s",
    "password: required, the password: ****, --password <password>, api_key=...",
    "max_token: 100000000, tokens=12345678, token_count: 1,234,567",
    '{"required": ["password", "email"], "properties": {"password": {"type": "string"}}}',
    "bypass: 12, compass=north1, tests_pass: 12, bus pass: monthly, pass: true",
    "docker run -u 1000:1000 image, non-uniform, curl -s https://h.example:8080/a@b",
    "http://localhost:3000/user@example, https://h.example/a:b/c@d, [::1]:8080",
    "sk-learn, sk-toggleable__label, task_test_configuration, disk_live_migration_x",
    "npm_config_registry_something_else_long, hf_hub_download, xoxo, sg.example.org",
    "sha256-de89370400440532013001, commit de8937040044053201300012345678901234abcd",
    "1.2.3.4 4111.1111 2022.2023.2024.2025 12.345.678,90",
    "10.1000/182 978-3-16-148410-0 ISBN 9783161484100 2024-01-02T03:04:05Z",
]


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_text_stays(text: str) -> None:
    assert DEFAULT_REDACTION.redact_text(text) == text


@pytest.mark.parametrize(
    "value",
    [
        {"id": 4532015112830366, "parent_id": "4111111111111111", "ids": [4111111111111111]},
        {"PWD": "/home/me/p", "max_token": 100000000, "timestamp": 4111111111111111},
        {"required": ["password", "token"], "header": ["x-request-id", "a"]},
        {"n": 4532015112830366123, "key": "population", "code": "US"},
    ],
)
def test_innocent_values_stay(value: Any) -> None:
    assert DEFAULT_REDACTION.redact_value(value) is value
    assert DEFAULT_REDACTION.redact_text(json.dumps(value)) == json.dumps(value)
    assert DEFAULT_REDACTION.redact_text(repr(value)) == repr(value)


UUIDS = st.binary(min_size=16, max_size=16).map(lambda data: str(UUID(bytes=data, version=4)))
DIGIT_UUIDS = st.lists(st.sampled_from("0123456789" * 3 + "abcdef"), min_size=32, max_size=32).map(
    lambda digits: str(UUID("".join(digits)))
)
IDS = st.integers(10**16, 10**19 - 1).map(str) | st.text(
    "0123456789abcdef", min_size=40, max_size=40
)
WORDS = st.sampled_from(
    [word for word in (*keyword.kwlist, *sys.stdlib_module_names) if not word.startswith("_")]
)
FILE_NAMES = st.builds(
    lambda words, joint, number, suffix: f"{joint.join(words)}{number}.{suffix}",
    st.lists(WORDS, min_size=1, max_size=4),
    st.sampled_from(["-", "_", ".", "/", "@"]),
    st.sampled_from(["", "2", "_v12", "-2024-01-02", "@2x", " (1)"]),
    st.sampled_from(["png", "csv", "json", "tar.gz", "yaml", "js", "log"]),
)


@settings(max_examples=500)
@given(UUIDS | DIGIT_UUIDS | IDS | FILE_NAMES, st.sampled_from(["{}", "x {}, y", '"{}"', "/a/{}"]))
def test_ids_and_file_names_stay(text: str, context: str) -> None:
    assert DEFAULT_REDACTION.redact_text(context.format(text)) == context.format(text)


@pytest.mark.parametrize("folder", ["scenarios/expectations", "workflows", "instrumentation/steps"])
def test_source_code_stays(folder: str, project_root: Path) -> None:
    for path in (project_root / folder).rglob("*.py"):
        text = path.read_text()
        assert DEFAULT_REDACTION.redact_text(text) == text


HOSTILE = (
    "curl ", "curl -u ", "--password ", "--password", "mysql -u ", "discord", "1:AA", "a-us1",
    "pat", "@2x.", "a@1.", "://a:b/", "://a:/@", "?token=1", "&key=a1", "pass=", "'--token', ",
    "x-key', '", "4111.", "aa00", "de89 ", "id: 4", "dapi", "sk-container", "[(b'x-a-key', ",
    "password: str ",
)  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("part", HOSTILE)
def test_a_hostile_text_is_redacted_in_time(part: str) -> None:
    started = time.process_time()
    DEFAULT_REDACTION.redact_text(part * (100_000 // len(part)))
    assert time.process_time() - started < 4


@pytest.mark.parametrize("name", ["X Kéy", "x-añy", "", "a:b", "\ud800", 'a"b', "x-weather"])
def test_the_headers_of_an_mcp_server_are_redacted_whatever_their_names(name: str) -> None:
    server = {"type": "mcp", "server_label": "s", "headers": {"x-first": "9", name: A}}
    request = {"input": "hi", "tools": [server, {"type": "function", "headers": {"a": "kept"}}]}
    (tool, function) = DEFAULT_REDACTION.redact_value(request)["tools"]
    assert list(tool["headers"].values()) == [DEFAULT_REDACTION.field_placeholder] * 2
    assert function["headers"] == {"a": "kept"}
    for text in (json.dumps(request), json.dumps(json.dumps(request)), repr(request)):
        redacted = DEFAULT_REDACTION.redact_text(text)
        assert A not in redacted
        assert DEFAULT_REDACTION.redact_text(redacted) == redacted
    cut_off = json.dumps(request).partition(A)[0] + A[:20] + "..."
    assert A[:19] not in DEFAULT_REDACTION.redact_text(cut_off)

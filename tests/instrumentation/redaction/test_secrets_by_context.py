"""Secrets that only their context shows, and innocent text in the same context."""

import base64
import json
from typing import Any

import pytest

from instrumentation.redaction import DEFAULT_REDACTION

A, H, W = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYz", "0a1b2c3d4e5f6789", "hunter2x"
PAIR = base64.b64encode(b"ann:hunter2x").decode()
PEM = """-----BEGIN RSA PRIVATE KEY-----
{0}MIIEpAIBAAKCAQEA7bq
{0}ZzTop0fTheBody12
{0}-----END RSA PRIVATE KEY-----"""
SEED = "legal winner thank year wave sausage worth useful legal winner thank yellow"

PERSONAL_NUMBERS = {
    "219-09-9997": (
        "SSN: @", "ssn=@", "my SSN is @", "Social Security number: @", "SSN# @", "SSN:\n@",
        '{"social_security_number": "@"}', "the SSN (@) is valid", "SSN of the customer: @",
        "My social is @", "**SSN:** @", "| SSN | @ |", "patientSsn: @",
    ),
    "219099997": ("SSN @", '{"ssn": "@"}', "ssn is @"),
    "4827": (
        "PIN: @", "my PIN is @", "the pin code is @", "card PIN @", '{"pin": "@"}', '{"pin": @}',
        "PIN-Code: @", "Meine PIN ist @", "mon code PIN est @", "user_pin: @", "{'pin_code': '@'}",
    ),
    "482913": (
        "OTP: @", "Your one-time code is @", "verification code: @", "MFA code @", "--otp @",
        "@ is your verification code", "Use @ as your login code", '{"otp_code": "@"}',
        '{"verificationCode": @}', "Einmalcode lautet @", "Best\u00e4tigungscode: @", "TAN: @",
        "code de v\u00e9rification est @", "c\u00f3digo de verificaci\u00f3n es @",
        "One-time passcode @",
    ),
    "+49 30 901820": ("call him at @ please", '{"from": "@"}', "tel:@"),
    "+1 (415) 555-2671": ("@", "from @, twice", '["@"]'),
    "+14155552671": ("@", "whatsapp:@"),
    "(415) 555-2671": ("phone: @", "my number is @", "call @"),
    "030 901820": ("Tel. @", "phone: @", "T\u00e9l\u00e9phone : @", '{"contactPhone": "@"}'),
    "06 12 34 56 78": ("mobile @", "fax: @"),
    "4155552671": ('{"phone": "@"}', '{"phone_number": @}', "phone=@"),
}  # fmt: skip
SECRETS = {
    W: (
        "Settings(api_key=SecretStr('@'))", "ENV DB_PASSWORD @", "setx API_KEY @", "pw: @",
        "- name: DB_PASSWORD\n  value: @", "password: |\n  @\n", "password: !!str @",
        "password = '''@'''", 'password = """@"""', '<add key="Password" value="@" />',
        "<password><![CDATA[@]]></password>", '<password encrypted="no">@</password>',
        '<string name="api_key">@</string>', "<key>password</key><string>@</string>",
        "&lt;password&gt;@&lt;/password&gt;", "jdbc:oracle:thin:scott/@@h:1521/x",
        "CREATE USER ann IDENTIFIED BY '@'", "ALTER USER ann WITH PASSWORD '@';",
        "curl -b 'session=@' https://h", "http -a ann:@ h", "openssl enc -k @", "zip -P @ a.zip",
        "aws configure set aws_secret_access_key @", "ldapsearch -w @", "Kennwort: @",
        "das Passwort lautet @", "Mot de passe : @", "le mot de passe est @", "Contrase\u00f1a: @",
        "la contrase\u00f1a es @", "senha: @", "wachtwoord: @", "username ann, password @",
        "use password '@'", "my password's @", "**Password:** @", "`password`: `@`",
        "\x1b[31mpassword\x1b[0m: @", "requests.get(u, auth=('ann', '@'))", "ADMIN_PW=@",
        '{"auth": ["ann", "@"]}', "secret is @", "OPENAI_API_KEY is @",
    ),
    "MIIEpAIBAAKCAQEA7bq\nZzTop0fTheBody12": (PEM.format(""),),
    "MIIEpAIBAAKCAQEA7bq": (PEM.format("> "), PEM.format("# "), PEM.format("+")),
    "ZzTop0fTheBody12": (
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nComment: (x.org)\n\n@\n"
        "-----END PGP PRIVATE KEY BLOCK-----",
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: \"x\"\n@\n"
        "---- END SSH2 ENCRYPTED PRIVATE KEY ----",
        "Private-Lines: 1\n@\nPrivate-MAC: 0",
    ),
    PAIR: ("auth=@", "_auth=@", '{"auth": "@"}'),
    H * 2: (
        'Digest username="ann", response="@"', "fc-@", "token @ was refused", "PHPSESSID=@",
    ),
    SEED: ("seed phrase: @", '{"mnemonic": "@"}'),
    A + A[:20]: ("pa-@", "llx-@", "EAAB@", "apify_api_@", "napi_@"),
    "8c1f5e2d-3b4a-4c6d-9e8f-0a1b2c3d4e5f": ("pat-na1-@", "access-sandbox-@"),
}  # fmt: skip
CASES = [
    (text.replace("@", secret, 1) if "@@" not in text else text.replace("@@", f"{secret}@"), secret)
    for group in (PERSONAL_NUMBERS, SECRETS)
    for secret, texts in group.items()
    for text in texts
]


@pytest.mark.parametrize(("text", "secret"), CASES, ids=range(len(CASES)))
def test_a_secret_is_redacted_by_its_context(text: str, secret: str) -> None:
    wrapped = {"args": json.dumps({"text": text}, ensure_ascii=False)}
    chunks = [text[at : at + 3] for at in range(0, len(text), 3)]
    for redacted in (
        DEFAULT_REDACTION.redact_text(f"before\n{text}\nafter"),
        DEFAULT_REDACTION.redact_value(wrapped)["args"],
        "".join(DEFAULT_REDACTION.redact_chunks(chunks)),
    ):
        assert "[redacted: " in redacted
        assert secret not in redacted
        assert DEFAULT_REDACTION.redact_text(redacted) == redacted


@pytest.mark.parametrize(
    ("value", "redacted"),
    [
        ({"pin": 4827, "n": 4827}, {"pin": "[redacted: PIN]", "n": 4827}),
        ({"phones": 2, "phone": 4155552671}, {"phones": 2, "phone": "[redacted: phone]"}),
        ({"user": {"ssn": "219099997"}}, {"user": {"ssn": "[redacted: SSN]"}}),
        ({"phone": ["030 901820", "(415) 555-2671"]}, {"phone": ["[redacted: phone]"] * 2}),
    ],
)
def test_a_number_is_redacted_by_the_name_of_its_field(value: Any, redacted: Any) -> None:
    assert DEFAULT_REDACTION.redact_value(value) == redacted
    assert json.loads(DEFAULT_REDACTION.redact_text(json.dumps(value))) == redacted


INNOCENT = (
    "secrets: inherit", "credentials: include", 'fetch(u, {credentials: "same-origin"})',
    '"The secret: patience"', "Her secret: she never slept", "cookies: accepted", "cookie: strict",
    "API_KEY=your-api-key-here", "api_key: YOUR_API_KEY", 'api_key="not-needed"',
    "password=changeme",
    "OPENAI_API_KEY=sk-...", "OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxx", 'api_key="ollama"',
    "Password: minimum 8 characters", "Reset password: click here",
    "password: not set", "password: n/a",
    "error: password: field required", "Passwort: erforderlich", "password: !vault |",
    "password: -",
    "if (password === confirmPassword) {", "if password == other:", 'password := os.Getenv("P")',
    "secret: Buffer = crypto.randomBytes(32)", '{"password": "string"}',
    '{"password": "********"}',
    'client_secret: "{{ client_secret }}"', "api_key: os.environ/OPENAI_API_KEY",
    'curl -H "Authorization: Bearer $TOKEN" h', "Authorization: Bearer <token>", "curl -u $U:$P h",
    "postgresql://{user}:{password}@{host}/{db}", "password: op://vault/item/password",
    '<label for="password">Password:</label>', "a surface identified by 'surfaceId'",
    "order 123-45-6789", "SSN 571", "(SSN: S119)", '"ssn": "string"', "SSN: required",
    "LED_PIN=13", "pin: v1.2.3", "pin_memory=True", "spin: 2024", '{"pin": 13}', "pinned: 2024",
    "error code: 123456", "exit code 137", "zip code: 94105", "HS code 847130", '{"code": 123456}',
    "OTP 26.2 (Erlang)", "one-time cost of 250000", "482913 is your order", "OTP: one-time pad",
    "48.8566, 2.3522", "-33.8688, +151.2093", "+37.7749-122.4194/", "+52.520008 +13.404954",
    "+12345.678", "+1763744000123", "+100000000", "a + 12345678901", "2024-01-02 03:04:05 +0100",
    "+2024-01-02 10:30:00 x", "@@ -123,45 +6789,12 @@", "+2.34567890123e+05",
    "phone: iPhone 15 Pro", "mobile: 1024x768", "mobile 320 480 768", "cell 3: 1234567",
    "mobile revenue: 123456789", "call 12345678 failed", "telephone bill 2024",
    "900-123-4567 items",
    '{"user_id": "2125551234"}', "smartphones: 1234567890", "10.0.0.1:8080", "555-1234",
    "token next", "password sha256-hash", "password 12-character limit",
    "sk_live_migration", "pa-rallel", "access-control-allow-origin", "re_compile_all_things",
)  # fmt: skip


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_text_stays(text: str) -> None:
    assert DEFAULT_REDACTION.redact_text(text) == text
    assert DEFAULT_REDACTION.redact_value({"text": text}) == {"text": text}

"""Secrets to plant in spans and to search for afterwards: one of each kind, all different."""

import base64
from dataclasses import dataclass

PRIVATE_KEY_TEMPLATE = "-----BEGIN PRIVATE KEY-----\nMIIEv{}Qw\n-----END PRIVATE KEY-----"


@dataclass(frozen=True)
class PlantedSecret:
    """A text that contains a secret, and the part that must not appear anywhere."""

    text: str
    secret: str


def plant_secrets(number: int) -> dict[str, PlantedSecret]:
    """Create one secret of each kind; each number from 0 to 9999 gives different ones."""
    digits = f"{number:04}"
    credentials = base64.b64encode(f"ann:swordfish{digits}".encode()).decode()
    claims = f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI{digits}In0.c2lnbmF0dXJl{digits}"
    card = _with_luhn_digit(f"4111{digits}2222333")
    card_with_dashes = _in_groups_of_four(_with_luhn_digit(f"5500{digits}0000000"), "-")
    account = _make_iban("DE", f"37040044{digits}532013")
    kinds = {
        "OpenAI": f"sk-proj-Ab{digits}Cd_Ef-Gh12",
        "Anthropic": f"sk-ant-api03-Zz{digits}yyXX",
        "AWS": f"AKIAIOSF{digits}EXAMPLEQ"[:20],
        "GitHub": f"ghp_{digits}16C7e42F292c6912E7710c838347",
        "GitHub, fine-grained": f"github_pat_11A{digits}0Y_abcdefghijklmnop",
        "Google": f"AIzaSyD-{digits}9tSrke72PouQMnMX-a7eZSW0jkF",
        "Slack": f"xoxb-{digits}12345-abcdefABCDEF",
        "Tavily": f"tvly-dev-{digits}abcdEFGH",
        "Hugging Face": f"hf_{digits}abcdefghijklmnopQRST",
        "JWT": claims,
        "card": card,
        "card, grouped": _in_groups_of_four(card, " "),
        "card, dashes": card_with_dashes,
        "IBAN": account,
        "e-mail": f"ann{digits}@mail.example.org",
    }
    secrets = {kind: PlantedSecret(f"it is {text}, they say", text) for kind, text in kinds.items()}
    return secrets | {
        "private key": PlantedSecret(PRIVATE_KEY_TEMPLATE.format(digits), f"MIIEv{digits}Qw"),
        "Bearer": PlantedSecret(f"sent Bearer b3arer{digits}opaque", f"b3arer{digits}opaque"),
        "Basic": PlantedSecret(f"sent Basic {credentials}", credentials),
        "header": PlantedSecret(
            f"Authorization: Custom cust0m{digits}\r\nHost: x", f"cust0m{digits}"
        ),
        "query": PlantedSecret(
            f"GET https://x.example/?a=1&token=qu3ried{digits}&b=2", f"qu3ried{digits}"
        ),
        "address": PlantedSecret(
            f"postgres://ann:t0wnhall{digits}@db.example/x", f"t0wnhall{digits}"
        ),
        "JSON": PlantedSecret(f'{{"password": "pl4in {digits} words"}}', f"pl4in {digits} words"),
        "JSON in JSON": PlantedSecret(
            f'{{"a": "{{\\"api_key\\": \\"n3sted{digits}\\"}}"}}', f"n3sted{digits}"
        ),
        "escaped": PlantedSecret(
            f'{{"to": "escaped{digits}\\u0040mail.example.org"}}', f"escaped{digits}"
        ),
        "percent": PlantedSecret(
            f"https://x.example/?to=percent{digits}%40mail.example.org", f"percent{digits}"
        ),
        "code": PlantedSecret(
            f"connect(client_secret='c0deword{digits}', retries=2)", f"c0deword{digits}"
        ),
    }


def _with_luhn_digit(digits: str) -> str:
    """Append the check digit."""
    doubled = [
        int(digit) * (2 if position % 2 == 0 else 1) for position, digit in enumerate(digits[::-1])
    ]
    total = sum(value // 10 + value % 10 for value in doubled)
    return digits + str(-total % 10)


def _in_groups_of_four(digits: str, separator: str) -> str:
    return separator.join(digits[start : start + 4] for start in range(0, len(digits), 4))


def _make_iban(country: str, account: str) -> str:
    """Prepend the country and the check digits to an account number."""
    rearranged = "".join(str(int(character, 36)) for character in f"{account}{country}00")
    return f"{country}{98 - int(rearranged) % 97:02}{account}"

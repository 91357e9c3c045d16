"""Planted secrets: one of each kind, another one at each place, to be looked for afterwards."""

import base64
from dataclasses import dataclass

PRIVATE_KEY_TEMPLATE = "-----BEGIN PRIVATE KEY-----\nMIIEv{}Qw\n-----END PRIVATE KEY-----"


@dataclass(frozen=True)
class PlantedSecret:
    """A text that holds a secret, and the part of it that must be nowhere."""

    text: str
    secret: str


def plant_secrets(number: int) -> dict[str, PlantedSecret]:
    """One secret of each kind, by kind; another number, from 0 to 9999, gives others."""
    mark = f"{number:04}"
    user = base64.b64encode(f"ann:swordfish{mark}".encode()).decode()
    claims = f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI{mark}In0.c2lnbmF0dXJl{mark}"
    card = _with_luhn_digit(f"4111{mark}2222333")
    dashes = _in_groups_of_four(_with_luhn_digit(f"5500{mark}0000000"), "-")
    account = _make_iban("DE", f"37040044{mark}532013")
    kinds = {
        "OpenAI": f"sk-proj-Ab{mark}Cd_Ef-Gh12",
        "Anthropic": f"sk-ant-api03-Zz{mark}yyXX",
        "AWS": f"AKIAIOSF{mark}EXAMPLEQ"[:20],
        "GitHub": f"ghp_{mark}16C7e42F292c6912E7710c838347",
        "GitHub, fine-grained": f"github_pat_11A{mark}0Y_abcdefghijklmnop",
        "Google": f"AIzaSyD-{mark}9tSrke72PouQMnMX-a7eZSW0jkF",
        "Slack": f"xoxb-{mark}12345-abcdefABCDEF",
        "Tavily": f"tvly-dev-{mark}abcdEFGH",
        "Hugging Face": f"hf_{mark}abcdefghijklmnopQRST",
        "JWT": claims,
        "card": card,
        "card, grouped": _in_groups_of_four(card, " "),
        "card, dashes": dashes,
        "IBAN": account,
        "e-mail": f"ann{mark}@mail.example.org",
    }
    whole = {kind: PlantedSecret(f"it is {text}, they say", text) for kind, text in kinds.items()}
    return whole | {
        "private key": PlantedSecret(PRIVATE_KEY_TEMPLATE.format(mark), f"MIIEv{mark}Qw"),
        "Bearer": PlantedSecret(f"sent Bearer b3arer{mark}opaque", f"b3arer{mark}opaque"),
        "Basic": PlantedSecret(f"sent Basic {user}", user),
        "header": PlantedSecret(f"Authorization: Custom cust0m{mark}\r\nHost: x", f"cust0m{mark}"),
        "query": PlantedSecret(
            f"GET https://x.example/?a=1&token=qu3ried{mark}&b=2", f"qu3ried{mark}"
        ),
        "address": PlantedSecret(f"postgres://ann:t0wnhall{mark}@db.example/x", f"t0wnhall{mark}"),
        "JSON": PlantedSecret(f'{{"password": "pl4in {mark} words"}}', f"pl4in {mark} words"),
        "JSON in JSON": PlantedSecret(
            f'{{"a": "{{\\"api_key\\": \\"n3sted{mark}\\"}}"}}', f"n3sted{mark}"
        ),
        "escaped": PlantedSecret(
            f'{{"to": "escaped{mark}\\u0040mail.example.org"}}', f"escaped{mark}"
        ),
        "percent": PlantedSecret(
            f"https://x.example/?to=percent{mark}%40mail.example.org", f"percent{mark}"
        ),
        "code": PlantedSecret(
            f"connect(client_secret='c0deword{mark}', retries=2)", f"c0deword{mark}"
        ),
    }


def _with_luhn_digit(digits: str) -> str:
    """The digits with their check digit behind them."""
    doubled = [
        int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(digits[::-1])
    ]
    total = sum(value // 10 + value % 10 for value in doubled)
    return digits + str(-total % 10)


def _in_groups_of_four(digits: str, between: str) -> str:
    return between.join(digits[at : at + 4] for at in range(0, len(digits), 4))


def _make_iban(country: str, account: str) -> str:
    """The account with its country and its check digits before it."""
    turned = "".join(str(int(character, 36)) for character in f"{account}{country}00")
    return f"{country}{98 - int(turned) % 97:02}{account}"

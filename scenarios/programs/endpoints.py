"""Find the endpoints that a program calls, and the environment variables that redirect it.

A client finds its endpoint in an environment variable. While a program is recorded or replayed, the
variable holds an address on 127.0.0.1: `http://127.0.0.1:PORT` and the endpoint's mount.

    OPENAI_BASE_URL, OPENAI_API_BASE   /v1        OpenAI, and everything that speaks its API
    AZURE_OPENAI_ENDPOINT              /azure     if it is set when the program is recorded
    NAME_BASE_URL                      /name      each service NAME, such as tavily
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from patches.mlflow.store.store_address import hide_credentials
from scenarios.recording.endpoint import Endpoint
from scenarios.reports.wording import list_words
from scenarios.tape.header import TapeHeader

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_MOUNT = "/v1"
OPENAI_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE")
AZURE = "azure"
AZURE_VARIABLES = ("AZURE_OPENAI_ENDPOINT",)
SERVICE_URLS = {"tavily": "https://api.tavily.com"}
"""Services that are recorded without being named."""
KEY_VARIABLES = {
    "OPENAI_BASE_URL": "OPENAI_API_KEY",
    "AZURE_OPENAI_ENDPOINT": "AZURE_OPENAI_API_KEY",
    "TAVILY_BASE_URL": "TAVILY_API_KEY",
}
"""A client refuses to start without its key, which replay does not need."""
PLACEHOLDER_KEY = "taped"
LOCAL_ADDRESSES = "127.0.0.1,localhost"
SERVICE_NAME = re.compile(r"[a-z][a-z0-9_-]*")


class InvalidServiceError(ValueError):
    """The name or the address of a service cannot be used."""


@dataclass(frozen=True)
class ProgramEndpoints:
    """The endpoints that are recorded, and by variable the mount that it points to."""

    endpoints: tuple[Endpoint, ...]
    mounts: Mapping[str, str]


def find_endpoints(upstream: str | None, services: Mapping[str, str]) -> ProgramEndpoints:
    """Return the endpoints of a program that is recorded.

    Args:
        upstream: The base URL of the model's endpoint; by default `OPENAI_BASE_URL`, or OpenAI's.
        services: Addresses of outside services, by name.

    Raises:
        InvalidServiceError: A name or an address cannot be used.
    """
    openai = upstream or _first(OPENAI_VARIABLES) or OPENAI_URL
    _require_url("upstream", openai)
    endpoints = [Endpoint(OPENAI_MOUNT, openai)]
    mounts = dict.fromkeys(OPENAI_VARIABLES, OPENAI_MOUNT)
    azure = services.get(AZURE) or _first(AZURE_VARIABLES)
    if azure:
        _require_url(AZURE, azure)
        endpoints.append(Endpoint(f"/{AZURE}", azure))
        mounts |= dict.fromkeys(AZURE_VARIABLES, f"/{AZURE}")
    for name, default in (SERVICE_URLS | dict(services)).items():
        if name == AZURE:
            continue
        if not SERVICE_NAME.fullmatch(name) or name == OPENAI_MOUNT.removeprefix("/"):
            raise InvalidServiceError(
                f"a service's name has small letters, digits, - and _, not {name!r}"
            )
        variable = service_variable(name)
        url = default if name in services else os.environ.get(variable) or default
        _require_url(name, url)
        endpoints.append(Endpoint(f"/{name}", url, lane=name))
        mounts[variable] = f"/{name}"
    return ProgramEndpoints(tuple(endpoints), mounts)


def service_variable(name: str) -> str:
    """Return the environment variable that holds the address of a service."""
    return f"{name.upper().replace('-', '_')}_BASE_URL"


def program_environment(server_url: str, mounts: Mapping[str, str]) -> dict[str, str]:
    """Return the variables to set for a program, so that its clients use the server.

    Proxies that the environment names are not used for the server.
    """
    own = {variable: f"{server_url}{mount}" for variable, mount in mounts.items()}
    for variable in ("NO_PROXY", "no_proxy"):
        before = os.environ.get(variable)
        own[variable] = f"{before},{LOCAL_ADDRESSES}" if before else LOCAL_ADDRESSES
    return own


def placeholder_keys(mounts: Mapping[str, str]) -> dict[str, str]:
    """Return a placeholder for each key that a client needs and the environment lacks."""
    return {
        key: PLACEHOLDER_KEY
        for variable, key in KEY_VARIABLES.items()
        if variable in mounts and not os.environ.get(key)
    }


def header_mounts(header: TapeHeader) -> Mapping[str, str]:
    """Return the variables that a tape's header names; without one, those of OpenAI."""
    return header.endpoints or dict.fromkeys(OPENAI_VARIABLES, OPENAI_MOUNT)


def parse_services(texts: list[str]) -> dict[str, str]:
    """Parse `NAME=URL`, each the address of a service. Raises `InvalidServiceError`."""
    services = {}
    for text in texts:
        name, has_url, url = text.partition("=")
        if not has_url:
            raise InvalidServiceError(
                f"--service expects NAME=URL, e.g. tavily=https://api.tavily.com; got {text!r}"
                f" (known without a URL: {list_words(tuple(SERVICE_URLS))})"
            )
        services[name] = url
    return services


def _first(variables: tuple[str, ...]) -> str | None:
    return next((os.environ[name] for name in variables if os.environ.get(name)), None)


def _require_url(name: str, url: str) -> None:
    address = hide_credentials(url, url)
    if not url.startswith(("http://", "https://")):
        raise InvalidServiceError(f"{name}: {address!r} does not begin with http:// or https://")
    try:
        host = httpx.URL(url).host and urlsplit(url).hostname
    except (httpx.InvalidURL, ValueError) as error:
        raise InvalidServiceError(f"{name}: {address!r} is not a URL: {error}") from error
    if not host:
        raise InvalidServiceError(f"{name}: {address!r} names no host, e.g. {OPENAI_URL}")

"""Tavily's clients use the address in the environment, unless the program names one."""

from collections.abc import Generator
from typing import Any

import pytest
from tavily import AsyncTavilyClient, TavilyClient  # type: ignore[import-untyped]  # it ships no annotations

from patches.patch import apply_patches
from patches.tavily.base_url import BASE_URL_VARIABLE, PATCH

ADDRESS = "http://127.0.0.1:9/tavily"


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BASE_URL_VARIABLE, ADDRESS)


@pytest.fixture
def patched() -> Generator[None]:
    with apply_patches(PATCH) as (outcome,):
        assert outcome.is_applied
        yield


def base_urls(**arguments: Any) -> list[str]:
    """The addresses of a new synchronous and a new asynchronous client."""
    clients = TavilyClient("key", **arguments), AsyncTavilyClient("key", **arguments)
    return [clients[0].base_url, str(clients[1]._api_base_url)]


@pytest.mark.xfail(raises=AssertionError, strict=True, reason="tavily.base_url is needed")
def test_upstream_tavily_reads_its_address_from_the_environment() -> None:
    assert base_urls() == [ADDRESS] * 2


@pytest.mark.usefixtures("patched")
def test_the_address_comes_from_the_environment() -> None:
    assert base_urls() == [ADDRESS] * 2


@pytest.mark.usefixtures("patched")
def test_an_address_that_the_program_passes_comes_first() -> None:
    own = "http://127.0.0.1:9/own"
    assert base_urls(api_base_url=own) == [own] * 2
    assert TavilyClient("key", None, own).base_url == own


@pytest.mark.usefixtures("patched")
def test_without_the_variable_the_address_is_tavilys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BASE_URL_VARIABLE)
    assert base_urls() == ["https://api.tavily.com"] * 2


def test_the_patch_is_undone() -> None:
    with apply_patches(PATCH):
        pass
    assert ADDRESS not in base_urls()

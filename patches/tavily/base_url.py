"""Let Tavily's clients use the address in TAVILY_BASE_URL, as OpenAI's use OPENAI_BASE_URL.

An `api_base_url` that the program passes itself comes first.
"""

import inspect
import os
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any

from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block

BASE_URL_VARIABLE = "TAVILY_BASE_URL"
BASE_URL_ARGUMENT = "api_base_url"


@contextmanager
def _apply() -> Generator[None]:
    from tavily import AsyncTavilyClient, TavilyClient  # type: ignore[import-untyped]  # it ships no annotations

    with ExitStack() as stack:
        for client in (TavilyClient, AsyncTavilyClient):
            construct = _with_address_from_environment(client.__init__)
            stack.enter_context(replace_for_block(client, __init__=construct))
        yield


def _with_address_from_environment(constructor: Callable[..., None]) -> Callable[..., None]:
    signature = inspect.signature(constructor)

    @wraps(constructor)
    def construct(*args: Any, **kwargs: Any) -> None:
        given = signature.bind(*args, **kwargs).arguments.get(BASE_URL_ARGUMENT)
        if not given and (address := os.environ.get(BASE_URL_VARIABLE)):
            kwargs[BASE_URL_ARGUMENT] = address
        constructor(*args, **kwargs)

    return construct


PATCH = Patch(
    name="tavily.base_url",
    symptom="searches with Tavily's client are neither recorded on a tape nor answered from it",
    upstream="tavily.TavilyClient, which reads its key and its proxies from the environment, but"
    " not its address",
    versions={"tavily-python": ">=0.5,<0.9"},
    delete_when="Tavily's clients read their address from an environment variable",
    canary="tests/patches/tavily/test_base_url.py"
    "::test_upstream_tavily_reads_its_address_from_the_environment",
    apply=_apply,
    wraps={
        "tavily:TavilyClient.__init__": "self, api_key",
        "tavily:AsyncTavilyClient.__init__": "self, api_key",
    },
)

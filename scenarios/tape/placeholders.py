"""Replace `${name}` placeholders in a taped reply by captures of the request or inputs of the run.

Only `${name}` is a placeholder: `$327.6` and `$HOME` are plain text, and `$${` is a literal `${`.
A capture is text that a line's `when` found in the request. An input is a value of the run; the
replies of outside services may use inputs, which are filled in before the run starts.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

PLACEHOLDER = re.compile(r"\$\$\{|\$\{(\w+)\}")
InputValue = str | int | float
"""The type of an input's value."""


def placeholder_names(value: Any) -> Iterator[str]:
    """Yield the name of each placeholder in the strings of a JSON value; keys are not searched."""
    if isinstance(value, str):
        yield from (found[1] for found in PLACEHOLDER.finditer(value) if found[1])
    elif isinstance(value, dict):
        for item in value.values():
            yield from placeholder_names(item)
    elif isinstance(value, list):
        for item in value:
            yield from placeholder_names(item)


def map_texts(value: Any, change: Callable[[str], Any]) -> Any:
    """Return a JSON value with each of its strings changed; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: map_texts(item, change) for key, item in value.items()}
    return [map_texts(item, change) for item in value] if isinstance(value, list) else value


def escape_placeholders(value: Any) -> Any:
    """Return a JSON value in which nothing is a placeholder: `$${` is a literal `${`."""
    return map_texts(value, lambda text: text.replace("${", "$${"))


def fill_captures(value: Any, captures: Mapping[str, str]) -> Any:
    """Return `value` with each placeholder replaced by its capture, and `$${` by `${`."""

    def fill(text: str) -> str:
        return PLACEHOLDER.sub(lambda found: captures[found[1]] if found[1] else "${", text)

    return map_texts(value, fill)


def fill_inputs(value: Any, inputs: Mapping[str, InputValue]) -> Any:
    """Return `value` with the placeholders of inputs replaced; others, and `$${`, stay.

    A string that is one placeholder and nothing else becomes the input itself, of the input's type.
    """

    def fill(text: str) -> InputValue:
        if (whole := PLACEHOLDER.fullmatch(text)) and whole[1] in inputs:
            return inputs[whole[1]]
        return PLACEHOLDER.sub(lambda found: str(inputs.get(found[1], found[0])), text)

    return map_texts(value, fill)

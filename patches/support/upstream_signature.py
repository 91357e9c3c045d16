"""Check that code of another project has the parameters that a patch relies on."""

import inspect
from importlib import import_module
from typing import Any


def find_signature_change(target: str, parameters: str) -> str | None:
    """Return how upstream code differs from what a patch expects, as a sentence, or None.

    Args:
        target: "module:Class.method", or the path of any other attribute of a module.
        parameters: The first parameters, in order, as in "self, request"; "" accepts any.
    """
    try:
        found = resolve_target(target)
    except (ImportError, AttributeError) as error:
        return f"{target} does not exist ({error})"
    expected = [name.strip() for name in parameters.split(",") if name.strip()]
    if not expected:
        return None
    try:
        actual = list(inspect.signature(found).parameters)
    except (TypeError, ValueError):
        return f"{target} is expected to take ({', '.join(expected)}), but it is not a function"
    if actual[: len(expected)] == expected:
        return None
    return (
        f"{target} is expected to take ({', '.join(expected)}, …), but takes ({', '.join(actual)})"
    )


def find_method(target: str) -> tuple[type, str]:
    """Return the class that defines a method, given as in `find_signature_change`, and its name."""
    path, _, name = target.rpartition(".")
    return next(cls for cls in resolve_target(path).__mro__ if name in vars(cls)), name


def resolve_target(target: str) -> Any:
    module, _, path = target.partition(":")
    value: Any = import_module(module)
    for name in path.split(".") if path else ():
        # Statically, because a class method or a property would otherwise hide its function.
        value = _class_attribute(value, name) if inspect.isclass(value) else getattr(value, name)
    if isinstance(value, classmethod | staticmethod):
        return value.__func__
    return value.fget if isinstance(value, property) else value


def _class_attribute(cls: type, name: str) -> Any:
    """Return a class attribute, or the annotation of a field without a default."""
    try:
        return inspect.getattr_static(cls, name)
    except AttributeError:
        for each in cls.__mro__:
            if name in (fields := inspect.get_annotations(each)):
                return fields[name]
        raise

"""A patch: a repair to someone else's code, made for certain versions, which undoes itself.

It is borrowed time. Each says what one sees without it, who should mend it, and which test turns
red on the day that they do, so that someone deletes it.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from packaging.specifiers import SpecifierSet

_ACTIVE: set[str] = set()
"""The names of the patches that are on. Classes belong to the process, and so do their repairs."""


@dataclass(frozen=True)
class Patch:
    """A repair. `versions` maps a distribution to the PEP 440 specifier of what it mends.

    One that `nests` does something else each time that it is made, and may be on twice.
    """

    name: str
    symptom: str
    upstream: str
    versions: Mapping[str, str]
    delete_when: str
    canary: str
    apply: Callable[[], AbstractContextManager[None]] = field(repr=False)
    is_nestable: bool = False

    def skip_reason(self) -> str | None:
        """Why it must not be applied here, as a sentence; None where it may."""
        if self.name in _ACTIVE and not self.is_nestable:
            return f"{self.name} is on already: an enclosing `applied` put it there"
        for distribution, wanted in self.versions.items():
            try:
                installed = version(distribution)
            except PackageNotFoundError:
                return f"{self.name} mends {distribution} {wanted}, and none is installed"
            if not SpecifierSet(wanted).contains(installed, prereleases=True):
                return f"{self.name} mends {distribution} {wanted}, and {installed} is installed"
        return None


@dataclass(frozen=True)
class PatchOutcome:
    """What became of a patch: applied, or the sentence that says why not."""

    patch: Patch
    skip_reason: str | None

    @property
    def is_applied(self) -> bool:
        return self.skip_reason is None


@contextmanager
def apply_patches(*patches: Patch) -> Generator[tuple[PatchOutcome, ...]]:
    """Apply each patch that concerns the installed versions; undo them on exit, the last one first.

    A patch that is on already is left to the block that put it there, unless it `nests`: nesting
    is safe.
    """
    outcomes = []
    with ExitStack() as stack:
        for patch in patches:
            why_not = patch.skip_reason()
            outcomes.append(PatchOutcome(patch, why_not))
            if why_not is None:
                stack.enter_context(patch.apply())
                _ACTIVE.add(patch.name)
                stack.callback(_ACTIVE.discard, patch.name)
        yield tuple(outcomes)

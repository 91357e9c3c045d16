"""A `Patch` is a reversible, version-limited fix for code of another project.

A patch is temporary. It states what goes wrong without it, which upstream code must change, and
which test (its canary) starts to fail once upstream is fixed, so that the patch gets deleted.

    with apply_patches(PATCH) as (outcome,):
        print(outcome.skip_reason or "applied")
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from packaging.specifiers import SpecifierSet

_ACTIVE: set[str] = set()
"""The names of the applied patches. Patched classes are shared by the process, and so is this."""


@dataclass(frozen=True)
class Patch:
    """A fix for code of another project.

    Attributes:
        name: The path of the patch's module below `patches`, with dots, as in `autogen.team_spans`.
        symptom: What a user sees without the patch.
        upstream: The code, or the upstream issue, that causes it.
        versions: The supported versions: distribution name to PEP 440 specifier.
        delete_when: The upstream change that makes the patch unnecessary.
        canary: The pytest id of a strict xfail test that fails once upstream is fixed.
        apply: Returns a context manager that applies the patch and undoes it on exit.
        is_nestable: Whether the patch may be applied again while it is applied, because each
            application does something else.
    """

    name: str
    symptom: str
    upstream: str
    versions: Mapping[str, str]
    delete_when: str
    canary: str
    apply: Callable[[], AbstractContextManager[None]] = field(repr=False)
    is_nestable: bool = False

    @property
    def path(self) -> str:
        """The path of the patch's module, relative to the folder `patches`."""
        return f"{self.name.replace('.', '/')}.py"

    def skip_reason(self) -> str | None:
        """Return why the patch must not be applied here, as a sentence, or None."""
        if self.name in _ACTIVE and not self.is_nestable:
            return f"{self.name} is already applied by an enclosing `apply_patches`"
        for distribution, supported in self.versions.items():
            try:
                installed = version(distribution)
            except PackageNotFoundError:
                return f"{self.name} needs {distribution} {supported}, which is not installed"
            if not SpecifierSet(supported).contains(installed, prereleases=True):
                return f"{self.name} needs {distribution} {supported}, but {installed} is installed"
        return None


@dataclass(frozen=True)
class PatchOutcome:
    """Whether a patch was applied; if not, `skip_reason` says why."""

    patch: Patch
    skip_reason: str | None

    @property
    def is_applied(self) -> bool:
        return self.skip_reason is None


@contextmanager
def apply_patches(*patches: Patch) -> Generator[tuple[PatchOutcome, ...]]:
    """Apply the patches that support the installed versions; undo them in reverse order on exit.

    Calls can be nested: a patch that is already applied is skipped, and stays applied until the
    outer block ends. A patch that `is_nestable` is applied again.
    """
    outcomes = []
    with ExitStack() as stack:
        for patch in patches:
            skip_reason = patch.skip_reason()
            outcomes.append(PatchOutcome(patch, skip_reason))
            if skip_reason is None:
                stack.enter_context(patch.apply())
                _ACTIVE.add(patch.name)
                stack.callback(_ACTIVE.discard, patch.name)
        yield tuple(outcomes)

"""A `Patch` is a reversible, version-limited fix for code of another project.

A patch is temporary. It states what goes wrong without it, which upstream code must change, and
which test (its canary) starts to fail once upstream is fixed, so that the patch gets deleted.

    with apply_patches(PATCH) as (outcome,):
        print(outcome.skip_reason or "applied")

A patch declines instead of doing harm: outside the versions that were tested, where the code that
it wraps has another signature, and where applying it fails.
"""

import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import distributions

from packaging.specifiers import SpecifierSet

from patches.support.call_wrapping import Wrap, wrap_methods
from patches.support.upstream_signature import find_method, find_signature_change

_ACTIVE: set[str] = set()
"""The names of the applied patches. Patched classes are shared by the process, and so is this."""


@dataclass(frozen=True)
class Patch:
    """A fix for code of another project.

    Attributes:
        name: The path of the patch's module below `patches`, with dots, as in `autogen.team_spans`.
        symptom: What a user sees without the patch.
        upstream: The code, or the upstream issue, that causes it.
        versions: The tested versions: distribution name to PEP 440 specifier, with an upper bound.
        delete_when: The upstream change that makes the patch unnecessary.
        canary: The pytest id of a strict xfail test that fails once upstream is fixed.
        apply: Returns a context manager that applies the patch and undoes it on exit, apart from
            `methods`.
        methods: The methods to wrap in a class and its subclasses, as "module:Class.method", each
            with the parameters that the patch relies on, as in "self, request", and its wrapper.
        wraps: The other functions and classes that the patch replaces or calls, with the parameters
            that it relies on. Upstream may add others behind them. "" for something whose
            parameters do not matter.
        fixed_in: The versions in which upstream is fixed: distribution name to PEP 440 specifier.
        is_nestable: Whether the patch may be applied again while it is applied, because each
            application does something else.
    """

    name: str
    symptom: str
    upstream: str
    versions: Mapping[str, str]
    delete_when: str
    canary: str
    apply: Callable[[], AbstractContextManager[None]] = field(default=nullcontext, repr=False)
    methods: Mapping[str, tuple[str, Wrap]] = field(default_factory=dict, repr=False)
    wraps: Mapping[str, str] = field(default_factory=dict)
    fixed_in: Mapping[str, str] = field(default_factory=dict)
    is_nestable: bool = False

    @property
    def path(self) -> str:
        """The path of the patch's module, relative to the folder `patches`."""
        return f"{self.name.replace('.', '/')}.py"

    @property
    def upstream_code(self) -> dict[str, str]:
        """All code that the patch relies on, with the parameters, as in `wraps`."""
        return {target: parameters for target, (parameters, _) in self.methods.items()} | dict(
            self.wraps
        )

    def skip_reason(self) -> str | None:
        """Return why the patch must not be applied here, as a sentence, or None.

        Compares versions only, so that nothing is imported.
        """
        return self.unneeded_reason() or self._unsupported_version()

    def unneeded_reason(self) -> str | None:
        """Return why nothing is missing without the patch, as a sentence, or None."""
        if self.name in _ACTIVE and not self.is_nestable:
            return f"{self.name} is already applied by an enclosing `apply_patches`"
        for distribution, fixed in self.fixed_in.items():
            installed = _installed_version(distribution)
            if installed and SpecifierSet(fixed).contains(installed, prereleases=True):
                return f"{self.name} is not needed: {distribution} {installed} is installed"
        return None

    def _unsupported_version(self) -> str | None:
        for distribution, supported in self.versions.items():
            installed = _installed_version(distribution)
            if installed is None:
                return f"{self.name} needs {distribution} {supported}, which is not installed"
            if not SpecifierSet(supported).contains(installed, prereleases=True):
                return f"{self.name} needs {distribution} {supported}, but {installed} is installed"
        return None

    def changed_code(self) -> str | None:
        """Return which of the upstream code is not as expected, as a sentence, or None.

        Imports its modules.
        """
        for target, parameters in self.upstream_code.items():
            if change := find_signature_change(target, parameters):
                return f"{self.name} wraps code that has changed: {change}"
        return None

    @contextmanager
    def applied(self) -> Generator[None]:
        """Apply the patch for the block, whatever the versions."""
        methods = ((*find_method(target), wrap) for target, (_, wrap) in self.methods.items())
        with self.apply(), wrap_methods(*methods):  # `apply` may remove other wrappers
            yield


@dataclass(frozen=True)
class PatchOutcome:
    """Whether a patch was applied; if not, `skip_reason` says why.

    Attributes:
        skip_reason: A sentence, or None if the patch was applied.
        is_needed: Whether something is missing without the patch.
    """

    patch: Patch
    skip_reason: str | None
    is_needed: bool = True

    @property
    def is_applied(self) -> bool:
        return self.skip_reason is None

    @property
    def leaves_gap(self) -> bool:
        """Whether the patch was needed, but not applied."""
        return self.is_needed and not self.is_applied


@contextmanager
def apply_patches(*patches: Patch) -> Generator[tuple[PatchOutcome, ...]]:
    """Apply the patches that support the installed versions; undo them in reverse order on exit.

    Calls can be nested: a patch that is already applied is skipped, and stays applied until the
    outer block ends. A patch that `is_nestable` is applied again.
    """
    with ExitStack() as stack:
        yield tuple(_apply(patch, stack) for patch in patches)


def _apply(patch: Patch, stack: ExitStack) -> PatchOutcome:
    if reason := patch.unneeded_reason():
        return PatchOutcome(patch, reason, is_needed=False)
    if reason := patch.skip_reason() or patch.changed_code():
        return PatchOutcome(patch, reason)
    try:
        stack.enter_context(patch.applied())
    except Exception as error:  # other people's code may raise anything; the program must go on
        summary = f"{type(error).__name__}: {error}"
        return PatchOutcome(patch, f"{patch.name} could not be applied: {summary}")
    if patch.name not in _ACTIVE:
        _ACTIVE.add(patch.name)
        stack.callback(_ACTIVE.discard, patch.name)
    return PatchOutcome(patch, None)


def _installed_version(distribution: str) -> str | None:
    return _find_version(distribution, tuple(sys.path))


@cache
def _find_version(distribution: str, search_path: tuple[str, ...]) -> str | None:
    """Return a version, which is read once: it takes milliseconds, and patches ask 50 times."""
    found = distributions(name=distribution, path=list(search_path))
    return next((each.version for each in found), None)

"""The lock files that environments are built from, and which instrumentors each has."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from integrations.environments.requirements import RequirementError, pinned_versions
from integrations.environments.resolution import PROJECT_LOCK_PATH
from integrations.instrumentors.registry import INSTRUMENTORS, OURS, PLAIN_AUTOLOG_3_18

LOCKS_FOLDER = Path(__file__).parent / "locks"


@dataclass(frozen=True)
class LockFile:
    """A lock file, and the instrumentors that can be enabled in its environment.

    `environment_name` is the name of its environment, as `make NAME-env` builds it; empty for the
    project's own .venv.
    """

    environment_name: str
    instrumentors: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The path of the file that pins the packages."""
        if not self.environment_name:
            return PROJECT_LOCK_PATH
        return LOCKS_FOLDER / f"{self.environment_name}.lock"

    def pins(self) -> dict[str, str]:
        """Return the pinned version of each package."""
        return pinned_versions(self.path.read_text("utf-8").splitlines())

    def requested_packages(self) -> tuple[str, ...]:
        """Return the packages in the .in file that was locked, with extras, without versions."""
        lines = self.path.with_suffix(".in").read_text("utf-8").splitlines()
        return tuple(line.partition("==")[0] for line in lines)

    @property
    def update_instructions(self) -> str:
        """How a person changes a pinned version."""
        if not self.environment_name:
            return "require it in pyproject.toml, run make lock"
        source = f"integrations/environments/locks/{self.environment_name}.in"
        return f"pin it in {source}, lock that again"


PROJECT_LOCK = LockFile("", tuple(each.name for each in INSTRUMENTORS if not each.environment_name))
"""The lock of the project's own .venv.

Its instrumentors need no package besides MLflow and the frameworks. Ours supports the versions
that its patches name, and reports others as unsupported."""
MLFLOW_3_18_LOCK = LockFile("mlflow-3-18", (PLAIN_AUTOLOG_3_18, OURS))
"""The project's lock with mlflow 3.18.0.

Resolving it fails, because the index lacks mlflow-skinny and mlflow-tracing 3.18.0. Both are left
out: the mlflow wheel contains their files."""
INSTRUMENTOR_LOCKS = tuple(
    LockFile(each.environment_name, (each.name,))
    for each in INSTRUMENTORS
    if each.environment_name not in ("", MLFLOW_3_18_LOCK.environment_name)
)
LOCK_FILES = (PROJECT_LOCK, MLFLOW_3_18_LOCK, *INSTRUMENTOR_LOCKS)


def select_lock_file(packages: Collection[str], instrumentors: Collection[str]) -> LockFile:
    """Return the lock file that pins these packages and has these instrumentors, if any are named.

    A package that the project's lock does not pin belongs to the lock that pins it.

    Raises:
        RequirementError: No lock file has them all, or several have.
    """
    candidates = [each for each in LOCK_FILES if set(instrumentors) <= set(each.instrumentors)]
    if not candidates:
        raise RequirementError(
            f"no environment has all of {', '.join(instrumentors)}; the environments have:"
            f" {_list_instrumentors(LOCK_FILES)}"
        )
    for package in packages:
        pinning = [each for each in LOCK_FILES if package in each.pins()]
        common = [each for each in candidates if each in pinning]
        if pinning and not common:
            raise RequirementError(
                f"{package} is in the environment of {_list_instrumentors(pinning)}, but the other"
                f" names need that of {_list_instrumentors(candidates)}: name packages of one"
                " environment"
            )
        candidates = common if pinning else candidates
    if PROJECT_LOCK in candidates or len(candidates) == 1:
        return candidates[0]
    raise RequirementError(
        f"{', '.join(packages)} is in the environments of {_list_instrumentors(candidates)}: choose"
        " one with --instrumentor"
    )


def _list_instrumentors(lock_files: Iterable[LockFile]) -> str:
    return "; ".join(", ".join(each.instrumentors) for each in lock_files)

"""The programs that put a process into namespaces of its own: bubblewrap, or `unshare` of Linux."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROBE_TIMEOUT_S = 10.0
NOBODY = 65534
"""The user that runs the code when root starts the sandbox: no limit of processes binds root."""


class SandboxUnavailableError(Exception):
    """Raised when this machine has no way to restrict a process. Nothing is run in that case."""


@dataclass(frozen=True)
class FileView:
    """What the code sees of the file system.

    Attributes:
        folder: Its own folder, which it sees as `/work`.
        read_only: Paths that it sees where they are, but cannot change.
        links: Symbolic links, such as `/bin` to `usr/bin`.
    """

    folder: Path
    read_only: tuple[str, ...]
    links: Mapping[str, str]

    @classmethod
    def of_system(cls, folder: Path, read_only: Sequence[Path] = ()) -> "FileView":
        """The folder, the system's programs, this Python, and `read_only`."""
        top = [Path(f"/{name}") for name in ("bin", "sbin", "lib", "lib32", "lib64")]
        paths = [Path("/usr"), Path(sys.base_prefix), Path("/etc/ld.so.cache")]
        paths += [Path("/etc/alternatives"), *read_only]
        paths += [path for path in top if not path.is_symlink()]
        links = {str(path): os.readlink(path) for path in top if path.is_symlink()}
        listed = dict.fromkeys(str(path.resolve()) for path in paths if path.exists())
        parents = [f"{path}/" for path in listed]
        outermost = [path for path in listed if not path.startswith(tuple(parents))]
        return cls(folder.resolve(), tuple(outermost), links)


@dataclass(frozen=True)
class Backend:
    """A way to start a process in namespaces of its own.

    Attributes:
        name: "bwrap" or "unshare".
        command: Builds the command that runs another one, of a view and the size of `/tmp`.
        builds_root: Whether it builds the file system; else the launcher does it.
        uid: The user that the launcher becomes; None if it stays the same.
    """

    name: str
    command: Callable[[FileView, int], list[str]]
    builds_root: bool
    uid: int | None = None


def find_backend() -> Backend:
    """Find the first backend that works here.

    Raises `SandboxUnavailableError` with the reason for each that does not.
    """
    reasons = []
    for backend in (bubblewrap(), namespaces(is_root=os.geteuid() == 0)):
        if isinstance(backend, str):
            reasons.append(backend)
        elif reason := explain_failure(backend):
            reasons.append(f"{backend.name}: {reason}")
        else:
            return backend
    raise SandboxUnavailableError(
        "code of a model needs a sandbox, and this machine has none, so nothing was run:"
        f" {'; '.join(reasons)}. Install bubblewrap (apt-get install bubblewrap), or allow user"
        " namespaces (sysctl user.max_user_namespaces), or run the code in a container"
    )


def bubblewrap() -> Backend | str:
    """Bubblewrap, or why it is not used."""
    program = shutil.which("bwrap")
    if not program:
        return "bwrap is not installed"
    if os.geteuid() == 0:
        return "bwrap would run the code as root, which no limit of processes binds"

    def command(view: FileView, temp_bytes: int) -> list[str]:
        mounts = [word for path in view.read_only for word in ("--ro-bind", path, path)]
        mounts += [word for path, to in view.links.items() for word in ("--symlink", to, path)]
        mounts += ["--proc", "/proc", "--dev", "/dev", "--size", str(temp_bytes), "--tmpfs", "/tmp"]
        mounts += ["--bind", str(view.folder), "/work", "--remount-ro", "/"]
        return [program, "--unshare-all", "--die-with-parent", "--new-session", *mounts, "--"]

    return Backend("bwrap", command, builds_root=True)


def namespaces(*, is_root: bool) -> Backend | str:
    """Linux namespaces through `unshare`, or why they are not used."""
    program = shutil.which("unshare")
    if not program:
        return "unshare is not installed, or this is not Linux"
    options = ["--net", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"]
    user = [] if is_root else ["--user", "--map-root-user"]
    return Backend(
        "unshare",
        lambda view, temp_bytes: [program, *user, *options, "--"],
        builds_root=False,
        uid=NOBODY if is_root else None,
    )


def explain_failure(backend: Backend) -> str | None:
    """Why a backend cannot start a process here; None if it can."""
    view = FileView.of_system(Path("/usr"))
    command = [*backend.command(view, 1024**2), "/bin/true"]
    try:
        probe = subprocess.run(
            command, env={}, cwd="/", capture_output=True, timeout=PROBE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    message = probe.stderr.decode(errors="replace").strip()
    return None if probe.returncode == 0 else message or f"exit code {probe.returncode}"

"""The folder of the shared trace store (PostgreSQL and MLflow): access rights, locks and checks."""

import os
import pwd
import shutil
import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

POSTGRES_USER = "postgres"
"""The user that runs PostgreSQL if the caller is root, as on Debian; PostgreSQL refuses root."""


class TeamStoreError(Exception):
    """The store cannot be started or stopped. The message has the fix."""


@dataclass(frozen=True)
class StoreFolder:
    """The folder with a store's database, logs, password and artifacts; private to its owner."""

    path: Path

    @property
    def postgres_user(self) -> str | None:
        """The user that runs PostgreSQL's programs; None is the caller."""
        return POSTGRES_USER if os.getuid() == 0 else None

    def create(self) -> "StoreFolder":
        """Create the missing folders.

        Raises:
            TeamStoreError: PostgreSQL's user does not exist, or cannot enter the folder.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o711 if self.postgres_user else 0o700)
        database = self.path / "database"
        database.mkdir(mode=0o700, exist_ok=True)
        if user := self.postgres_user:
            try:
                shutil.chown(database, user, pwd.getpwnam(user).pw_gid)
            except KeyError as error:
                raise TeamStoreError(
                    f"you are root, so PostgreSQL must run as the user {user!r}, which does not"
                    " exist: apt-get install postgresql, or use another account"
                ) from error
            self._require_access(user)
        return self

    def _require_access(self, user: str) -> None:
        for folder in self.path.resolve().parents:
            if not folder.stat().st_mode & 0o001:
                raise TeamStoreError(
                    f"you are root, so PostgreSQL runs as the user {user!r}, who cannot enter"
                    f" {folder}: use make store STORE=FOLDER with a folder that all users can enter"
                )

    @contextmanager
    def lock(self) -> Generator[None]:
        """Keep other processes from starting or stopping this store until the block ends."""
        with (self.path / "lock").open("w") as file:
            flock(file, LOCK_EX)
            yield


def is_locked(lock: Path) -> bool:
    """Return whether a process holds this lock file; the lock ends with the process."""
    if not lock.exists():
        return False
    with lock.open() as file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            return True
        return False


def is_port_free(port: int) -> bool:
    """Return whether nothing listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True

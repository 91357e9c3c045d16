"""The folder of a team's store: its database, logs, password and artifacts, and who runs it."""

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
"""Whom the database runs as where a person is root, as Debian has it: it refuses to be root."""


class TeamStoreError(Exception):
    """Raised when the store cannot be started or stopped; says what to do."""


@dataclass(frozen=True)
class StoreFolder:
    """Where a store's state is kept. Only whoever started it can read it, and root."""

    path: Path

    @property
    def postgres_user(self) -> str | None:
        """Whom PostgreSQL's programs run as; None is oneself."""
        return POSTGRES_USER if os.getuid() == 0 else None

    def create(self) -> "StoreFolder":
        """Make what is not there yet. Raises `NotStarted` where PostgreSQL could not get at it."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o711 if self.postgres_user else 0o700)
        database = self.path / "database"
        database.mkdir(mode=0o700, exist_ok=True)
        if self.postgres_user:
            try:
                shutil.chown(database, self.postgres_user, pwd.getpwnam(self.postgres_user).pw_gid)
            except KeyError as error:
                raise TeamStoreError(
                    f"there is no user {self.postgres_user!r}, whom PostgreSQL runs as where you are root:"
                    " apt-get install postgresql, or be another user"
                ) from error
            self._require_access(self.postgres_user)
        return self

    def _require_access(self, user: str) -> None:
        for folder in self.path.resolve().parents:
            if not folder.stat().st_mode & 0o001:
                raise TeamStoreError(
                    f"the user {user!r}, whom PostgreSQL runs as where you are root, cannot enter"
                    f" {folder}: make store STORE=FOLDER, one that all can get at"
                )

    @contextmanager
    def lock(self) -> Generator[None]:
        """No other process starts or stops this store meanwhile."""
        with (self.path / "lock").open("w") as file:
            flock(file, LOCK_EX)
            yield


def is_locked(lock: Path) -> bool:
    """Whether a process holds this lock: it does until it ends, however it ends."""
    if not lock.exists():
        return False
    with lock.open() as file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            return True
        return False


def is_port_free(port: int) -> bool:
    """Whether nothing listens on this port of 127.0.0.1."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True

"""The PostgreSQL of a team's store: a database of its own, on 127.0.0.1, behind a password."""

import os
import random
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from scenarios.team_store.store_folder import StoreFolder, TeamStoreError, is_port_free

DATABASE_ROLE = "recorder"
DEBIAN_POSTGRES_FOLDER = "/usr/lib/postgresql"


@dataclass(frozen=True)
class PostgresServer:
    """A PostgreSQL whose state is in a folder that is made."""

    folder: StoreFolder

    @property
    def uri(self) -> str:
        """Where MLflow finds it, with the password."""
        return f"postgresql+psycopg://{DATABASE_ROLE}:{self._password()}@127.0.0.1:{self.port}/postgres"

    @property
    def port(self) -> int:
        return int(self._port_file.read_text())

    @property
    def is_running(self) -> bool:
        return self._data_folder.is_dir() and self._pg_ctl("status").returncode == 0

    def start(self) -> bool:
        """Start it, unless it runs; whether it had to. Raises `NotStarted`."""
        if not (self._data_folder / "PG_VERSION").is_file():
            self._create_cluster()
        if self.is_running:
            return False
        if not (self._port_file.is_file() and is_port_free(self.port)):
            self._port_file.write_text(str(find_free_port()))
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        self._require_success(self._pg_ctl("-w", "-o", options, "start"))
        return True

    def stop(self, mode: str = "fast") -> bool:
        """Stop it, if it runs; whether it did."""
        if not self.is_running:
            return False
        self._require_success(self._pg_ctl("-w", "-m", mode, "stop"))
        return True

    def restart(self, mode: str) -> None:
        """Stop and start it at once: "fast" ends connections, "immediate" is a crash."""
        self._require_success(self._pg_ctl("-w", "-m", mode, "restart"))

    def _create_cluster(self) -> None:
        """A new cluster; half of one, left by whoever was killed meanwhile, goes away first."""
        new = self._data_folder.with_name("new")
        password = self._data_folder.with_name("password")
        if new.exists():
            shutil.rmtree(new)
        password.touch(mode=0o600)
        if self.folder.postgres_user:
            shutil.chown(password, self.folder.postgres_user)
        password.write_text(secrets.token_hex(16))
        made = self._run_program(
            "initdb", "-D", new, "-U", DATABASE_ROLE, "-A", "scram-sha-256", f"--pwfile={password}",
            "-E", "UTF8", "--locale=C.UTF-8",
        )  # fmt: skip
        self._require_success(made)
        new.rename(self._data_folder)

    def _pg_ctl(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self._run_program(
            "pg_ctl", "-D", self._data_folder, "-l", self._data_folder.with_name("log"), *arguments
        )

    def _run_program(
        self, program: str, *arguments: str | Path
    ) -> "subprocess.CompletedProcess[str]":
        """Output goes to a file and not to a pipe, which the database would hold open."""
        user = self.folder.postgres_user
        said = self._data_folder.with_name("said")
        with said.open("w+") as file:
            done = subprocess.run(
                [find_postgres_programs() / program, *arguments],
                stdout=file,
                stderr=file,
                cwd=self._data_folder.parent,
                user=user,
                group=user,
                extra_groups=[] if user else None,
                umask=0o077,
            )
            file.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, file.read())

    def _require_success(self, done: "subprocess.CompletedProcess[str]") -> None:
        if done.returncode:
            raise TeamStoreError(
                f"PostgreSQL: {Path(done.args[0]).name} failed, and said:\n{done.stdout.strip()}\n"
                f"its log is {os.path.relpath(self._data_folder.with_name('log'))}"
            )

    def _password(self) -> str:
        return self._data_folder.with_name("password").read_text()

    @property
    def _data_folder(self) -> Path:
        return self.folder.path.resolve() / "database" / "data"

    @property
    def _port_file(self) -> Path:
        return self._data_folder.with_name("port")


def find_postgres_programs() -> Path:
    """Where PostgreSQL's server is; Debian keeps it off the PATH. Raises `NotStarted`."""
    on_path = shutil.which("initdb")
    found = (
        [Path(on_path)]
        if on_path
        else sorted(Path(DEBIAN_POSTGRES_FOLDER).glob("*/bin/initdb"), key=_postgres_version)
    )
    if not found:
        raise TeamStoreError("PostgreSQL is not installed here: apt-get install postgresql")
    return found[-1].parent


def find_free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on, and that the system gives to nobody unasked.

    One that it does give might be some client's when the database starts again.
    """
    for port in random.sample(range(20_000, 30_000), 100):
        if is_port_free(port):
            return port
    raise TeamStoreError("a hundred ports of 127.0.0.1 were tried, and none is free")


def _postgres_version(program: Path) -> float:
    return float(program.parts[-3])

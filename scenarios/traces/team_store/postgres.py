"""Run the PostgreSQL server of the shared trace store, on 127.0.0.1, with a password."""

import os
import random
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from scenarios.traces.team_store.store_folder import StoreFolder, TeamStoreError, is_port_free

DATABASE_ROLE = "recorder"
DEBIAN_POSTGRES_FOLDER = "/usr/lib/postgresql"


@dataclass(frozen=True)
class PostgresServer:
    """A PostgreSQL server whose state is in an existing store folder."""

    folder: StoreFolder

    @property
    def uri(self) -> str:
        """The SQLAlchemy URI for MLflow, with the password."""
        login = f"{DATABASE_ROLE}:{self._password()}"
        return f"postgresql+psycopg://{login}@127.0.0.1:{self.port}/postgres"

    @property
    def port(self) -> int:
        """The port that it listens on, or last listened on."""
        return int(self._port_file.read_text())

    @property
    def is_running(self) -> bool:
        return self._data_folder.is_dir() and self._pg_ctl("status").returncode == 0

    def start(self) -> bool:
        """Start it; return False if it was already running. Raises `TeamStoreError`."""
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
        """Stop it; return False if it was not running. Raises `TeamStoreError`."""
        if not self.is_running:
            return False
        self._require_success(self._pg_ctl("-w", "-m", mode, "stop"))
        return True

    def restart(self, mode: str) -> None:
        """Restart it: mode "fast" ends connections, "immediate" simulates a crash."""
        self._require_success(self._pg_ctl("-w", "-m", mode, "restart"))

    def _create_cluster(self) -> None:
        """Create a database cluster; remove an incomplete one, from a killed process, first."""
        new = self._data_folder.with_name("new")
        password = self._data_folder.with_name("password")
        if new.exists():
            shutil.rmtree(new)
        password.touch(mode=0o600)
        if self.folder.postgres_user:
            shutil.chown(password, self.folder.postgres_user)
        password.write_text(secrets.token_hex(16))
        result = self._run_program(
            "initdb", "-D", new, "-U", DATABASE_ROLE, "-A", "scram-sha-256", f"--pwfile={password}",
            "-E", "UTF8", "--locale=C.UTF-8",
        )  # fmt: skip
        self._require_success(result)
        new.rename(self._data_folder)

    def _pg_ctl(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self._run_program(
            "pg_ctl", "-D", self._data_folder, "-l", self._data_folder.with_name("log"), *arguments
        )

    def _run_program(
        self, program: str, *arguments: str | Path
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program of PostgreSQL; its output is in the result's `stdout`."""
        user = self.folder.postgres_user
        # The output goes to a file: the server would inherit a pipe and keep it open.
        output = self._data_folder.with_name("output")
        with output.open("w+") as file:
            result = subprocess.run(
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
            return subprocess.CompletedProcess(result.args, result.returncode, file.read())

    def _require_success(self, result: "subprocess.CompletedProcess[str]") -> None:
        if result.returncode:
            log = os.path.relpath(self._data_folder.with_name("log"))
            raise TeamStoreError(
                f"PostgreSQL's {Path(result.args[0]).name} failed:\n{result.stdout.strip()}\n"
                f"Its log is {log}"
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
    """Return the folder of PostgreSQL's server programs, which Debian does not put on the PATH.

    Raises:
        TeamStoreError: PostgreSQL is not installed.
    """
    if on_path := shutil.which("initdb"):
        return Path(on_path).parent
    found = sorted(Path(DEBIAN_POSTGRES_FOLDER).glob("*/bin/initdb"), key=_postgres_version)
    if not found:
        raise TeamStoreError("PostgreSQL is not installed: apt-get install postgresql")
    return found[-1].parent


def find_free_port() -> int:
    """Return a free port of 127.0.0.1 from 20000 to 29999.

    The operating system assigns client ports above that range, so no client can take the port
    while the database restarts. Raises `TeamStoreError` if 100 random ports are in use.
    """
    for port in random.sample(range(20_000, 30_000), 100):
        if is_port_free(port):
            return port
    raise TeamStoreError("none of 100 random ports of 127.0.0.1 is free")


def _postgres_version(program: Path) -> float:
    return float(program.parts[-3])

"""The wheel, installed beside a project that has packages named like the repository's."""

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

from scenarios.replay.replay_server import ReplayServer
from scenarios.tape.tape import Tape
from tests.docs.documents import ROOT
from tests.support.certificates import installer_environment

BUILD = "from hatchling.build import build_{kind}; import sys; print(build_{kind}(sys.argv[1]))"

HIDDEN = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "PYTHONPATH")
PROGRAM = """
def call_model():
    from openai import OpenAI
    messages = [{"role": "user", "content": "Hello"}]
    reply = OpenAI().chat.completions.create(model="gpt-4o-mini", messages=messages)
    return reply.choices[0].message.content

if __name__ == "__main__":
    import patches
    print(call_model())
    print(patches.OWNER)
"""
"""A program of the user, which imports a package of its own."""

HELLO = Tape.load(ROOT / "docs/tapes/hello.jsonl")
ANSWER = "Hello. How can I help?"


def endpoint(replay: ReplayServer) -> dict[str, str]:
    """The environment variables of a program that the replay server answers."""
    return {"OPENAI_BASE_URL": replay.base_url, "OPENAI_API_KEY": "unused"}


def build_distribution(kind: str, source: Path, target: Path) -> Path:
    """Build a "wheel" or an "sdist" of a folder, as pip does, but without a network."""
    program = [sys.executable, "-c", BUILD.format(kind=kind), str(target)]
    built = subprocess.run(program, cwd=source, capture_output=True, text=True, timeout=100)
    assert built.returncode == 0, built.stderr
    return target / built.stdout.split()[-1]


@dataclass(frozen=True)
class InstalledProject:
    """A user's project, and a virtual environment that has `flight_recorder`.

    The environment sees the third-party packages of this one, and nothing of the repository.
    """

    folder: Path
    environment: Path

    def run(self, *command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the environment in the project's folder."""
        inherited = {name: os.environ[name] for name in os.environ if name not in HIDDEN}
        inherited["PATH"] = f"{self.environment / 'bin'}{os.pathsep}{inherited['PATH']}"
        return subprocess.run(
            [str(self.environment / "bin" / command[0]), *command[1:]],
            cwd=self.folder,
            env=inherited
            | {"MLFLOW_TRACKING_URI": f"sqlite:///{self.folder}/mlflow.db"}
            | variables,
            capture_output=True,
            text=True,
            timeout=300,
        )


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build_distribution("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> InstalledProject:
    """The project of a user who has installed the wheel and has a `patches/` and a `workflows/`."""
    folder = tmp_path_factory.mktemp("installed")
    environment, project = folder / "environment", folder / "project"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    install_wheel(environment, "--no-deps", str(wheel))
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib"))
    for package in ("patches", "workflows", "scenarios", "instrumentation"):
        (project / package).mkdir(parents=True)
        (project / package / "__init__.py").write_text(f"OWNER = 'the user of {package}'\n")
    (project / "app.py").write_text(PROGRAM)
    return InstalledProject(project, environment)


def install_wheel(environment: Path, *arguments: str) -> None:
    """Install packages into a virtual environment: with uv, or with pip where uv cannot."""
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet"]
    command = [*uv, "--python", str(environment), *arguments]
    environment_of_uv = {**installer_environment(), "UV_SYSTEM_CERTS": "1"}
    if subprocess.run(command, timeout=500, env=environment_of_uv).returncode:
        pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python")]
        command = [*pip, "install", "--quiet", *arguments]
        subprocess.run(command, check=True, timeout=500, env=installer_environment())

"""Write the repository's packages as one installable package, with rewritten imports."""

from collections.abc import Iterator
from pathlib import Path

from distribution.import_rewriting import ImportRewriter

ROOT = Path(__file__).resolve().parent.parent
PUBLIC_PACKAGE = "flight_recorder"
SUBPACKAGES = ("patches", "instrumentation", "workflows", "scenarios")
"""`integrations` stays in the repository: it builds environments of many versions."""
COMMAND = "flight-recorder"


def list_files(package: str) -> Iterator[Path]:
    """The files of a package, relative to the repository, without what Python caches."""
    for path in sorted((ROOT / package).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path.relative_to(ROOT)


def write_package(folder: Path, prefix: str, packages: tuple[str, ...], command: str = "") -> None:
    """Write the packages into a folder, as subpackages of the package `prefix`.

    Raises:
        ImportRewritingError: A module has an import that cannot be rewritten.
    """
    rewriter = ImportRewriter(packages, prefix, command)
    for package in packages:
        for path in list_files(package):
            _write_file(folder / path, path, rewriter)


def write_public_package(folder: Path) -> None:
    """Write `flight_recorder`, with all packages that it needs, into a folder."""
    rewriter = ImportRewriter(SUBPACKAGES, PUBLIC_PACKAGE, COMMAND)
    for path in list_files(PUBLIC_PACKAGE):
        _write_file(folder / path.relative_to(PUBLIC_PACKAGE), path, rewriter)
    write_package(folder, PUBLIC_PACKAGE, SUBPACKAGES, COMMAND)


def _write_file(target: Path, path: Path, rewriter: ImportRewriter) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    content = (ROOT / path).read_bytes()
    if path.suffix == ".py":
        content = rewriter.rewrite(content.decode(), str(path)).encode()
    target.write_bytes(content)

"""Copy the instrumentation into another project: `python -m distribution.lift src/my_app/tracing`.

The folder becomes a package with `patches` and `instrumentation` as subpackages. Its imports begin
with its dotted name, which is its path from the folder that the project imports its packages from:

    python -m distribution.lift my_app/tracing --root src
    from my_app.tracing.instrumentation import enable_tracing
"""

import argparse
from pathlib import Path

from distribution.package_writer import write_package

LIFTED = ("patches", "instrumentation")


def lift(target: Path, root: Path) -> str:
    """Write the packages to `root / target`; return the dotted name of the new package."""
    name = ".".join(target.parts)
    if not all(part.isidentifier() for part in target.parts):
        raise SystemExit(f"{target}: expected folders whose names are Python names")
    write_package(root / target, name, LIFTED)
    marker = root / target / "__init__.py"
    if not marker.exists():
        marker.write_text('"""Tracing of multi-agent programs, from Agent Flight Recorder."""\n')
    return name


def main() -> None:
    """Copy the packages to the folder that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m distribution.lift", description=__doc__)
    parser.add_argument("target", type=Path, help="folder of the new package, below --root")
    parser.add_argument("--root", type=Path, default=Path(), help="folder with your packages")
    arguments = parser.parse_args()
    print(f"from {lift(arguments.target, arguments.root)}.instrumentation import enable_tracing")


if __name__ == "__main__":
    main()

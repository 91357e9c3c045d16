"""Hatchling's build hook: put `flight_recorder`, with rewritten imports, into the wheel."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a build backend may leave it out

from distribution.package_writer import PUBLIC_PACKAGE, write_public_package


class PackageBuildHook(BuildHookInterface[Any]):
    """Writes the package into a temporary folder, which the wheel is then filled from."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the package, except to an editable installation, which uses the checkout itself."""
        if version == "editable":
            return
        self._folder = TemporaryDirectory()
        write_public_package(Path(self._folder.name))
        build_data["force_include"][self._folder.name] = PUBLIC_PACKAGE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary folder."""
        if version != "editable":
            self._folder.cleanup()

"""The wheel holds the workflow beside the package, and the commit that it was built from; an editable install uses the clone."""

import subprocess
import tomllib
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Shipped(BuildHookInterface):
    """Adds what pyproject.toml lists under tool.neuraxis.shipped."""

    def initialize(self, version, build_data) -> None:
        """Called before the wheel is written."""
        if version == "editable":
            return
        root = Path(self.root)
        listed = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["neuraxis"]["shipped"]
        for name in listed:
            files = [root / name] if (root / name).is_file() else sorted((root / name).rglob("*"))
            for file in files:
                if file.is_file() and "__pycache__" not in file.parts:
                    build_data["force_include"][str(file)] = f"neuraxis/shipped/{file.relative_to(root)}"
        if (commit := self._git("rev-parse", "HEAD")) and (root / ".git").exists():
            changed = "+" if self._git("status", "--porcelain") else ""
            self.written = Path(self.directory) / ".commit"
            self.written.parent.mkdir(parents=True, exist_ok=True)
            self.written.write_text(f"{commit}{changed}\n", encoding="ascii")
            build_data["force_include"][str(self.written)] = "neuraxis/shipped/COMMIT"

    def finalize(self, version, build_data, artifact_path) -> None:
        """Called when it is."""
        if hasattr(self, "written"):
            self.written.unlink(missing_ok=True)

    def _git(self, *arguments):
        try:
            done = subprocess.run(["git", "-C", self.root, *arguments], capture_output=True, text=True, check=False)
        except OSError:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

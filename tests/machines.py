"""A user's machine for the tests of installing: a house with few pins, programs, addresses."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from test_environment import uv


@dataclass(frozen=True)
class Machine:
    """A house with few pins, and the programs and addresses that its user has."""

    house: Path
    programs: Path
    environment: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, script: str, folder: Path | None = None) -> None:
        """Put a program on PATH, or into another folder."""
        path = (folder or self.programs) / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def make(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Run `make ready`, which makes the environment and nothing else."""
        return subprocess.run(
            ["make", "ready", *arguments],
            cwd=self.house,
            env=self.environment | environment,
            capture_output=True,
            encoding="utf-8",
        )

    def torch(self, folder: str = ".venv") -> str:
        """Return the version of torch that was installed."""
        return self.versions(folder)["torch"]

    def versions(self, folder: str = ".venv") -> dict[str, str]:
        """Return what was installed."""
        command = [uv(), "pip", "freeze", "--python", f"{folder}/bin/python"]
        listed = subprocess.run(command, cwd=self.house, capture_output=True, encoding="utf-8", check=True)
        return dict(line.split("==") for line in listed.stdout.splitlines() if "==" in line)

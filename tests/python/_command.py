"""Runs the command as a real process, with or without a terminal on its standard input."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-m", "pgimport.cli"]


@dataclass
class Ran:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        lines = self.out.splitlines()
        assert len(lines) == 1, f"not exactly one line: {self.out!r} / {self.err!r}"
        value = json.loads(lines[0])
        assert isinstance(value, dict)
        return value


def environment(**changes: str) -> dict[str, str]:
    """The environment without variables that would name a server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    source = str(Path(__file__).parents[2] / "python")
    path = os.environ.get("PYTHONPATH")
    return {**kept, "PYTHONPATH": f"{source}:{path}" if path else source, **changes}


def run(
    *words: str,
    dsn: str | None = None,
    typed: str | None = None,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 120,
) -> Ran:
    """Run one command; ``typed`` is typed on a terminal, else standard input is empty."""
    command = [*COMMAND, *(["--dsn", dsn] if dsn else []), *words]
    environ = env or environment()
    if typed is None:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environ,
            cwd=cwd,
            timeout=timeout,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)
    ours, theirs = pty.openpty()
    try:
        os.write(ours, typed.encode() + b"\n")
        done = subprocess.run(
            command,
            stdin=theirs,
            capture_output=True,
            text=True,
            env=environ,
            cwd=cwd,
            timeout=timeout,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return Ran(done.returncode, done.stdout, done.stderr)

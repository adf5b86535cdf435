"""tools/run_pgtap.py: the last lines of a log name what failed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pgimport.embedded import find_servers

ROOT = Path(__file__).parents[2]
FILES = {
    "wrong": "SELECT plan(2); SELECT ok(true, 'fine'); SELECT is(1, 2, 'one is two');",
    "broken": "SELECT plan(2); SELECT ok(true, 'fine');\nSELECT 1 / 0;",
    "short": "SELECT plan(2); SELECT ok(true, 'fine');",
    "right": "SELECT plan(1); SELECT ok(true, 'fine');",
}


def _run(folder: Path, *names: str, verbose: bool = False) -> subprocess.CompletedProcess[str]:
    for name in names:
        text = f"BEGIN;\n{FILES[name]}\nSELECT * FROM finish();\nROLLBACK;\n"
        (folder / f"{name}.sql").write_text(text, encoding="utf-8")
    server = os.environ.get("PGIMPORT_TEST_SERVER") or str(max(find_servers()))
    return subprocess.run(
        [
            *(sys.executable, "tools/run_pgtap.py", "--way", "superuser", "--way", "plain role"),
            *("--server", server, str(folder)),
        ],
        cwd=ROOT,
        env={**os.environ, **({"PGTAP_VERBOSE": "1"} if verbose else {})},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("verbose", [False, True])
def test_what_failed_stands_at_the_end_way_by_way(tmp_path: Path, verbose: bool) -> None:
    done = _run(tmp_path, "wrong", "broken", "short", "right", verbose=verbose)
    assert done.returncode == 1
    shown, *again = done.stdout.split("\n# What failed: ")
    assert re.search(r"right\.sql \.+ ok$", shown, re.MULTILINE) or verbose
    assert [part.splitlines()[0].partition(", ")[2] for part in again] == [
        "superuser", "plain role",
    ]  # fmt: skip
    for part in again:
        assert '# Failed test 2: "one is two"' in part
        assert "broken.sql:3: ERROR:  division by zero" in part
        assert "# Looks like you planned 2 tests but ran 1" in part
        assert not re.search(r"right\.sql \.+ ok$", part, re.MULTILINE)
    last = done.stdout.splitlines()[-2:]
    for way, line in zip(("superuser", "plain role"), last, strict=True):
        assert line.startswith("# FAILED: PostgreSQL ")
        assert f", {way}: " in line
        assert "wrong.sql [Failed test: 2]" in line
        assert "broken.sql [Non-zero exit status: 3] [Parse errors: Bad plan." in line
        assert "short.sql [Parse errors: Bad plan." in line
        assert "right.sql" not in line


def test_nothing_is_said_twice_when_all_passes(tmp_path: Path) -> None:
    done = _run(tmp_path, "right")
    assert done.returncode == 0, done.stdout
    assert "FAILED" not in done.stdout
    assert done.stdout.splitlines()[-1] == "Result: PASS"

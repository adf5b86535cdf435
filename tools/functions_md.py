"""Write docs/functions.md from what the database itself knows of pgimport's public functions.

Signatures come from ``pg_proc``, descriptions from ``COMMENT ON FUNCTION``, the order and the
headings from the folders of ``functions/``; the database is one of a server of its own::

    python tools/functions_md.py > docs/functions.md
"""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg

from pgimport import _assemble
from pgimport.embedded import EmbeddedServer

ROOMS = {
    "20_target": "Targets",
    "30_job": "Jobs",
    "35_queue": "Queue and workers",
    "40_stage": "Staging",
    "50_check": "Checking",
    "60_insert": "Inserting and verifying",
    "70_rollback": "Rolling back",
    "80_report": "Reports",
    "90_admin": "Administration",
}

HEAD = """# Functions of schema pgimport

Made from the comments in the database (`make docs`). Actions return one JSONB object; its common
keys are success, job_id, status, target, counts, message, warnings and details. Misuse raises an
error of class PI ([errors.md](errors.md)); problems of the data never do: they are issues.
"""

QUERY = """
SELECT
    p.proname,
    pg_get_function_arguments(p.oid),
    pg_get_function_result(p.oid),
    obj_description(p.oid, 'pg_proc')
FROM pg_proc AS p
WHERE p.pronamespace = 'pgimport'::regnamespace
    AND p.prokind IN ('f', 'p')
    AND p.proname NOT LIKE E'\\\\_%'
"""


def render(conn: psycopg.Connection[tuple[str, str, str, str]], functions_dir: Path) -> str:
    """Return the text of docs/functions.md for the pgimport installed in this database."""
    known = {name: rest for name, *rest in conn.execute(QUERY).fetchall()}
    parts = [HEAD]
    for folder, heading in ROOMS.items():
        names = sorted(
            path.stem
            for path in (functions_dir / folder).glob("*.sql")
            if not path.stem.startswith("_")
        )
        if not names:
            continue
        parts.append(f"## {heading}\n")
        for name in names:
            arguments, result, comment = known.pop(name)
            text, _, example = (comment or "").partition(" Example: ")
            parts.append(f"### {name}\n")
            parts.append(f"```sql\npgimport.{name}({arguments})\nRETURNS {result}\n```\n")
            parts.append(text + "\n")
            if example:
                parts.append(f"```sql\n{example.rstrip(';')};\n```\n")
    if known:
        raise SystemExit(f"public functions without a file of their own: {sorted(known)}")
    return "\n".join(parts)


def current() -> str:
    """Return the text as it is to be for the functions of this checkout."""
    with EmbeddedServer.for_tests() as server, psycopg.connect(server.dsn) as conn:
        conn.execute(_assemble.assemble())
        return render(conn, Path(__file__).parents[1] / "functions")


if __name__ == "__main__":
    sys.stdout.write(current())

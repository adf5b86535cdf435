"""Lint the bodies of pgimport's functions, which sqlfluff does not look into.

Two tools, no finding allowed:

- plpgsql_check over every PL/pgSQL function of the schema, with all its warnings: unused variables,
  missing columns, unsafe EXECUTE. It needs the extension on the server.
- pgspot over the assembled text, for unpinned search paths and unqualified names. It cannot read
  SQL-standard RETURN bodies and stops at them; those functions (they run no statement and call
  qualified or built-in functions only) are left out of its input.

::

    python tools/check_functions.py DSN ASSEMBLED.sql
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

# A trigger function is checked with the table it is fired for.
CHECK = """
SELECT
    p.oid::regprocedure::text,
    coalesce(t.tgrelid, 0)::regclass::text,
    c.level, c.sqlstate, c.lineno, c.message
FROM pg_proc AS p
INNER JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
LEFT JOIN (SELECT DISTINCT tgfoid, tgrelid FROM pg_trigger WHERE NOT tgisinternal) AS t
    ON t.tgfoid = p.oid
CROSS JOIN LATERAL plpgsql_check_function_tb(
    p.oid, coalesce(t.tgrelid, 0),
    security_warnings := true, performance_warnings := false, extra_warnings := true
) AS c
WHERE p.pronamespace = 'pgimport'::regnamespace
ORDER BY 1, c.lineno
"""

RETURN_BODY = re.compile(
    r"CREATE OR REPLACE FUNCTION [^;]*?\nRETURN [^;]*?;\n\n(?=COMMENT ON FUNCTION)", re.DOTALL
)


def check_bodies(conn: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """Return the findings of plpgsql_check over all PL/pgSQL functions of schema pgimport."""
    conn.execute("CREATE EXTENSION IF NOT EXISTS plpgsql_check")
    return [
        f"{function} ({relation}), line {line}: {level} {state} {message}"
        for function, relation, level, state, line, message in conn.execute(CHECK).fetchall()
    ]


def check_paths(sql: str) -> list[str]:
    """Return the findings of pgspot over an assembled text, RETURN bodies left out."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as file:
        file.write(RETURN_BODY.sub("", sql))
        file.flush()
        done = subprocess.run(
            [str(Path(sys.executable).parent / "pgspot"), file.name],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode == 0:
        return []
    return (done.stdout + done.stderr).splitlines() or [f"pgspot ended with {done.returncode}"]


if __name__ == "__main__":
    with psycopg.connect(sys.argv[1], autocommit=True) as connection:
        findings = check_bodies(connection)
    findings += check_paths(Path(sys.argv[2]).read_text(encoding="utf-8"))
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings in the bodies of functions")
    sys.exit(1 if findings else 0)

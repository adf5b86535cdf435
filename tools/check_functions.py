"""Lint the bodies of pgimport's functions, which sqlfluff does not look into.

Two tools, no finding allowed:

- plpgsql_check over every PL/pgSQL function of the schema, with all its warnings: unused variables,
  missing columns, unsafe EXECUTE. It needs the extension on the server.
- pgspot over the files of functions/, for unpinned search paths and unqualified names (in the
  assembled text they are strings, which it does not open). It cannot read SQL-standard RETURN
  bodies and stops at them; those functions (they run no statement and call qualified or built-in
  functions only) are left out of its input. It stops, too, at a variable with COLLATE: of that one
  function it sees the outside only.

Both work on a server of their own: the one of Debian, for which plpgsql_check is packaged::

    python tools/check_functions.py
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from pgimport import _assemble
from pgimport.embedded import EmbeddedServer, find_servers

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
    -- what is in a parameter of type record only its caller knows
    AND c.message NOT LIKE 'record "p\\_%' || '" is not assigned yet'
ORDER BY 1, c.lineno
"""

RETURN_BODY = re.compile(
    r"CREATE OR REPLACE FUNCTION [^;]*?\nRETURN [^;]*?;\n\n(?=COMMENT ON FUNCTION)", re.DOTALL
)

# procedures that commit can have no setting; all they do is to call a function, by its full name
COMMITTING = ("pgimport.insert_in_batches(p_job_id uuid,p_batch_rows bigint,INOUT p_result jsonb)",)

# variables with COLLATE
OUTSIDE_ONLY = ("_similarity.sql",)


def check_bodies(conn: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """Return the findings of plpgsql_check over all PL/pgSQL functions of schema pgimport."""
    conn.execute("CREATE EXTENSION IF NOT EXISTS plpgsql_check")
    return [
        f"{function} ({relation}), line {line}: {level} {state} {message}"
        for function, relation, level, state, line, message in conn.execute(CHECK).fetchall()
    ]


def check_paths(sql: str, *options: str) -> list[str]:
    """Return the findings of pgspot over functions of schema pgimport, RETURN bodies left out.

    The schema is made by the same text, as it is in the assembled one: nothing is replaced that
    somebody else could have put there (schema/begin.sql refuses that).
    """
    with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as file:
        file.write("SET search_path = pg_catalog, pg_temp;\n")
        file.write("CREATE SCHEMA pgimport;\nCREATE SCHEMA pgimport_staging;\n")
        file.write(RETURN_BODY.sub("", sql))
        file.flush()
        done = subprocess.run(
            [str(Path(sys.executable).parent / "pgspot"), *options, file.name],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode == 0:
        return []
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return lines or [f"pgspot ended with {done.returncode}"]


def check_files() -> list[str]:
    """Return the findings of pgspot over all files of functions/."""
    files = _assemble.function_files(_assemble.sql_root())
    whole = [path for path in files if path.name not in OUTSIDE_ONLY]
    outside = [path for path in files if path.name in OUTSIDE_ONLY]
    return [
        *check_paths(
            "\n".join(path.read_text(encoding="utf-8") for path in whole),
            *(f"--proc-without-search-path={name}" for name in COMMITTING),
        ),
        *check_paths(
            "\n".join(path.read_text(encoding="utf-8") for path in outside), "--no-plpgsql"
        ),
    ]


def main() -> int:
    """Print the findings; exit status 1 when there is any, or when the checker is missing."""
    text = _assemble.assemble()
    findings = check_files()
    if 15 not in find_servers():
        findings.append(
            "PostgreSQL 15 with plpgsql_check is missing: make setup says how to get it"
        )
    else:
        with EmbeddedServer.for_tests(15) as server, psycopg.connect(server.dsn) as conn:
            conn.execute(text)
            findings += check_bodies(conn)
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings in the bodies of functions")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

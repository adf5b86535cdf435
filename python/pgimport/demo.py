"""``pgimport demo codes``: a whole life of an import, with a proof after every step.

Works in a database of its own on the embedded server; what else is on that server stays.
Every expected number comes from the generated files, counted by ``demo_codes.recount`` with the
standard library alone, and every checksum from a query of the demo's own.
"""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgimport import demo_codes
from pgimport._assemble import assemble, sql_root
from pgimport.cli._app import State, embedded_server, open_connection
from pgimport.cli._headers import check_headers
from pgimport.cli._output import Output, duration, number
from pgimport.cli._show import show_check, show_insert, show_verify
from pgimport.cli._show_plan import show_plan, show_rollback
from pgimport.cli._stage import stage_paths
from pgimport.client import Client
from pgimport.errors import RollbackRefused

DATABASE = "pgimport_demo"
_TARGET = "codes"


@dataclass
class Proof:
    """What was expected and what was found, one after the other."""

    out: Output
    facts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether everything found was as expected."""
        return all(fact["ok"] for fact in self.facts)

    def equal(self, what: str, found: Any, expected: Any) -> None:
        """Record one comparison and show it."""
        good = found == expected
        self.facts.append({"what": what, "ok": good, "found": found, "expected": expected})
        if good:
            self.out.line(f"  ok      {what}: {_short(found)}")
        else:
            self.out.line(f"  FAILED  {what}: {_short(found)}, expected {_short(expected)}")


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_short(item)}" for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return f"{len(value)} as expected" if len(value) > 3 else ", ".join(map(_short, value))
    return number(value)


@dataclass
class _Clock:
    """How long each step took, and how many rows a second that is."""

    out: Output
    steps: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def step(self, title: str, name: str, rows: int | None = None) -> Iterator[None]:
        self.out.line(f"\n== {title}")
        begin = time.monotonic()
        yield
        seconds = time.monotonic() - begin
        rate = round(rows / seconds) if rows and seconds > 0 else None
        self.steps.append(
            {"step": name, "seconds": round(seconds, 3), "rows": rows, "rows_per_second": rate}
        )


def run_codes(state: State, rows: int, folder: Path | None) -> dict[str, Any]:
    """Run the demo and return what it proved; ``success`` tells whether all of it held."""
    begin = time.monotonic()
    out = state.out
    proof, clock = Proof(out), _Clock(out)
    shape = demo_codes.shape(rows)

    with clock.step("A server of its own, an empty database", "server"):
        state.dsn, state.embedded = None, True
        server = embedded_server(state)
        dsn = _fresh_database(server.dsn)
        connection = open_connection(dsn)
        state.dsn = dsn
        _set_up(connection)
        out.line(f"  database {DATABASE}, table codes, target codes")

    folder = folder or Path(server.data_dir).parent / "demo-codes"
    with clock.step(f"{number(rows)} rows in {demo_codes.FILES} files", "generate", rows):
        _empty(folder)
        written = demo_codes.generate(folder, shape)
        out.line(f"  {folder}")
    with clock.step("Counted by the standard library alone: what must come out", "recount", rows):
        expected = demo_codes.recount(folder, demo_codes.existing_keys(shape))
        proof.equal("the files hold what was to be written", _numbers(expected), _numbers(written))
    with clock.step(f"{number(shape.existing)} rows are in the table before", "existing"):
        _load_existing(connection, shape)
        before = _checksum(connection)
        out.line(f"  {number(before['rows'])} rows, checksum {before['checksum']}")

    life = _Life(state, Client(connection), connection, folder, proof, clock)
    life.headers(expected)
    first = life.import_files(expected, "first import")
    proof.equal("rows in the table", _checksum(connection)["rows"],
                before["rows"] + expected.clean_rows)  # fmt: skip
    kept = demo_codes.single_keys(shape, 3)
    life.somebody_changes(kept)
    life.plan(first, kept, expected)
    life.rollback_refused(first)
    life.rollback(first, expected, before)

    again = demo_codes.recount(folder, itertools.chain(demo_codes.existing_keys(shape), kept))
    second = life.import_files(again, "second import")
    proof.equal("rows in the table", _checksum(connection)["rows"],
                before["rows"] + len(kept) + again.clean_rows)  # fmt: skip
    connection.close()

    seconds = time.monotonic() - begin
    _summary(out, proof, clock, seconds)
    _by_hand(out, server, dsn, second)
    message = (
        f"{len(proof.facts)} proofs hold"
        if proof.holds
        else f"{sum(not fact['ok'] for fact in proof.facts)} of {len(proof.facts)} proofs failed"
    )
    return {
        "success": proof.holds,
        "job_id": second,
        "message": message,
        "rows": rows,
        "folder": str(folder),
        "dsn": dsn,
        "jobs": [first, second],
        "seconds": round(seconds, 3),
        "proofs": proof.facts,
        "steps": clock.steps,
    }


@dataclass
class _Life:
    """The steps of the import, each with its proofs."""

    state: State
    client: Client
    connection: psycopg.Connection[Any]
    folder: Path
    proof: Proof
    clock: _Clock

    @property
    def out(self) -> Output:
        return self.state.out

    def headers(self, expected: demo_codes.Expected) -> None:
        with self.clock.step(f"pgimport headers {_TARGET} FOLDER", "headers", expected.records):
            found = check_headers(self.client, _TARGET, [str(self.folder)])
            kinds: dict[tuple[str, ...], list[dict[str, Any]]] = {}
            for file in found:
                kinds.setdefault((*file["header"], file["delimiter"]), []).append(file)
            self.out.table(
                ("files", "rows", "delimiter", "header"),
                [
                    (len(files), sum(file["rows"] for file in files), files[0]["delimiter"],
                     ",".join(files[0]["header"]))
                    for files in kinds.values()
                ],
                right=("files", "rows"),
                indent="  ",
                width=70,
            )  # fmt: skip
        self.proof.equal(
            "files that are ready",
            sum(file["status"] == "ok" for file in found),
            expected.files,
        )
        self.proof.equal("rows found", sum(file["rows"] for file in found), expected.records)

    def import_files(self, expected: demo_codes.Expected, name: str) -> str:
        proof, out = self.proof, self.out
        records = expected.records
        with self.clock.step(f"pgimport import {_TARGET} FOLDER  ({name})", f"{name}: stage",
                             records):  # fmt: skip
            staged = stage_paths(
                self.state, _TARGET, [str(self.folder)], {"source": "demo", "actor": "demo"}
            )
            job_id = str(staged["job_id"])
        with self.clock.step("… what would happen", f"{name}: check", expected.total_rows):
            check = self.client.check_job(job_id).raw
            show_check(self.state, check)
        counts = check["counts"]
        for key in ("files", "total_rows", "invalid_rows", "internal_duplicates",
                    "database_duplicates", "both_duplicates", "clean_rows"):  # fmt: skip
            proof.equal(key.replace("_", " "), counts[key], getattr(expected, key))
        proof.equal(
            "they add up: invalid + internal + database - both + clean = staged",
            counts["invalid_rows"] + counts["internal_duplicates"] + counts["database_duplicates"]
            - counts["both_duplicates"] + counts["clean_rows"],
            counts["total_rows"],
        )  # fmt: skip
        proof.equal(
            "issues by kind",
            {error["code"]: error["count"] for error in sorted(check["errors"], key=_code)},
            expected.issues,
        )
        proof.equal(
            "each issue with its file and line", self._issue_lines(job_id),
            sorted(expected.issue_lines),
        )  # fmt: skip
        out.line(
            f"\n{number(counts['clean_rows'])} rows will be inserted into {check['target']}.\n"
            "Type YES to go on: YES        (typed by the demo)"
        )
        with self.clock.step("… insert", f"{name}: insert", expected.clean_rows):
            inserted = self.client.insert_job(job_id).raw
            show_insert(self.state, inserted)
        proof.equal("rows inserted", inserted["rows_inserted"], expected.clean_rows)
        with self.clock.step(f"pgimport verify {job_id}", f"{name}: verify", expected.clean_rows):
            verified = self.client.verify_job(job_id).raw
            show_verify(self.state, verified)
        proof.equal("verified", verified["verified"], True)
        proof.equal(
            "checksum of the table's rows is that of the staged ones",
            verified["checksum_target"], verified["checksum_staged"],
        )  # fmt: skip
        return job_id

    def _issue_lines(self, job_id: str) -> list[tuple[str, int, str]]:
        names = {
            file["file_no"]: file["file_name"] for file in self.client.get_job(job_id).raw["files"]
        }
        return sorted(
            (names[row.raw["file_no"]], row.raw["line_no"], row.raw["code"])
            for row in self.client.issue_report(job_id, None, 1000)
        )

    def somebody_changes(self, keys: list[tuple[str, str]]) -> None:
        with (
            self.clock.step("Meanwhile somebody claims three of the new codes", "live change"),
            open_connection(self.state.conninfo()) as somebody,
        ):
            for merchant, code in keys:
                changed = somebody.execute(
                    "UPDATE public.codes SET claimed = true, updated_at = now(),"
                    " claimed_customer_id = gen_random_uuid()"
                    " WHERE merchant_id = %s AND code = %s",
                    [merchant, code],
                )
                self.out.line(f"  {code} of merchant {merchant}: {changed.rowcount} row")

    def plan(self, job_id: str, keys: list[tuple[str, str]], expected: demo_codes.Expected) -> None:
        with self.clock.step(f"pgimport plan {job_id}", "plan", expected.clean_rows):
            plan = self.client.plan_rollback(job_id).raw
            show_plan(self.state, plan, job_id)
        self.proof.equal("rows to delete", plan["delete"], expected.clean_rows - len(keys))
        self.proof.equal(
            "the plan names exactly the changed rows",
            sorted(
                (row["key"]["merchant_id"], row["key"]["code"])
                for row in plan["details"]["modified_rows"]
            ),
            sorted(keys),
        )

    def rollback_refused(self, job_id: str) -> None:
        before = _checksum(self.connection)
        code = None
        with self.clock.step(f"pgimport rollback {job_id}", "rollback refused"):
            try:
                self.client.rollback_job(job_id)
            except RollbackRefused as refused:
                code = refused.code
                self.out.line(f"  {refused.message}\n  hint: {refused.hint}")
        self.proof.equal("refused, because rows were modified", code, "PI504")
        self.proof.equal("the table is as it was", _checksum(self.connection), before)

    def rollback(self, job_id: str, expected: demo_codes.Expected, before: dict[str, Any]) -> None:
        with self.clock.step(
            f"pgimport rollback {job_id} --mode keep_modified", "rollback", expected.clean_rows
        ):
            self.out.line("Type DELETE to go on: DELETE        (typed by the demo)")
            done = self.client.rollback_job(job_id, "keep_modified", "the demo").raw
            show_rollback(self.state, done)
        self.proof.equal("rows kept", done["rows_kept"], 3)
        self.proof.equal("rows deleted", done["rows_deleted"], expected.clean_rows - 3)
        self.proof.equal(
            "but for these three the table is as before the import",
            _checksum(self.connection, without_job=job_id),
            before,
        )


def _code(error: dict[str, Any]) -> str:
    return str(error["code"])


def _numbers(expected: demo_codes.Expected) -> dict[str, Any]:
    return {
        "records": expected.records,
        "refused": expected.refused,
        "invalid": expected.invalid_rows,
        "internal": expected.internal_duplicates,
        "database": expected.database_duplicates,
        "both": expected.both_duplicates,
        "clean": expected.clean_rows,
    }


def _fresh_database(server_dsn: str) -> str:
    with open_connection(server_dsn) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
    return make_conninfo(server_dsn, dbname=DATABASE)


def example_file(name: str) -> str:
    """Text of a file of examples/codes, in a checkout or in the installed package."""
    for root in (sql_root(), Path(__file__).parent):
        path = root / "examples" / "codes" / name
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise FileNotFoundError(f"examples/codes/{name} is not in this installation")


def _set_up(connection: psycopg.Connection[Any]) -> None:
    for text in (example_file("schema.sql"), assemble(), example_file("target.sql")):
        with connection.transaction():
            connection.execute(text.encode())


def _empty(folder: Path) -> None:
    if folder.is_dir():
        for path in folder.glob("codes_*.csv*"):
            path.unlink()


def _load_existing(connection: psycopg.Connection[Any], shape: demo_codes.Shape) -> None:
    columns = "merchant_id, code, serial, sku, points, source"
    rows = demo_codes.existing_rows(shape)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY public.codes ({columns}) FROM STDIN") as copy,
    ):
        while block := list(itertools.islice(rows, 20_000)):
            copy.write("".join("\t".join(map(str, row)) + "\n" for row in block))
    connection.execute("VACUUM (ANALYZE) public.codes")


def _checksum(
    connection: psycopg.Connection[Any], without_job: str | None = None
) -> dict[str, Any]:
    """Rows of the table and an order-independent checksum over all their columns."""
    row = connection.execute(
        "SELECT count(*), coalesce(sum(hashtextextended(c::text, 0)::numeric), 0)"
        " FROM public.codes AS c WHERE %(job)s::uuid IS NULL"
        " OR c.import_job_id IS DISTINCT FROM %(job)s::uuid",
        {"job": without_job},
    ).fetchone()
    rows, checksum = row or (0, 0)
    return {"rows": rows, "checksum": str(checksum)}


def _summary(out: Output, proof: Proof, clock: _Clock, seconds: float) -> None:
    out.line("\n== Times")
    out.table(
        ("step", "seconds", "rows", "rows/s"),
        [
            (step["step"], f"{step['seconds']:.1f}", number(step["rows"]),
             number(step["rows_per_second"]))
            for step in clock.steps
        ],
        right=("seconds", "rows", "rows/s"),
        indent="  ",
    )  # fmt: skip
    failed = [fact["what"] for fact in proof.facts if not fact["ok"]]
    if failed:
        out.line(f"\n{len(failed)} of {len(proof.facts)} proofs FAILED: {'; '.join(failed)}")
    else:
        out.line(f"\nAll {len(proof.facts)} proofs hold, in {duration(seconds)}.")


def _by_hand(out: Output, server: Any, dsn: str, job_id: str) -> None:
    psql = shutil.which("psql") or server.binary("psql")
    info = conninfo_to_dict(dsn)
    words = " ".join(f"{name}={info[name]}" for name in ("host", "port", "user", "dbname")
                     if info.get(name))  # fmt: skip
    out.line(f"""
The job and its rows are still there. Go on by hand:

  {psql} "{words}"
    select jsonb_pretty(pgimport.plan_rollback('{job_id}'));
    select * from pgimport.issue_report('{job_id}');

  python
    import psycopg, pgimport
    connection = psycopg.connect("{words}")
    print(pgimport.Client(connection).plan_rollback("{job_id}"))

  pgimport --dsn "{words}" show {job_id}
  pgimport --embedded stop""")


__all__ = ["DATABASE", "Proof", "example_file", "run_codes"]

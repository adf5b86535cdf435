"""Carries out the steps of the model test twice, in the database and in the model, and compares."""

from __future__ import annotations

import contextlib
import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from model import DELETED, UNKNOWN, Cells, Job, Model, Options, Plan, Row, Table, Value
from model_kinds import Kind
from model_steps import Add, Change, Clear, Insert, Load, Redo, Remove, Rollback, Step

#: a row in a list of a plan: class, kind, key
Listed = tuple[str, str, str]

#: the role that runs the jobs of some kinds
IMPORTER = "model_importer"

SESSION = """
SET timezone = 'UTC'; SET extra_float_digits = 1; SET client_min_messages = warning;
SET model.clock = '2024-01-01 00:00:00+00';
-- the same plans as ever, made once: four fifths of the time would go into planning
SET plan_cache_mode = force_generic_plan; SET jit = off; SET max_parallel_workers_per_gather = 0
"""


def prepare(conn: psycopg.Connection[Any], kind: Kind) -> None:
    """Make the tables of a kind and register them."""
    conn.execute(SESSION)
    if kind.prelude:
        conn.execute(kind.prelude)
    schema = kind.name
    conn.execute(
        sql.SQL("DROP SCHEMA IF EXISTS {0} CASCADE; CREATE SCHEMA {0}").format(
            sql.Identifier(schema)
        )
    )
    for table in kind.tables:
        conn.execute(sql.SQL(table.ddl).format(schema=sql.Identifier(schema)))
        conn.execute(
            "SELECT pgimport.register_target(%s::text::regclass, %s, %s, %s)",
            (f"{schema}.{table.name}", f"{schema}.{table.name}", list(table.key),
             Jsonb(table.options)),
        )  # fmt: skip
        for column in table.columns:
            if column.on_update != "overwrite":
                conn.execute(
                    "SELECT pgimport.set_column(%s, %s, %s)",
                    (f"{schema}.{table.name}", column.name,
                     Jsonb({"on_update": column.on_update})),
                )  # fmt: skip
    if kind.other_role:
        conn.execute("SELECT pgimport.grant_usage(%s, 'importer')", (IMPORTER,))
        conn.execute(
            sql.SQL(
                "GRANT USAGE ON SCHEMA {0} TO {1}; GRANT ALL ON ALL TABLES IN SCHEMA {0} TO {1}"
            ).format(sql.Identifier(schema), sql.Identifier(IMPORTER))
        )


def unguard(conn: psycopg.Connection[Any]) -> None:
    """Let a superuser remove jobs and their log: the guards fire always, also under replica."""
    for relation, trigger in conn.execute(
        "SELECT t.tgrelid::regclass::text, t.tgname FROM pg_trigger AS t"
        " JOIN pg_class AS c ON c.oid = t.tgrelid"
        " WHERE c.relnamespace = 'pgimport'::regnamespace AND t.tgenabled = 'A'"
        " AND t.tgparentid = 0 AND t.tgname LIKE 'guard%'"
    ).fetchall():
        conn.execute(f"ALTER TABLE {relation} ENABLE TRIGGER {trigger}")


class Machine:
    """One example: a model and the tables of a kind, both empty at first."""

    def __init__(
        self, conn: psycopg.Connection[Any], kind: Kind, seen: Counter[str] | None = None
    ) -> None:
        self.conn = conn
        self.kind = kind
        self.model = Model(kind.tables)
        #: what happened, to know that all of it does
        self.seen: Counter[str] = Counter() if seen is None else seen
        #: the ids of the model's jobs
        self.ids: list[str] = []

    @contextlib.contextmanager
    def example(self, *, one_transaction: bool) -> Iterator[None]:
        """Leave the tables empty again: by a transaction that is aborted, or by hand."""
        if one_transaction:
            self.conn.execute("BEGIN")
        try:
            yield
        finally:
            if one_transaction:
                self.conn.execute("ROLLBACK")
            self.conn.execute("RESET ROLE")
            if not one_transaction:
                self.clean()

    def clean(self) -> None:
        """Remove all that the jobs left: what no function of pgimport may do."""
        self.conn.execute("SET session_replication_role = replica")
        for table in self.kind.tables:
            self.conn.execute(
                sql.SQL("TRUNCATE {}{}").format(self.place(table), sql.SQL(" CASCADE"))
            )
        for name in ("job_event", "job_write", "kept_row", "issue", "file", "job"):
            self.conn.execute(
                sql.SQL("DELETE FROM pgimport.{} WHERE job_id = ANY (%s::uuid[])").format(
                    sql.Identifier(name)
                ),
                (self.ids,),
            )
        self.conn.execute("SET session_replication_role = origin")
        for job_id in self.ids:
            staged = self.conn.execute(
                "SELECT format('%%I.%%I', n.nspname, c.relname), c.relkind::text FROM pg_class AS c"
                " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
                " WHERE n.nspname = 'pgimport_staging' AND c.relkind IN ('r', 'p', 'v', 'S')"
                " AND NOT c.relispartition AND c.relname LIKE %s ORDER BY c.relkind DESC",
                (f"job\\_{job_id.replace('-', '')}%",),
            ).fetchall()
            for name, kind in staged:
                what = {"v": "VIEW", "S": "SEQUENCE"}.get(kind, "TABLE")
                self.conn.execute(f"DROP {what} IF EXISTS {name} CASCADE")

    # SQL

    def place(self, table: Table) -> sql.Composed:
        """Name a table."""
        return sql.Composed([sql.Identifier(self.kind.name, table.name)])

    def run(self, statement: str, *parameters: Any) -> Any:
        """Call a function of pgimport as whoever runs the jobs; give its answer."""
        row = self.conn.execute(statement, parameters).fetchone()
        return row[0] if row else None

    def content(self, table: Table) -> list[tuple[Cells, str | None]]:
        """Read the table: its values as texts, and the id of the job."""
        columns = sql.SQL(", ").join(
            sql.SQL("left({}::text, 0) || {}" if name == table.soft else "{}::text").format(
                sql.Identifier(name), sql.Literal(DELETED)
            )
            for name in [*table.names, "import_job_id"]
        )
        query = sql.SQL("SELECT {} FROM {}").format(columns, self.place(table))
        rows = self.conn.execute(query).fetchall()
        return [(dict(zip(table.names, row[:-1], strict=True)), row[-1]) for row in rows]

    def where(self, table: Table, row: Row) -> sql.Composable:
        """Tell a row from all others."""
        names = table.given or table.key
        if not table.equal_nulls:
            names = tuple(table.names)
        found = sql.SQL(" AND ").join(
            sql.SQL("{}::text IS NOT DISTINCT FROM {}").format(
                sql.Identifier(name), sql.Literal(row.cells[name])
            )
            for name in names
        )
        if table.equal_nulls:
            return found
        # there may be several, and one is as good as the other
        job_id = row.job and self.ids[row.job.number]
        return sql.SQL(
            "ctid = (SELECT ctid FROM {} WHERE {} AND import_job_id IS NOT DISTINCT FROM {}::uuid "
            "LIMIT 1)"
        ).format(self.place(table), found, sql.Literal(job_id))

    # steps

    def apply(self, step: Step) -> bool:
        """Carry out a step, if it is possible, and compare; whether it was."""
        self.model.clock += 1
        self.run("SELECT set_config('model.clock', %s, false)", self.model.now())
        done = self.people(step) if isinstance(step, Add | Change | Remove) else self.job_step(step)
        if done:
            self.compare()
        return done

    def people(self, step: Add | Change | Remove) -> bool:
        """Change a table as people do; not where a constraint would refuse it."""
        model = self.model
        table = model.tables[step.table]
        if isinstance(step, Add):
            cells = dict(step.cells)
            if self.taken(table, cells, model.alive(table)) or not model.has_parent(table, cells):
                return False
            names = list(cells)
            self.conn.execute(
                sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                    self.place(table), sql.SQL(", ").join(map(sql.Identifier, names)),
                    sql.SQL(", ").join(sql.Literal(cells[name]) for name in names),
                )
            )  # fmt: skip
            model.add(table, cells)
            return True

        rows = model.alive(table)
        if not rows:
            return False
        row = rows[step.row % len(rows)]
        if isinstance(step, Remove):
            if any(model.children(table, [row])):
                return False
            self.conn.execute(
                sql.SQL("DELETE FROM {} WHERE {}").format(self.place(table), self.where(table, row))
            )
            model.remove(table, row)
            return True

        cells = {step.column: step.value}
        if step.column in table.key:
            others = [other for other in rows if other is not row]
            if self.taken(table, row.cells | cells, others) or any(model.children(table, [row])):
                return False
        if not model.has_parent(table, cells):
            return False
        before = {step.column: row.cells[step.column]}
        self.update(table, row, cells)
        if step.back:
            self.update(table, row, before)
        return True

    @staticmethod
    def taken(table: Table, cells: Cells, rows: list[Row]) -> bool:
        """Whether another row has the key."""
        key = table.alike(cells)
        equal = table.equal_nulls or None not in key
        return equal and any(table.alike(row.cells) == key for row in rows)

    def update(self, table: Table, row: Row, cells: Cells) -> None:
        """Update a row as people do."""
        self.conn.execute(
            sql.SQL("UPDATE {} SET {} WHERE {}").format(
                self.place(table),
                sql.SQL(", ").join(
                    sql.SQL("{} = {}").format(sql.Identifier(n), sql.Literal(v))
                    for n, v in cells.items()
                ),
                self.where(table, row),
            )
        )
        self.model.change(table, row, cells)

    def job_step(self, step: Load | Insert | Rollback | Redo | Clear) -> bool:
        """Do something with a job."""
        if isinstance(step, Load):
            job = self.load(step)
            if step.until != "check":
                self.insert(job, dry_run=step.until == "dry run")
            return True
        if isinstance(step, Insert):
            waiting = [job for job in self.model.jobs if job.status == "checked"]
            if waiting:
                self.insert(waiting[step.job % len(waiting)], dry_run=False)
            return bool(waiting)
        if isinstance(step, Clear):
            jobs = [job for job in self.model.jobs if not job.cleared]
            if jobs:
                job = jobs[step.job % len(jobs)]
                self.act("SELECT pgimport.clear_staging(%s)", self.ids[job.number])
                self.model.clear_staging(job)
            return bool(jobs)
        if isinstance(step, Redo):
            jobs = [job for job in self.model.jobs if job.status == "rolled_back"]
            if jobs:
                self.redo(jobs[step.job % len(jobs)])
            return bool(jobs)
        jobs = [job for job in self.model.jobs if job.status == "completed"]
        if jobs:
            self.rollback(jobs[step.job % len(jobs)], step)
        return bool(jobs)

    def act(self, statement: str, *parameters: Any) -> dict[str, Any]:
        """Call a function of pgimport as the role that runs the jobs."""
        if self.kind.other_role:
            self.conn.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(IMPORTER)))
        answer = self.run(statement, *parameters)
        if self.kind.other_role:
            self.conn.execute("RESET ROLE")
        assert isinstance(answer, dict)
        return answer

    def load(self, step: Load) -> Job:
        """Start a job, stage its files and check it."""
        table = self.model.tables[step.table]
        options = {"on_duplicate": step.on_duplicate, "keep": step.keep}
        answer = self.act(
            "SELECT pgimport.create_job(%s, %s)",
            f"{self.kind.name}.{table.name}", Jsonb(options),
        )  # fmt: skip
        job_id = answer["job_id"]
        self.ids.append(job_id)
        for number, (header, rows) in enumerate(step.files):
            opened = self.act(
                "SELECT pgimport.stage_file(%s, %s, %s)", job_id, f"{number}.csv", list(header)
            )
            if self.kind.other_role:
                self.conn.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(IMPORTER)))
            with self.conn.cursor() as cursor, cursor.copy(opened["copy_sql"]) as copy:
                copy.write(written(header, rows))
            self.act(
                "SELECT pgimport.finish_file(%s, %s, %s)", job_id, opened["file_no"], len(rows)
            )
        files = [
            (list(header), [dict(zip(header, row, strict=True)) for row in rows])
            for header, rows in step.files
        ]
        job = self.model.check(table, step.on_duplicate, step.keep, files)
        answer = self.act("SELECT pgimport.check_job(%s)", job_id)
        valid = [row for row in job.rows if row.valid]
        self.expect(
            answer,
            {
                "total_rows": len(job.rows),
                "invalid_rows": len(job.rows) - len(valid),
                "internal_duplicates": sum(row.repeated for row in valid),
                "database_duplicates": sum(row.known for row in valid),
            },
            answer["counts"],
        )
        return job

    def insert(self, job: Job, *, dry_run: bool) -> None:
        """Insert a job, or say what that would do."""
        answer = self.act(
            "SELECT pgimport.insert_job(%s, %s)", self.ids[job.number],
            Jsonb({"dry_run": dry_run}),
        )  # fmt: skip
        expected = self.model.insert(job, dry_run=dry_run)
        self.seen[f"insert {job.on_duplicate}: {expected.get('code', 'done')}"] += 1
        for name in ("rows_updated", "rows_unchanged", "rows_inserted", "rows_rejected"):
            self.seen[f"insert {job.on_duplicate}: {name}"] += bool(expected.get(name))
        self.expect(answer, expected)

    def rollback(self, job: Job, step: Rollback) -> None:
        """Compare the plan of a rollback, then roll back."""
        first = job.table.column(job.table.key[0])
        where = None
        if step.which:
            where = tuple(first.pool[number % len(first.pool)][1] for number in step.which)
        with_later = step.with_later and not where
        forced = step.force and step.mode == "cascade"
        options = Options(step.mode, where, with_later, step.hard, forced)
        given: dict[str, Any] = {}
        if where:
            given["filter"] = {first.name: list(where)}
        if with_later:
            given["with_later_jobs"] = True
        if forced:
            given["force"] = True
        if step.hard:
            given["soft_delete"] = False

        self.compare_plan(job, options, given)
        plan = self.model.plan(job, options)
        partly = bool(job.deleted or job.restored or job.left)
        kept = [] if options.force else self.modified_rows(job, plan)
        if not where:
            self.compare_rows(job, plan)
        expected = self.model.rollback(job, options)
        self.notice(step.mode, expected, plan, options, job)
        answer = self.act(
            "SELECT pgimport.rollback_job(%s, %s, p_options => %s)",
            self.ids[job.number], step.mode, Jsonb(given),
        )  # fmt: skip
        self.expect(answer, expected)
        if job.status == "rolled_back" and not (where or with_later or partly or job.redone):
            self.same_rows(
                self.rows_of(job, ["kept"]), [("kept", kind, key) for _, kind, key in kept]
            )

    def compare_plan(self, job: Job, options: Options, given: dict[str, Any]) -> None:
        """What plan_rollback says is what the model says."""
        plan = self.model.plan(job, options)
        answer = self.act(
            "SELECT pgimport.plan_rollback(%s, %s, %s)",
            self.ids[job.number],
            options.mode,
            Jsonb(given),
        )
        answer["dependents"] = sum(found["count"] for found in answer["dependents"])
        answer["later_jobs"] = [later["job_id"] for later in answer["later_jobs"]]
        self.expect(
            answer,
            {
                "eligible": True,
                "soft": plan.soft,
                "delete": len(plan.delete),
                "restore": len(plan.restore),
                "already_gone": plan.gone,
                "modified": plan.modified,
                "dependents": len(plan.dependents),
                "later_jobs": [self.ids[other.number] for other in plan.later],
            },
        )

    def redo(self, job: Job) -> None:
        """Import a job once more."""
        revived = job.revives
        expected = self.model.redo(job)
        outcome = expected if isinstance(expected, str) else expected.get("code", "done")
        self.seen[f"redo{' soft' if revived else ''}: {outcome}"] += 1
        if isinstance(expected, dict):
            answer = self.act("SELECT pgimport.redo_job(%s)", self.ids[job.number])
            self.expect(answer, expected)
            return
        code = None
        try:
            with self.conn.transaction():
                self.act("SELECT pgimport.redo_job(%s)", self.ids[job.number])
        except psycopg.Error as error:
            code = error.sqlstate
        if code != expected:
            raise AssertionError(f"redo: {code}, expected {expected}")

    def notice(
        self, mode: str, expected: dict[str, Any], plan: Plan, options: Options, job: Job
    ) -> None:
        """Count what a rollback met."""
        outcome = f"rollback {mode}: {expected.get('code', 'done')}"
        self.seen[outcome] += 1
        for name in ("modified", "restore", "mixed", "later", "dependents", "gone", "delete"):
            self.seen[f"{outcome}, {name}"] += bool(getattr(plan, name))
        for name in ("where", "with_later", "hard", "forced"):
            self.seen[f"{outcome}, option {name}"] += bool(getattr(options, name))
        self.seen[f"{outcome}, redone"] += bool(job.redone)
        self.seen[f"{outcome}, soft"] += plan.soft
        self.seen[f"{outcome}, partial"] += bool(expected.get("partial"))

    # comparison

    def expect(
        self, answer: dict[str, Any], expected: dict[str, Any], where: dict[str, Any] | None = None
    ) -> None:
        """Compare an answer with what the model says of it."""
        found = {name: (where or answer).get(name) for name in expected}
        if found != expected:
            raise AssertionError(f"answer {found}, expected {expected}: {answer}")

    def compare(self) -> None:
        """Compare the tables, and what is said of each job."""
        for table in self.model.tables.values():
            self.compare_table(table)
        for job in self.model.jobs:
            self.compare_job(job)

    def finish(self) -> None:
        """Compare the tables once more: neither plans nor proofs have changed anything."""
        for table in self.model.tables.values():
            self.compare_table(table)

    def compare_table(self, table: Table) -> None:
        """Every row, value and job id is the model's."""
        found = self.content(table)
        self.learn(table, [cells for cells, _ in found])
        ids = {job_id: number for number, job_id in enumerate(self.ids)}
        there = sorted(
            repr((list(cells.items()), None if job_id is None else ids[job_id]))
            for cells, job_id in found
        )
        expected = sorted(
            repr(([(n, row.cells[n]) for n in table.names], row.job and row.job.number))
            for row in self.model.rows[table.name]
        )
        if there != expected:
            missing = [line for line in expected if line not in there]
            extra = [line for line in there if line not in expected]
            raise AssertionError(f"table {table.name}: missing {missing}, instead {extra}")

    def learn(self, table: Table, found: Sequence[Cells]) -> None:
        """Take over what the table gave to new rows."""
        known = {tuple(r.cells[n] for n in table.given) for r in self.model.rows[table.name]}
        for row in self.model.rows[table.name] if table.given else []:
            if UNKNOWN in row.cells.values():
                for cells in found:
                    given: tuple[Value, ...] = tuple(cells[name] for name in table.given)
                    if given not in known and table.alike(cells) == table.alike(row.cells):
                        old = self.model.print_of(table, row)
                        row.cells |= dict(zip(table.given, given, strict=True))
                        if row.job and old in row.job.prints:
                            row.job.prints.remove(old)
                            row.job.prints.add(self.model.print_of(table, row))
                        known.add(given)
                        break

    def compare_job(self, job: Job) -> None:
        """What verify_job and plan_rollback say is what the model says."""
        job_id = self.ids[job.number]
        self.compare_verified(job, job_id)
        if job.status == "completed":
            self.compare_plan(job, Options(), {})

    def rows_of(self, job: Job, classes: list[str]) -> list[Listed]:
        """Read the lists of a plan: class, kind and key of each row."""
        answer = self.act(
            "SELECT jsonb_build_object('rows', coalesce(jsonb_agg(jsonb_build_array("
            "c.class, r.kind, r.key)), '[]')) FROM unnest(%s::text[]) AS c (class)"
            " CROSS JOIN LATERAL pgimport.rollback_rows(%s, c.class) AS r",
            classes,
            self.ids[job.number],
        )
        return [(name, kind, repr(job.table.alike(key))) for name, kind, key in answer["rows"]]

    def listed(self, job: Job, name: str, kind: str, row: Row) -> Listed:
        """Show a row as a list of a plan does."""
        return name, kind, repr(job.table.alike(row.cells))

    def modified_rows(self, job: Job, plan: Plan) -> list[Listed]:
        """Show the rows that are not as the job left them."""
        return [self.listed(job, "modified", "inserted", row) for row in plan.changed] + [
            self.listed(job, "modified", "updated", row) for _, row in plan.mixed
        ]

    def compare_rows(self, job: Job, plan: Plan) -> None:
        """The lists of a plan name the rows that the model names."""
        expected = self.modified_rows(job, plan)
        expected += [self.listed(job, "delete", "inserted", row) for row in plan.delete]
        expected += [self.listed(job, "restore", "updated", row) for _, row in plan.restore]
        self.same_rows(self.rows_of(job, ["delete", "restore", "modified"]), expected)

    @staticmethod
    def same_rows(found: list[Listed], expected: list[Listed]) -> None:
        """Compare two lists of rows."""
        if sorted(found) != sorted(expected):
            raise AssertionError(f"rows {sorted(found)}, expected {sorted(expected)}")

    def compare_verified(self, job: Job, job_id: str) -> None:
        """What verify_job says is what the model says."""
        verified = self.act("SELECT pgimport.verify_job(%s)", job_id)
        self.expect(verified, {"verified": self.model.verified(job), "status": job.status})


def written(header: Sequence[str], rows: Sequence[Sequence[Value]]) -> str:
    """Write a file: what is missing is an empty field, an empty text is quoted."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        line = io.StringIO()
        csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="").writerow(
            ["\0" if value is None else value for value in row]
        )
        text.write(line.getvalue().replace('"\0"', "") + "\n")
    return text.getvalue()

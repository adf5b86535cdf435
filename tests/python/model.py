"""What pgimport promises, in plain Python without a database: the model of test_model.py.

A table is a list of rows; a value is the text that PostgreSQL shows for it, or None. A job
remembers what it inserted (``prints``) and what it updated (``images``: before and after).
Everything a rollback does follows from the rows as they are now and from those two:

* a row of the job that is as the job left it is deleted; one that was changed since is modified;
  one that is not there any more is gone. Rewritten with equal values is as it was.
* an updated row that holds what the job wrote gets its old values back; else it is modified, and
  with keep_modified it is taken back column by column: what still is what the job wrote.
* mode refuse stops at any modified row, later job or dependent, and then nothing at all happens.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Value = str | None
Cells = dict[str, Value]
OnDuplicate = Literal["skip", "update", "error", "create"]
Mode = Literal["refuse", "keep_modified", "force", "cascade"]

#: what a file says that no value of the type is
BAD = "\0bad"
#: a value that the table gives, learnt when it is first seen
UNKNOWN = "\0unknown"
#: any time in a column that declares rows deleted
DELETED = "deleted"


def same(value: str) -> str:
    """Compare values as they are."""
    return value


@dataclass(frozen=True)
class Column:
    """A column: what files may say of it and how the table then shows it."""

    name: str
    type: str
    #: (what a file says, what the table shows)
    pool: tuple[tuple[str, str], ...] = ()
    on_update: Literal["overwrite", "fill_blank", "keep"] = "overwrite"
    not_null: bool = False
    default: Value = None
    is_text: bool = False
    #: what two equal keys have in common
    alike: Callable[[str], str] = same
    #: (table, column) that must hold the value
    parent: tuple[str, str] | None = None

    def stored(self, said: Value) -> Value:
        """Tell what the table shows for what a file says."""
        return None if said is None else dict(self.pool)[said]


@dataclass(frozen=True)
class Table:
    """A table that is a target."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    ddl: str
    options: dict[str, str] = field(default_factory=dict)
    #: columns that the table gives to each new row
    given: tuple[str, ...] = ()
    #: columns that are computed from others: never imported, never compared for "modified"
    computed: Callable[[Cells], Cells] = lambda _: {}
    #: what a trigger makes of a row that is written
    trigger: Callable[[Cells, str], Cells] = lambda _cells, _clock: {}
    #: the trigger's own columns, not imported
    own: tuple[str, ...] = ()
    #: rows that the job's role may see
    visible: Callable[[Cells], bool] = lambda _: True
    soft: str | None = None
    #: whether keys that have a null in them can be equal
    equal_nulls: bool = True

    def column(self, name: str) -> Column:
        """Find a column by its name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> list[str]:
        """All columns but import_job_id."""
        computed = self.computed({column.name: None for column in self.columns})
        soft = [self.soft] if self.soft else []
        return [*self.given, *(c.name for c in self.columns), *self.own, *computed, *soft]

    @property
    def printed(self) -> list[str]:
        """The columns that make a row modified when they change."""
        return [*self.given, *(c.name for c in self.columns), *self.own]

    def alike(self, cells: Cells) -> tuple[Value, ...]:
        """Give what two rows with the same key have in common."""
        values = ((self.column(name), cells[name]) for name in self.key)
        return tuple(None if value is None else column.alike(value) for column, value in values)


@dataclass(eq=False)
class Row:
    """A row of a table."""

    cells: Cells
    job: Job | None = None
    #: left behind by a rollback: people's now, though it carries the job's id
    kept: bool = False
    #: declared deleted by the rollback of its job
    declared: bool = False


@dataclass
class Staged:
    """A row of a file: its values as the table would show them."""

    cells: Cells
    #: the columns that its file has
    mapped: list[str]
    valid: bool = True
    repeated: bool = False
    known: bool = False


@dataclass
class Image:
    """A row that a job updated: its key, the values before and after."""

    key: tuple[Value, ...]
    old: Cells
    new: Cells
    undone: bool = False


@dataclass(eq=False)
class Job:
    """An import."""

    number: int
    table: Table
    on_duplicate: OnDuplicate
    keep: Literal["first", "last"]
    rows: list[Staged]
    columns: list[str]
    status: str = "checked"
    cleared: bool = False
    inserted: int = 0
    updated: int = 0
    prints: set[tuple[Value, ...]] = field(default_factory=set)
    images: list[Image] = field(default_factory=list)
    #: when it was completed
    place: int = 0
    deleted: int = 0
    restored: int = 0
    left: int = 0
    #: those of them that it had inserted
    left_rows: int = 0
    left_before: int = 0
    cascaded: int = 0
    #: a rollback declared rows deleted instead of deleting them
    soft: bool = False
    redone: int = 0

    @property
    def revives(self) -> bool:
        """Whether a redo declares rows alive again instead of inserting them."""
        return self.soft and self.deleted > 0


@dataclass(frozen=True)
class Options:
    """Mode and options of a rollback."""

    mode: Mode = "refuse"
    #: the first column of the key has one of these values
    where: tuple[str, ...] | None = None
    with_later: bool = False
    #: delete also where the table has a column that declares rows deleted
    hard: bool = False
    #: mode cascade: what people wrote goes, too
    forced: bool = False

    @property
    def force(self) -> bool:
        """Whether what people wrote goes, too."""
        return self.mode == "force" or self.forced

    def wants(self, table: Table, row: Row) -> bool:
        """Whether a row is meant."""
        if self.where is None:
            return True
        column = table.column(table.key[0])
        return column.alike(row.cells[column.name] or "") in map(column.alike, self.where)

    def is_soft(self, table: Table) -> bool:
        """Whether rows are declared deleted instead of being deleted."""
        return table.soft is not None and not self.hard


@dataclass
class Plan:
    """What a rollback of a job would do."""

    soft: bool = False
    delete: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    restore: list[tuple[Image, Row]] = field(default_factory=list)
    mixed: list[tuple[Image, Row]] = field(default_factory=list)
    gone: int = 0
    later: list[Job] = field(default_factory=list)
    #: those of them that updated its rows
    updaters: list[Job] = field(default_factory=list)
    doomed: list[Row] = field(default_factory=list)
    dependents: list[tuple[Table, Row]] = field(default_factory=list)

    @property
    def modified(self) -> int:
        """Rows that are not as the job left them."""
        return len(self.changed) + len(self.mixed)


class Model:
    """Tables, jobs and people."""

    def __init__(self, tables: tuple[Table, ...]) -> None:
        self.tables = {table.name: table for table in tables}
        self.rows: dict[str, list[Row]] = {table.name: [] for table in tables}
        self.jobs: list[Job] = []
        self.clock = 0
        self.completions = 0

    # rows

    def now(self) -> str:
        """Give the time that triggers write: one minute a step."""
        return f"2024-01-01 {self.clock // 60:02}:{self.clock % 60:02}:00+00"

    def alive(self, table: Table) -> list[Row]:
        """Rows that are not declared deleted."""
        rows = self.rows[table.name]
        return [r for r in rows if table.soft is None or r.cells[table.soft] is None]

    def visible(self, table: Table) -> list[Row]:
        """Rows that jobs see."""
        return [row for row in self.alive(table) if table.visible(row.cells)]

    def find(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        """Find the row with a key."""
        if None in key and not table.equal_nulls:
            return None
        return next((r for r in self.visible(table) if table.alike(r.cells) == key), None)

    def written(self, table: Table, cells: Cells) -> Cells:
        """Give the values of a row after its trigger and computed columns."""
        cells = cells | table.trigger(cells, self.now())
        return cells | table.computed(cells)

    def add(self, table: Table, cells: Cells, job: Job | None = None) -> Row:
        """Insert a row."""
        blank: Cells = dict.fromkeys(table.given, UNKNOWN)
        blank |= {column.name: None for column in table.columns}
        if table.soft:
            blank[table.soft] = None
        row = Row(self.written(table, blank | cells), job)
        self.rows[table.name].append(row)
        return row

    def change(self, table: Table, row: Row, cells: Cells) -> None:
        """Update a row."""
        row.cells = self.written(table, row.cells | cells)

    def remove(self, table: Table, row: Row) -> None:
        """Delete a row."""
        self.rows[table.name].remove(row)

    def children(self, table: Table, rows: list[Row]) -> Iterator[tuple[Table, Row]]:
        """Rows of other tables that refer to rows."""
        for child in self.tables.values():
            for column in child.columns:
                if column.parent and column.parent[0] == table.name:
                    held = {row.cells[column.parent[1]] for row in rows}
                    for row in self.rows[child.name]:
                        if row.cells[column.name] in held - {None}:
                            yield child, row

    def has_parent(self, table: Table, cells: Cells) -> bool:
        """Whether the rows that a row refers to are there."""
        for column in table.columns:
            if column.parent and (value := cells.get(column.name)) is not None:
                parent, name = column.parent
                if all(row.cells[name] != value for row in self.rows[parent]):
                    return False
        return True

    # import

    def check(
        self,
        table: Table,
        on_duplicate: OnDuplicate,
        keep: Literal["first", "last"],
        files: list[tuple[list[str], list[Cells]]],
    ) -> Job:
        """Stage files (their columns, and rows as they say it) and check them."""
        names = [c.name for c in table.columns if any(c.name in header for header, _ in files)]
        job = Job(len(self.jobs), table, on_duplicate, keep, [], names)
        for header, rows in files:
            for said in rows:
                cells = {n: table.column(n).stored(said.get(n)) for n in names}
                job.rows.append(Staged(cells, header))
        self.jobs.append(job)
        self._mark(job)
        return job

    def _valid(self, job: Job, row: Staged) -> bool:
        """Whether a row can be inserted, or can update the row that has its key."""
        table, cells = job.table, row.cells
        missing = {name for name, value in cells.items() if value is None}
        missing &= {c.name for c in table.columns if c.not_null and c.default is None}
        if BAD in cells.values() or missing & set(table.key):
            return False
        there = self.find(table, table.alike(cells)) if job.on_duplicate == "update" else None
        if there:
            # what an update would not write is not asked for
            return self.has_parent(table, there.cells | self._merged(job, row, there))
        return not missing and self.has_parent(table, cells)

    def _mark(self, job: Job) -> None:
        for row in job.rows:
            row.valid = self._valid(job, row)
        seen: set[tuple[Value, ...]] = set()
        for row in job.rows if job.keep == "first" else reversed(job.rows):
            if row.valid and job.on_duplicate != "create":
                key = job.table.alike(row.cells)
                row.repeated = key in seen and (None not in key or job.table.equal_nulls)
                row.known = self.find(job.table, key) is not None
                seen.add(key)

    def _mark_again(self, job: Job) -> None:
        """Look again for keys right before the insert."""
        for row in job.rows:
            if row.valid and job.on_duplicate != "create":
                there = self.find(job.table, job.table.alike(row.cells)) is not None
                row.known = there or (row.known and job.on_duplicate != "update")

    def refused(self, job: Job) -> str | None:
        """Give the code with which an insert would be refused."""
        duplicates = any(row.valid and (row.repeated or row.known) for row in job.rows)
        return "PI405" if job.on_duplicate == "error" and duplicates else None

    def insert(self, job: Job, *, dry_run: bool = False) -> dict[str, object]:
        """Insert a checked job; give the keys of the answer."""
        self._mark_again(job)
        refused = self.refused(job)
        if refused or dry_run:
            return {"success": refused is None, **({"code": refused} if refused else {})}
        new = [row for row in job.rows if row.valid and not row.repeated and not row.known]
        if not self._possible(job, new):
            job.status = "failed"
            return {"success": False, "code": "PI404"}

        unchanged = 0
        job.prints, job.images = set(), []
        for staged, there in list(self._to_update(job)):
            unchanged += not self._update(job, staged, there)
        for staged in new:
            row = self.add(job.table, self._defaulted(job, staged), job)
            job.prints.add(self.print_of(job.table, row))
        job.inserted, job.updated = len(new), len(job.images)
        self._complete(job)
        valid = sum(row.valid for row in job.rows)
        return {
            "success": True,
            "rows_inserted": job.inserted,
            "rows_updated": job.updated,
            "rows_unchanged": unchanged,
            "rows_skipped": valid - job.inserted - job.updated,
            "rows_rejected": len(job.rows) - valid,
        }

    def _possible(self, job: Job, new: list[Staged]) -> bool:
        """Whether the table takes the rows: it has its own constraints and policies."""
        table = job.table
        hidden = [row for row in self.alive(table) if not table.visible(row.cells)]
        taken = {table.alike(row.cells) for row in hidden}
        inserted = [self._defaulted(job, row) for row in new]
        updated = [
            row.cells | self._merged(job, staged, row) for staged, row in self._to_update(job)
        ]
        needed = [column.name for column in table.columns if column.not_null]
        if any(cells[name] is None for cells in inserted for name in needed):
            return False
        return all(table.alike(cells) not in taken for cells in inserted) and all(
            table.visible(cells) and self.has_parent(table, cells) for cells in inserted + updated
        )

    def _defaulted(self, job: Job, staged: Staged) -> Cells:
        cells: Cells = {}
        for column in job.table.columns:
            value = staged.cells.get(column.name)
            if column.name not in job.columns or (value is None and column.not_null):
                value = column.default
            cells[column.name] = value
        return cells

    def _to_update(self, job: Job) -> Iterator[tuple[Staged, Row]]:
        """Rows of a job that are in the table, with what they meet there."""
        for staged in job.rows if job.on_duplicate == "update" else []:
            row = self.find(job.table, job.table.alike(staged.cells))
            if staged.valid and staged.known and not staged.repeated and row:
                yield staged, row

    def _merged(self, job: Job, staged: Staged, row: Row) -> Cells:
        """Give the new values of the columns that a job updates."""
        new: Cells = {}
        for name in self.updated_columns(job):
            column, old, value = job.table.column(name), row.cells[name], staged.cells[name]
            blank = old is None or (column.is_text and old == "")
            keeps = (
                name not in staged.mapped
                or (value is None and column.not_null)
                or (column.on_update == "fill_blank" and not blank)
            )
            new[name] = old if keeps else value
        return new

    def _update(self, job: Job, staged: Staged, row: Row) -> bool:
        """Update a row; whether anything differs."""
        new = self._merged(job, staged, row)
        before = {name: row.cells[name] for name in new}
        if new == before:
            return False
        self.change(job.table, row, new)
        after = {name: row.cells[name] for name in new}
        job.images.append(Image(job.table.alike(row.cells), before, after))
        return True

    @staticmethod
    def updated_columns(job: Job) -> list[str]:
        """Columns that a job may update."""
        return [
            column.name
            for column in job.table.columns
            if column.name in job.columns
            and column.name not in job.table.key
            and column.on_update != "keep"
        ]

    @staticmethod
    def print_of(table: Table, row: Row) -> tuple[Value, ...]:
        """Give what is remembered of an inserted row."""
        return tuple(row.cells[name] for name in table.printed)

    # what became of a job

    def owned(self, job: Job) -> list[Row]:
        """Rows in the table that the job inserted and no rollback left behind."""
        return [row for row in self.visible(job.table) if row.job is job and not row.kept]

    def plan(self, job: Job, options: Options) -> Plan:
        """Plan a rollback of a job, or of the rows that a filter finds."""
        plan = Plan(options.is_soft(job.table))
        owned = self.owned(job)
        for row in (row for row in owned if options.wants(job.table, row)):
            untouched = self.print_of(job.table, row) in job.prints
            (plan.delete if untouched else plan.changed).append(row)
        plan.gone = 0 if options.where else job.inserted - job.deleted - len(owned)
        for image in job.images:
            there = self.find(job.table, image.key)
            if image.undone or (there and not options.wants(job.table, there)):
                continue
            if there is None:
                plan.gone += not options.where
            else:
                values = {name: there.cells[name] for name in image.new}
                (plan.restore if values == image.new else plan.mixed).append((image, there))
        plan.doomed = plan.delete + (plan.changed if options.force else [])
        if not plan.soft:
            plan.dependents = list(self.children(job.table, plan.doomed))
        inserted = {row.job for _, row in plan.dependents if row.job}
        later = [
            other
            for other in self.jobs
            if other.status == "completed"
            and (self._is_later(job, other, options) or other in inserted)
        ]
        plan.later = sorted(later, key=lambda other: -other.place)
        plan.updaters = [other for other in later if self._is_later(job, other, options)]
        return plan

    def _is_later(self, job: Job, other: Job, options: Options) -> bool:
        """Whether another job updated rows of a job afterwards, and still holds that."""
        if other.place <= job.place or other.table != job.table:
            return False
        mine = {job.table.alike(row.cells) for row in self.owned(job)}
        mine |= {image.key for image in job.images if not image.undone}
        theirs = {image.key for image in other.images if not image.undone}
        shared = (self.find(job.table, key) for key in mine & theirs)
        return any(row and options.wants(job.table, row) for row in shared)

    def verified(self, job: Job) -> bool:
        """Whether verify_job finds everything as the job left it."""
        if job.status == "rolled_back":
            return sum(row.job is job for row in self.visible(job.table)) == job.left_rows
        if job.status != "completed":
            return True
        plan = self.plan(job, Options())
        return plan.modified == 0 and plan.gone == 0

    # rollback

    def rollback(self, job: Job, options: Options) -> dict[str, object]:
        """Roll a completed job back; give the keys of the answer."""
        if options.with_later:
            # all or nothing: the later jobs, too
            trial = copy.deepcopy(self)
            possible = trial._rollback_in_turn(trial.jobs[job.number], options)
            done = possible and self._rollback_in_turn(job, options)
        else:
            done = self._rollback_one(job, options)
        if not done:
            return {"success": False, "code": "PI504"}
        return {
            "success": True,
            "status": job.status,
            "partial": job.status == "completed",
            "rows_deleted": job.deleted,
            "rows_restored": job.restored,
            "rows_kept": job.left,
            "rows_cascaded": job.cascaded,
            "inserted_originally": job.inserted,
            "updated_originally": job.updated,
        }

    def _rollback_in_turn(self, job: Job, options: Options) -> bool:
        """Roll a job back after those that stand on it; whether all of it was possible."""
        for later in self.plan(job, options).later:
            if later.status == "completed" and not self._rollback_in_turn(later, options):
                return False
        return self._rollback_one(job, options)

    def _refused(self, plan: Plan, options: Options) -> bool:
        cascade = options.mode == "cascade"
        by_people = [r for _, r in plan.dependents if not (r.job and r.job.status == "completed")]
        return bool(
            (plan.modified and (options.mode == "refuse" or (cascade and not options.force)))
            or (plan.dependents and not cascade)
            or (by_people and not options.force)
            or (plan.updaters and not options.force)
        )

    def _rollback_one(self, job: Job, options: Options) -> bool:
        """Roll one job back, or refuse to; whether it was done."""
        plan = self.plan(job, options)
        if self._refused(plan, options):
            return False

        for child, row in plan.dependents:
            self.remove(child, row)
        for row in plan.doomed:
            if plan.soft and job.table.soft:
                self.change(job.table, row, {job.table.soft: DELETED})
                row.declared = True
            else:
                self.remove(job.table, row)
        for image, row in plan.restore + (plan.mixed if options.force else []):
            self.change(job.table, row, image.old)
            image.undone = True
        for image, row in [] if options.force else plan.mixed:
            self._restore_columns(job.table, image, row)

        job.deleted += len(plan.doomed)
        job.restored += len(plan.restore) + (len(plan.mixed) if options.force else 0)
        job.left = 0 if options.force else plan.modified
        # rows that rollbacks before a redo left behind carry its id, too
        job.left_rows = job.left_before + (0 if options.force else len(plan.changed))
        job.cascaded = len(plan.dependents)
        job.soft = job.soft or plan.soft
        if not options.where or not self._has_effect(job):
            job.status = "rolled_back"
            for row in self.owned(job):
                row.kept = True
        return True

    def _restore_columns(self, table: Table, image: Image, row: Row) -> None:
        """Take back what is still what the job wrote."""
        still = {name for name in image.new if row.cells[name] == image.new[name]}
        back = {name: image.old[name] for name in still if image.old[name] != image.new[name]}
        if back:
            self.change(table, row, back)

    def _has_effect(self, job: Job) -> bool:
        images = (image for image in job.images if not image.undone)
        return bool(self.owned(job)) or any(self.find(job.table, i.key) for i in images)

    # redo

    def redo(self, job: Job) -> dict[str, object] | str:
        """Import a job that was rolled back once more; give the keys of the answer or an error."""
        if job.revives:
            return self._revive(job)
        if job.cleared:
            return "PI315"
        job.redone += 1
        job.status = "checked"
        self._mark(job)
        return self.insert(job)

    def _revive(self, job: Job) -> dict[str, object]:
        """Declare the rows of a job alive again, and update again what it had updated."""
        table = job.table
        rows = [row for row in self.rows[table.name] if row.job is job and row.declared]
        if any(self.find(table, table.alike(row.cells)) for row in rows):
            return {"success": False, "code": "PI404"}
        for row in rows:
            assert table.soft
            self.change(table, row, {table.soft: None})
            row.declared = False
        for image in job.images:
            there = self.find(table, image.key)
            if there:
                same = {n for n in image.old if there.cells[n] == image.old[n]}
                self.change(table, there, {name: image.new[name] for name in same})
            image.undone = there is None or all(
                there.cells[n] != image.new[n] or image.new[n] == image.old[n] for n in image.new
            )
        left = sum(image.undone for image in job.images)
        job.inserted -= sum(row.kept for row in self.rows[table.name] if row.job is job)
        job.updated -= left
        job.redone += 1
        job.soft = False
        self._complete(job)
        return {"success": True, "rows_inserted": job.inserted, "rows_updated": job.updated}

    def _complete(self, job: Job) -> None:
        job.status = "completed"
        job.deleted = job.restored = job.left = job.cascaded = 0
        job.left_before = job.left_rows
        self.completions += 1
        job.place = self.completions

    def clear_staging(self, job: Job) -> None:
        """Free the staged rows of a job; nothing else."""
        job.cleared = True
        if job.status in ("checked", "failed"):
            job.status = "staging"

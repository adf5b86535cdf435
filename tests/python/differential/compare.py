"""One comparison: a situation is made real, judged twice, and all of it undone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from . import database, oracle, product
from .database import Conn
from .oracle import Truth
from .product import Verdict
from .situation import Situation, Statement, literal, quoted
from .tables import script

__all__ = ["Deviation", "Result", "compare", "differences_of", "report", "shrink"]

_MOST_RUNS = 60
_MOST_REFUSED = 0.8


@dataclass(frozen=True)
class Deviation:
    """Where the two differ: how, in which row (0: none of them), in a few words."""

    sort: str
    row: int
    why: str

    @property
    def cause(self) -> str:
        """What deviations of the same sort and reason have in common."""
        return f"{self.sort}: {self.why}"


@dataclass
class Result:
    """Both judgements of one situation, and what worked of its statements."""

    situation: Situation
    truth: Truth
    verdict: Verdict
    deviations: list[Deviation]
    made: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def compare(conn: Conn, situation: Situation) -> Result:
    """Judge a situation by INSERT and by pgimport, inside a transaction that is rolled back.

    Where INSERT refuses nearly every row, a third of the constraints is taken away, and so on: else
    most tables would tell little. A few are kept as they are.
    """
    while True:
        with conn.transaction(force_rollback=True):
            made, failed = _make(conn, situation)
            situation = dataclasses.replace(
                situation, columns=database.see_columns(conn, situation)
            )
            truth = oracle.judge(conn, situation)
            kept = len(situation.extras) * 2 // 3
            crowded = len(truth.refused) > _MOST_REFUSED * len(situation.rows)
            if situation.harsh or not crowded or not situation.extras:
                job, verdict = product.check(conn, situation)
                product.insert(conn, situation, job, verdict)
                break
        situation = dataclasses.replace(situation, extras=situation.extras[:kept])
    return Result(situation, truth, verdict, differences_of(truth, verdict), made, failed)


def _make(conn: Conn, situation: Situation) -> tuple[list[str], dict[str, str]]:
    """Make a table and the rows that are there, a target of pgimport; say what worked."""
    made: list[str] = []
    failed: dict[str, str] = {}

    def extend(statements: list[Statement]) -> None:
        done = database.attempt(conn, [statement.sql for statement in statements])
        for statement, refusal in zip(statements, done, strict=True):
            if refusal is None:
                made.append(statement.feature)
            else:
                failed[statement.sql] = refusal.message

    database.pin(conn)
    conn.execute("SELECT set_config('timezone', %s, true)", [situation.settings["timezone"]])
    for statement in situation.base:
        database.run(conn, statement.sql)
    extend(situation.extras)
    database.attempt(conn, existing_sql(situation), database.check_deferred(conn))
    extend(situation.late)
    product.begin(conn, situation)
    return made, failed


def existing_sql(situation: Situation) -> list[str]:
    """INSERTs of the rows that are there before."""
    names = ", ".join(quoted(column.name) for column in situation.columns)
    return [
        f"INSERT INTO {quoted(situation.table)} ({names}) VALUES ({', '.join(map(literal, row))})"
        for row in situation.existing
    ]


def differences_of(truth: Truth, verdict: Verdict) -> list[Deviation]:
    """Where two judgements differ."""
    found: list[Deviation] = []
    if verdict.trouble is not None and not verdict.classes:
        return [Deviation("raised", 0, verdict.trouble.splitlines()[0])]
    for row, class_ in verdict.classes.items():
        refusal = truth.refused.get(row)
        codes = ", ".join(sorted({_word(issue.code) for issue in verdict.issues.get(row, [])}))
        if refusal is None:
            if class_ != "insert":
                found.append(Deviation("refused though INSERT takes it", row, f"{class_} {codes}"))
        elif class_ == "insert":
            found.append(Deviation("missed", row, f"{refusal.code} {_shape(refusal.message)}"))
        elif refusal.by_key and class_ != "skip" and not refusal.otherwise:
            found.append(Deviation("a duplicate, not", row, f"{class_} {codes}"))
        elif not refusal.by_key and class_ != "invalid" and refusal.code not in ("23505", "23P01"):
            found.append(Deviation("invalid, not", row, f"{class_}: {refusal.code}"))
    if found:
        return found
    if verdict.trouble is not None:
        return [Deviation("trouble", 0, verdict.trouble.splitlines()[0])]
    for text in truth.content - verdict.content:
        found.append(Deviation("not in the table", 0, text))
    for text in verdict.content - truth.content:
        found.append(Deviation("in the table instead", 0, text))
    return found


def _word(code: str) -> str:
    return code.split(":", maxsplit=1)[0]


def _shape(message: str) -> str:
    """A message without its names and values."""
    parts = message.split('"')
    return '"…"'.join(parts[::2])


def shrink(conn: Conn, result: Result) -> Result:
    """Leave out rows and statements as long as the first deviation stays of its sort."""
    sort = result.deviations[0].sort
    runs = 0

    def still(situation: Situation) -> Result | None:
        nonlocal runs
        runs += 1
        try:
            again = compare(conn, situation)
        except psycopg.Error:
            return None
        return again if any(d.sort == sort for d in again.deviations) else None

    def thin(
        best: Result,
        part: Callable[[Situation], list[Any]],
        without: Callable[[Situation, list[Any]], Situation],
    ) -> Result:
        size = max(1, len(part(best.situation)) // 2)
        while runs < _MOST_RUNS:
            place = 0
            while place < len(part(best.situation)) and runs < _MOST_RUNS:
                kept = part(best.situation)
                again = still(without(best.situation, kept[:place] + kept[place + size :]))
                if again is None:
                    place += size
                else:
                    best = again
            if size == 1:
                break
            size = max(1, size // 2)
        return best

    replace = dataclasses.replace
    result = replace(result, situation=replace(result.situation, harsh=True))
    best = thin(result, lambda s: s.rows, lambda s, kept: replace(s, rows=kept))
    best = thin(best, lambda s: s.existing, lambda s, kept: replace(s, existing=kept))
    best = thin(best, lambda s: s.late, lambda s, kept: replace(s, late=kept))
    return thin(best, lambda s: s.extras, lambda s, kept: replace(s, extras=kept))


def report(result: Result) -> str:
    """A deviation as one can read and replay it."""
    situation = result.situation
    lines = [
        f"-- seed {situation.seed}, session {situation.settings}, key {situation.key}",
        script(situation),
        "-- not possible: " + repr(result.failed) if result.failed else "",
    ]
    for number, row in enumerate(situation.rows, start=1):
        refusal = result.truth.refused.get(number)
        told = "takes it" if refusal is None else f"{refusal.code} {refusal.message}"
        given = dict(zip((column.name for column in situation.columns), row, strict=True))
        lines.append(
            f"row {number}: {given!r}\n"
            f"    INSERT: {told}\n"
            f"    pgimport: {result.verdict.classes.get(number)} "
            + "; ".join(
                f"{i.column}: {i.code}: {i.message}" for i in result.verdict.issues.get(number, [])
            )
        )
    lines += [f"==> {d.sort} (row {d.row}): {d.why}" for d in result.deviations]
    return "\n".join(lines)

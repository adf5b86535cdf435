"""How the plan of a rollback and its outcome look to a person."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from pgimport.cli._app import State, shown_command
from pgimport.cli._output import duration, moment, number, printable
from pgimport.cli._plan import KEPT_ON_DELETE, Json, Plan, choices, several

_ROWS_SHOWN = 10
_ON_DELETE = {
    "no action": "the delete is refused",
    "restrict": "the delete is refused",
    "cascade": "they are deleted, too",
    "set null": "their reference becomes null",
    "set default": "their reference gets its default",
}
_WHY = {
    "updated": "updated these rows",
    "dependents": "its rows refer to these",
    "dependents and updated": "updated these rows, and has rows that refer to them",
}


def show_plan(
    state: State,
    raw: Json,
    job_id: str,
    *,
    final: bool = True,
    job: Json | None = None,
    words: Sequence[str] = (),
) -> None:
    """Show what a rollback would do, what stands in its way, and each way out.

    Args:
        state: of the command.
        raw: the plan as the function returned it.
        job_id: its job.
        final: whether the commands to type next are wanted.
        job: the job as get_job() returns it, for the headline.
        words: options of the command that the plan was made with, besides the mode.

    """
    plan = Plan(raw)
    out = state.out
    if job is not None:
        out.line(headline(job))
        out.line()
    if raw.get("reasons"):
        out.line("  There is no rollback of this job:")
        for reason in raw["reasons"]:
            out.line(f"  - {printable(_reason(reason), 300)}")
    if raw.get("eligible", True):
        _show_classes(state, plan)
        _show_rows(state, plan)
        _show_dependents(state, plan)
        _show_later(state, plan)
        _show_end(state, plan)
    show_warnings(state, raw.get("warnings") or [])
    if final:
        _show_choices(state, plan, job_id, words)


def headline(job: Json) -> str:
    """Return a line that says which job this is: its time, target and numbers."""
    counts = job.get("counts") or {}
    wrote = [f"{several(counts.get('rows_inserted') or 0, 'row')} inserted"]
    if counts.get("rows_updated"):
        wrote.append(f"{number(counts['rows_updated'])} updated")
    when = job.get("completed_at")
    who = job.get("actor") or job.get("owner_role")
    return (
        f"Job {job.get('job_id')} into {job.get('target')}"
        + (f"\ncompleted {moment(when)} UTC" if when else "")
        + (f" by {printable(who)}" if who else "")
        + (f": {' and '.join(wrote)}." if when else ".")
    )


def _show_classes(state: State, plan: Plan) -> None:
    rows: list[tuple[object, str, str]] = []
    inserted = plan.raw.get("rows_inserted")
    if inserted or plan.count("delete") or not plan.count("restore"):
        rows.append(
            (
                plan.count("delete"),
                "inserted by the job, and as it wrote them",
                "declare them deleted" if plan.soft else "delete them",
            )
        )
    if plan.raw.get("rows_updated") or plan.count("restore"):
        rows.append(
            (
                plan.count("restore"),
                "updated by the job, and as it wrote them",
                "put the values from before back",
            )
        )
    if plan.count("rewritten"):
        rows.append(
            (plan.count("rewritten"), "  of these written again since, but equal", "  the same")
        )
    rows.append((plan.count("already_gone"), "gone already", "nothing to do"))
    rows.append(
        (
            plan.count("modified"),
            "changed by somebody else since",
            _of_modified(plan),
        )
    )
    if plan.count("taken"):
        rows.append((plan.count("taken"), "value from before now another row's", "stop"))
    state.out.table(
        ("rows", "of this job", "what a rollback would do"), rows, right=("rows",), indent="  "
    )


def _of_modified(plan: Plan) -> str:
    if not plan.count("modified"):
        return ""
    if plan.mode == "cascade" and not plan.refused:
        return "take them back, too: what others have changed is lost"
    return {
        "keep_modified": "leave what others have changed",
        "force": "take them back, too: what others have changed is lost",
    }.get(plan.mode, "stop; --mode says what else could be done")


def _show_rows(state: State, plan: Plan) -> None:
    details = plan.raw.get("details") or plan.raw
    for name, count, title in (
        ("modified_rows", plan.count("modified"), "Changed by somebody else since"),
        ("taken_rows", plan.count("taken"), "Whose value from before another row has now"),
    ):
        rows = list(details.get(name) or [])
        if not rows:
            continue
        shown = rows[:_ROWS_SHOWN]
        several = f", the first {len(shown)} of {number(count)}" if count > len(shown) else ""
        state.out.line(f"\n  {title}{several}:")
        _key_table(state, shown)


def _key_table(state: State, rows: Sequence[Json]) -> None:
    """Print rows of a plan: {kind, key {}, columns []}."""
    keys = list(dict.fromkeys(name for row in rows for name in row.get("key") or {}))
    kinds = ("row",) if any(row.get("kind") for row in rows) else ()
    columns = ("columns",) if any(row.get("columns") for row in rows) else ()
    details = ("detail",) if any(row.get("detail") for row in rows) else ()
    state.out.table(
        (*kinds, *keys, *columns, *details),
        [
            (
                *(row.get("kind") for _ in kinds),
                *((row.get("key") or {}).get(name) for name in keys),
                *(", ".join(map(str, row.get("columns") or [])) for _ in columns),
                *(row.get("detail") for _ in details),
            )
            for row in rows
        ],
        indent="  ",
    )


def _show_dependents(state: State, plan: Plan) -> None:
    if not plan.dependents:
        return
    told = any(item.get("by_others") is not None for item in plan.dependents)
    deep = any((item.get("depth") or 1) > 1 for item in plan.dependents)
    state.out.line("\n  Rows of other tables that refer to them by a foreign key:")
    names = ("table", "constraint", "rows", *(("imported", "by others") if told else ()),
             *(("depth",) if deep else ()), "ON DELETE", "so, when the row goes,")  # fmt: skip
    state.out.table(
        names,
        [
            (
                item.get("table"),
                item.get("constraint"),
                number(item.get("count")),
                *((number(item.get("by_jobs")), number(item.get("by_others"))) if told else ()),
                *((number(item.get("depth")),) if deep else ()),
                item.get("on_delete"),
                _what_becomes(plan, str(item.get("on_delete"))),
            )
            for item in plan.dependents
        ],
        right=("rows", "imported", "by others", "depth"),
        indent="  ",
    )
    if plan.soft:
        state.out.line("  They stay: rows that are declared deleted are still there.")


def _what_becomes(plan: Plan, on_delete: str) -> str:
    if plan.mode == "cascade" and on_delete not in KEPT_ON_DELETE:
        return "they are deleted, too"
    return _ON_DELETE.get(on_delete, "")


def _show_later(state: State, plan: Plan) -> None:
    if not plan.later:
        return
    state.out.line("\n  Later jobs on the same rows, in the order in which to roll them back:")
    state.out.table(
        ("", "job", "target", "completed (UTC)", "rows", "why"),
        [
            (
                f"{place}.",
                item.get("job_id"),
                item.get("target"),
                moment(item.get("completed_at")),
                number(item.get("rows")),
                _WHY.get(str(item.get("why")), item.get("why")),
            )
            for place, item in enumerate(plan.later, 1)
        ],
        right=("rows",),
        indent="  ",
    )


def _show_end(state: State, plan: Plan) -> None:
    seconds = plan.raw.get("seconds")
    if isinstance(seconds, (int, float)):
        about = f"about {duration(float(seconds))}" if seconds >= 0.1 else "less than a second"
        state.out.line(f"\n  Expected time: {about}.")
    if plan.raw.get("expires_at"):
        until = str(plan.raw["expires_at"])
        left = _left(until)
        state.out.line(
            f"  The window for a rollback ends {moment(until)} UTC{f', {left}' if left else ''}."
        )


def _left(until: str) -> str:
    try:
        end = datetime.fromisoformat(until)
    except ValueError:
        return ""
    if end.tzinfo is None:
        return ""
    left = (end - datetime.now(UTC)).total_seconds()
    if left < 0:
        return "which is over"
    if left < 172_800:
        return f"in {duration(left)}"
    return f"in {round(left / 86_400)} days"


def show_warnings(state: State, warnings: Iterable[object]) -> None:
    """Show warnings, each statement to run on a line of its own; beside JSON as usual."""
    texts = [str(text) for text in warnings]
    if state.out.as_json:
        state.out.warnings(texts)
        return
    if texts:
        state.out.line("\n  To know beforehand:")
    for text in texts:
        said, index, statement = text.partition("CREATE INDEX")
        state.out.line(f"  - {printable(said.rstrip(' ;:'), 400)}")
        if index:
            state.out.line(f"      {printable(index + statement, 10_000)}")


def _reason(reason: object) -> str:
    if isinstance(reason, Mapping):
        return f"{reason.get('message')} ({reason.get('code')})"
    return str(reason)


def _why(plan: Plan) -> str:
    """Say why the mode of the plan would stop."""
    found = plan.obstacles() if plan.mode == "refuse" else []
    return "; ".join(found) or str(plan.refused)


def _show_choices(state: State, plan: Plan, job_id: str, words: Sequence[str]) -> None:
    out = state.out
    found = choices(plan.raw, job_id, words)
    if plan.raw.get("eligible") is False:
        out.next(shown_command("show", job_id))
        return
    if not plan.refused:
        out.next(*found[0])
        return
    if out.as_json or out.quiet:
        return
    plain = "A plain rollback" if plan.mode == "refuse" else f'A rollback in mode "{plan.mode}"'
    out.line(f"\n{plain} would stop: {_why(plan)}.")
    if not found and not plan.count("taken"):
        out.line("No mode can go on before that is out of the way.")
    elif plan.count("taken"):
        out.line("No mode can go on: give those other rows other values, then plan again.")
        out.line(f"  {shown_command('plan', job_id, '--list', 'taken')}")
    else:
        out.line("To go on all the same, type one of these:")
    for command, what in found:
        out.line(f"  {command}")
        out.line(textwrap.fill(what, 96, initial_indent="      ", subsequent_indent="      "))
    if plan.rows_of_others:
        out.line("Or delete these rows of other tables yourself, and then:")
        out.line(f"  {shown_command('plan', job_id, *words)}")
    if plan.count("modified") > _ROWS_SHOWN:
        out.line("To see all the rows that others have changed:")
        out.line(f"  {shown_command('plan', job_id, '--list', 'modified')}")


def show_rollback(state: State, raw: Json) -> None:
    """Show deleted, restored and kept against what the job wrote."""
    facts = [
        ("inserted originally", raw.get("inserted_originally")),
        ("deleted", raw.get("rows_deleted")),
    ]
    if raw.get("updated_originally"):
        facts.append(("updated originally", raw["updated_originally"]))
    if raw.get("updated_originally") or raw.get("rows_restored"):
        facts.append(("restored", raw.get("rows_restored")))
    facts.append(("kept, because changed since", raw.get("rows_kept")))
    if raw.get("rows_cascaded"):
        facts.append(("rows of other tables deleted, too", raw["rows_cascaded"]))
    state.out.facts(facts)
    later = Plan(raw).later
    if later:
        state.out.line("\n  Rolled back with it, in this order:")
        for item in later:
            state.out.line(f"  - {item.get('job_id')}")
    if raw.get("partial"):
        state.out.line("\n  Rows of the job are left: it stays completed, partly rolled back.")


__all__ = ["headline", "show_plan", "show_rollback", "show_warnings"]

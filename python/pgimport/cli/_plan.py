"""The plan of a rollback: its numbers, what stops it, and which ways there are to go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pgimport.cli._app import shown_command
from pgimport.cli._output import number

KEPT_ON_DELETE = ("set null", "set default")

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """The numbers of a plan, by name; what an older server does not tell is none."""

    raw: Json

    def count(self, name: str) -> int:
        """Return a count of the plan, 0 where it is not told."""
        value = self.raw.get(name)
        return value if isinstance(value, int) else 0

    @property
    def dependents(self) -> list[Json]:
        """Tables with rows that refer to rows of the job."""
        return list(self.raw.get("dependents") or [])

    @property
    def later(self) -> list[Json]:
        """Later jobs that build on this one, the newest first."""
        given = self.raw.get("later_jobs") or []
        return [item if isinstance(item, Mapping) else {"job_id": item} for item in given]

    @property
    def soft(self) -> bool:
        """Whether rows are declared deleted instead of being deleted."""
        return bool(self.raw.get("soft"))

    @property
    def dependent_rows(self) -> int:
        """Rows of other tables that stand against a delete."""
        return 0 if self.soft else sum(int(item.get("count") or 0) for item in self.dependents)

    @property
    def rows_deleted_with(self) -> int:
        """Rows of other tables that would be deleted with them; others lose their reference."""
        return (
            0
            if self.soft
            else sum(
                int(item.get("count") or 0)
                for item in self.dependents
                if item.get("on_delete") not in KEPT_ON_DELETE
            )
        )

    @property
    def rows_of_others(self) -> int:
        """Those of them that no import has brought."""
        return (
            0
            if self.soft
            else sum(
                int(item.get("by_others") or 0)
                for item in self.dependents
                if item.get("on_delete") not in KEPT_ON_DELETE
            )
        )

    @property
    def updated_later(self) -> bool:
        """Whether a later job updated rows of this one: it has to be rolled back before."""
        return any("updated" in str(item.get("why") or "updated") for item in self.later)

    @property
    def mode(self) -> str:
        """The mode it was made for."""
        return str(self.raw.get("mode") or "refuse")

    @property
    def refused(self) -> str | None:
        """Why that mode would refuse; of a server that does not tell, what can be seen of it."""
        if "refused_because" in self.raw:
            told = self.raw["refused_because"]
            return str(told) if told else None
        return "; ".join(self.obstacles()) or None

    def obstacles(self) -> list[str]:
        """Return what stops the mode "refuse", in words."""
        found = []
        if self.count("modified"):
            found.append(f"{in_rows(self.count('modified'))} changed since")
        if self.count("taken"):
            found.append(f"{in_rows(self.count('taken'))} whose old value is taken")
        if self.dependent_rows:
            found.append(f"{in_rows(self.dependent_rows)} of other tables depend on them")
        hidden = [str(item.get("table")) for item in self.dependents if item.get("count") is None]
        if hidden and not self.soft:
            found.append(f"rows of {', '.join(hidden)}, which you may not read")
        if self.updated_later:
            found.append(f"{several(len(self.later), 'later job')} on the same rows")
        return found


def several(value: int, what: str) -> str:
    """Return a count with its noun, in the plural where it is more than one."""
    return f"{number(value)} {what}{'' if value == 1 else 's'}"


def in_rows(value: int) -> str:
    """Return a count of rows."""
    return several(value, "row")


def choices(raw: Json, job_id: str, words: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return the commands that would roll the job back, each with what it does.

    Args:
        raw: the plan.
        job_id: its job.
        words: options of the command that the plan was made with, besides the mode.

    """
    plan = Plan(raw)
    if plan.raw.get("eligible") is False or plan.count("taken"):
        return []
    found: list[tuple[str, str]] = []

    def offer(what: str, *more: str) -> None:
        given = [word for word in words if word not in more]
        found.append((shown_command("rollback", job_id, *more, *given), what))

    if not plan.refused:
        mode = ["--mode", plan.mode] if plan.mode != "refuse" else []
        offer(does(plan, plan.mode, "--force" in words), *mode)
        return found
    modified = plan.count("modified")
    if plan.later and not plan.rows_of_others and not plan.raw.get("partial"):
        later = several(len(plan.later), "later job")
        offer(f"{later} first, then this one, in one transaction", "--with-later-jobs")
    if any(item.get("count") is None for item in plan.dependents) and not plan.soft:
        return found
    if plan.dependent_rows:
        forced = bool(plan.rows_of_others or modified or plan.updated_later)
        more = ["--force"] if forced else []
        offer(does(plan, "cascade", forced), "--mode", "cascade", *more)
    elif modified or plan.updated_later:
        if not plan.updated_later:
            offer(does(plan, "keep_modified", False), "--mode", "keep_modified")
        offer(does(plan, "force", True), "--mode", "force")
    return found


def does(plan: Plan, mode: str, forced: bool) -> str:
    """Say what a rollback in a mode would do."""
    overwrites = forced or mode == "force"
    deleted = plan.count("delete") + (plan.count("modified_inserted") if overwrites else 0)
    restored = plan.count("restore") + (plan.count("modified_updated") if overwrites else 0)
    done = []
    if deleted or not restored:
        done.append(f"{in_rows(deleted)} {'declared ' if plan.soft else ''}deleted")
    if restored:
        done.append(f"{in_rows(restored)} restored")
    if mode == "cascade" and plan.dependent_rows:
        gone = plan.rows_deleted_with
        done.append(f"{in_rows(gone)} of other tables deleted, too")
        # asked for otherwise, the plan does not know what refers to these
        if overwrites and plan.count("modified_inserted") and plan.refused:
            done[-1] += " (and what refers to the changed ones)"
        if plan.rows_of_others:
            done[-1] += f" ({number(plan.rows_of_others)} of them brought by no import)"
        if plan.dependent_rows > gone:
            done.append(f"{in_rows(plan.dependent_rows - gone)} of other tables lose the reference")
    if plan.count("modified") and mode != "refuse":
        done.append(
            f"what others have changed in {in_rows(plan.count('modified'))} "
            + ("is lost" if overwrites else "stays")
        )
    return ", ".join(done)


__all__ = ["KEPT_ON_DELETE", "Json", "Plan", "choices", "does", "in_rows", "several"]

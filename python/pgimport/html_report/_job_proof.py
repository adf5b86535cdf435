"""Sections of a job's report on what was done: time, proof, rollback, log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pgimport import models
from pgimport.html_report._data import WRITTEN, JobStory
from pgimport.html_report._flows import Rows, sums_of
from pgimport.html_report._format import Language, as_moment
from pgimport.html_report._markup import Html, Part, code, data, facts, join, section, table, tag
from pgimport.html_report._phases import Phase
from pgimport.html_report._svg import bar

Json = Mapping[str, Any]

_PHASE_COLOUR = {
    "stage": "unchanged", "check": "updated", "insert": "inserted", "rollback": "undone",
    "fix": "duplicate", "rehearse": "waiting",
}  # fmt: skip
_MOST_LINES = 120


def times(language: Language, phases: list[Phase]) -> Html:
    """Return what each phase took."""
    say = language.say
    if not phases:
        return section("times", say("times"), tag("p", say("times_none")))
    whole = sum(phase.seconds for phase in phases) or 1.0
    body: list[list[Part]] = [
        [
            join(
                say(f"phase_{phase.key}"),
                tag("span", f" · {say('phase_times', n=phase.times)}", class_="soft")
                if phase.times > 1
                else None,
                tag("span", f" · {say('phase_failed')}", class_="soft") if phase.failed else None,
            ),
            language.moment(phase.began),
            language.duration(phase.seconds),
            bar([(phase.seconds / whole, _PHASE_COLOUR.get(phase.key, "source"))]),
            language.number(phase.rows),
            language.number(round(phase.rate)) if phase.rate else "–",
        ]
        for phase in phases
    ]
    body.append(
        [tag("strong", say("altogether")), "", tag("strong", language.duration(whole)), "", "", ""]
    )
    return section(
        "times",
        say("times"),
        table(
            say("times_caption"),
            [
                (say("phase"), "brief"), (say("began"), "brief"), (say("took"), "num"),
                ("", "gauge"), (say("rows"), "num"), (say("rate"), "num"),
            ],
            body,
            anchor="times-table",
            hide_caption=True,
        ),
        tag("p", say("times_note"), class_="note"),
    )  # fmt: skip


def _check(language: Language, holds: bool, *parts: Part) -> Html:
    """Return a statement with a sign, and a word for those who do not see it."""
    path = "M2 8.5l4 4 8-9" if holds else "M3 3l10 10M13 3L3 13"
    sign = tag(
        "svg",
        tag("title", language.say("holds" if holds else "fails")),
        tag("path", d=path, stroke_width="2.5", class_="good" if holds else "bad"),
        width=16, height=16, viewBox="0 0 16 16", role="img",
    )  # fmt: skip
    return tag("li", sign, tag("span", *parts))


def proof(language: Language, story: JobStory, rows: Rows) -> Html:
    """Return what proves that nothing was lost: sums, checksums, and the table itself."""
    say, job = language.say, story.job
    checks = [
        _check(language, done.holds, say(done.key, left=done.left, right=done.right))
        for done in sums_of(job, rows)
    ]
    sums = job.get("checksums") or {}
    staged, inserted = sums.get("staged"), sums.get("inserted")
    if story.status in WRITTEN and staged and inserted:
        same = staged == inserted
        checks.append(
            _check(language, same, say("proof_staged_inserted" if same else "proof_changed"))
        )
    verify = story.verify
    below: list[Part] = []
    if isinstance(verify, models.VerifyResult):
        checks += _verified(language, story, verify)
        below += [tag("p", data(text, 400), class_="note", lang="en") for text in verify.warnings]
    elif verify is not None:
        below.append(
            tag("p", say("proof_impossible"), " ", tag("span", data(verify, 600), lang="en"),
                class_="warning")
        )  # fmt: skip
    elif story.status in WRITTEN:
        below.append(tag("p", say("proof_not_asked"), class_="note"))
    found = None
    if isinstance(verify, models.VerifyResult) and _is_whole(story):
        found = verify.checksum_target
    lines: list[list[Part]] = [
        [words, tag("code", value)]
        for words, value in (
            (join(say("checksum_staged")), staged),
            (join(say("checksum_inserted")), inserted),
            (language.with_moment("checksum_target", story.made_at), found),
        )
        if value and story.status in WRITTEN
    ]
    if lines:
        below.append(
            table(
                say("checksums_caption"),
                [(say("checksum_of"), ""), (say("checksum"), "name")],
                lines,
                anchor="checksums-table",
            )
        )
    return section(
        "proof",
        say("proof"),
        tag("ul", *checks, class_="checks") if checks else tag("p", say("proof_none")),
        *below,
    )


def _is_whole(story: JobStory) -> bool:
    """Whether all rows of the job are to be in the table, so that checksums can be compared."""
    undone = story.job.get("rollback") or {}
    return story.status == "completed" and not undone.get("partial_rollbacks")


def _verified(language: Language, story: JobStory, verify: models.VerifyResult) -> list[Html]:
    say = language.say
    key = "proof_verified" if verify.verified else "proof_not_verified"
    if story.status == "rolled_back":
        key = "proof_undone" if verify.verified else "proof_not_undone"
    checks = [
        _check(
            language,
            bool(verify.verified),
            say(
                key,
                actual=verify.actual_count or 0,
                expected=verify.expected_count or 0,
                modified=verify.modified or 0,
            ),
        )
    ]
    if _is_whole(story) and verify.checksum_inserted and verify.checksum_target:
        same = verify.checksum_inserted == verify.checksum_target
        checks.append(_check(language, same, say("proof_target" if same else "proof_not_target")))
    if verify.rewritten:
        checks.append(_check(language, True, say("proof_rewritten", n=verify.rewritten)))
    return checks


def rollback(language: Language, story: JobStory) -> Html:
    """Return whether the job can be taken back, what was, and what stands against it."""
    say, undone = language.say, story.job.get("rollback") or {}
    parts: list[Part] = []
    if story.status not in WRITTEN:
        return section("rollback", say("rollback"), tag("p", say("rollback_nothing")))
    if undone.get("rolled_back_at"):
        key = "rollback_done" if story.status == "rolled_back" else "rollback_done_partly"
        who, mode = undone.get("rolled_back_by") or "–", undone.get("mode") or "–"
        parts.append(
            tag("p", language.with_moment(key, undone["rolled_back_at"], who=who, mode=mode))
        )
        parts.append(
            tag(
                "p",
                say(
                    "rollback_counts",
                    deleted=story.count("rows_deleted") or 0,
                    restored=story.count("rows_restored") or 0,
                    kept=story.count("rows_kept") or 0,
                ),
            )
        )
        if undone.get("soft"):
            parts.append(tag("p", say("rollback_soft")))
        if undone.get("reason"):
            parts.append(facts([(say("reason"), data(undone["reason"], 1000))]))
    if story.status == "completed":
        parts.append(_window(language, story, undone))
    elif story.status == "inserting":
        parts.append(tag("p", say("rollback_inserting")))
    if undone.get("redone"):
        parts.append(tag("p", say("rollback_redone", n=undone["redone"])))
    if story.status in ("completed", "inserting"):
        parts += _plan(language, story)
    return section("rollback", say("rollback"), *parts)


def _window(language: Language, story: JobStory, undone: Json) -> Html | None:
    until = as_moment(undone.get("until"))
    if undone.get("disabled_at"):
        who = undone.get("disabled_by") or "–"
        reason = undone.get("disabled_reason")
        return join(
            tag("p", language.with_moment("rollback_closed", undone["disabled_at"], who=who)),
            facts([(language.say("reason"), data(reason, 1000))]) if reason else None,
        )
    if not isinstance(until, datetime):
        return None
    key = "rollback_until" if until > story.made_at else "rollback_over"
    return tag("p", language.with_moment(key, until))


def _plan(language: Language, story: JobStory) -> list[Part]:
    say, plan = language.say, story.plan
    if plan is None:
        return [tag("p", say("plan_not_asked"), class_="note")]
    if isinstance(plan, str):
        return [tag("p", say("plan_impossible"), " ", tag("span", data(plan, 600), lang="en"),
                    class_="warning")]  # fmt: skip
    parts: list[Part] = []
    if not plan.eligible:
        parts.append(tag("p", say("plan_not_eligible"), class_="warning"))
        parts.append(tag("ul", *(tag("li", _reason(item), lang="en") for item in plan.reasons)))
        return parts
    if plan.refused_because:
        parts.append(
            tag("p", say("plan_refused"), " ",
                tag("span", data(plan.refused_because, 600), lang="en"), class_="warning")
        )  # fmt: skip
    else:
        parts.append(tag("p", say("plan_eligible")))
    parts.append(
        table(
            say("plan_caption"),
            [(say("plan_class"), ""), (say("count"), "num")],
            [
                [say(key), language.number(value)]
                for key, value, always in (
                    ("plan_delete", plan.delete, True),
                    ("plan_restore", plan.restore, True),
                    ("plan_rewritten", plan.rewritten, False),
                    ("plan_gone", plan.already_gone, False),
                    ("plan_modified", plan.modified, True),
                    ("plan_taken", plan.taken, False),
                )
                if value or always
            ],
            anchor="plan-table",
        )
    )
    parts += _against(language, plan)
    if plan.seconds is not None:
        parts.append(tag("p", say("plan_seconds", time=language.duration(plan.seconds))))
    parts += [tag("p", data(text, 400), class_="note", lang="en") for text in plan.warnings]
    return parts


def _reason(item: object) -> Html:
    if isinstance(item, Mapping):
        return join(data(item.get("message") or "", 400), " ", code(item.get("code") or ""))
    return data(item, 400)


def _against(language: Language, plan: models.RollbackPlan) -> list[Part]:
    say = language.say
    parts: list[Part] = []
    if plan.dependents:
        parts.append(
            table(
                say("dependents_caption"),
                [(say("table"), "name"), (say("constraint"), "name"), (say("on_delete"), ""),
                 (say("rows"), "num")],
                [
                    [code(item.table or ""), code(item.constraint or ""),
                     tag("span", item.on_delete or "–", lang="en"), language.number(item.count)]
                    for item in plan.dependents[:_MOST_LINES]
                ],
                anchor="dependents-table",
            )
        )  # fmt: skip
    if plan.later_jobs:
        parts.append(
            table(
                say("later_caption"),
                [(say("job"), "name"), (say("target"), ""), (say("completed"), "brief"),
                 (say("rows"), "num")],
                [
                    [code(item.job_id), data(item.target or "–"),
                     language.moment(item.completed_at) or "–", language.number(item.rows)]
                    for item in plan.later_jobs[:_MOST_LINES]
                ],
                anchor="later-table",
            )
        )  # fmt: skip
    return parts


def log(language: Language, story: JobStory) -> Html:
    """Return what happened, in order; events of one kind that follow each other are one line."""
    say = language.say
    lines = _lines(story.events)
    left_out = max(len(lines) - _MOST_LINES, 0)
    shown = lines if not left_out else lines[: _MOST_LINES // 2] + lines[-_MOST_LINES // 2 :]
    body: list[list[Part]] = []
    for event, count in shown:
        before, after = event.get("from_status"), event.get("to_status")
        name = str(event.get("event") or "")
        word = language.words.get(f"event_{name}")
        body.append(
            [
                language.moment(event.get("happened_at")),
                join(
                    word or tag("span", name.replace("_", " "), lang="en"),
                    tag("span", f" · {say('times_in_a_row', n=count)}", class_="soft")
                    if count > 1
                    else None,
                ),
                " → ".join(
                    language.known(f"status_{name}", str(name)) for name in (before, after) if name
                )
                or "–",
                data(event.get("actor") or event.get("role_name") or "–", 80),
                join(
                    data(event.get("application_name") or "–", 60),
                    tag("span", " ", data(event["client_address"]), class_="soft")
                    if event.get("client_address")
                    else None,
                ),
            ]
        )
    return section(
        "log",
        say("log"),
        table(
            say("log_caption"),
            [
                (say("when"), "brief"), (say("event"), "brief"), (say("state_change"), ""),
                (say("who"), ""), (say("where"), ""),
            ],
            body,
            anchor="log-table",
        ),
        tag("p", say("log_cut", n=left_out), class_="note") if left_out else None,
    )  # fmt: skip


def _lines(events: Sequence[Json]) -> list[tuple[Json, int]]:
    lines: list[tuple[Json, int]] = []
    for event in events:
        what = [event.get(name) for name in
                ("event", "from_status", "to_status", "actor", "role_name")]  # fmt: skip
        if lines and what == [
            lines[-1][0].get(name)
            for name in ("event", "from_status", "to_status", "actor", "role_name")
        ]:
            lines[-1] = (event, lines[-1][1] + 1)
        else:
            lines.append((event, 1))
    return lines

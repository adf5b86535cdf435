"""The head of a job's report, and its first sections: what came in, where the rows went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pgimport.html_report._data import JobStory
from pgimport.html_report._flows import Flow, Rows, sources_of
from pgimport.html_report._format import Language
from pgimport.html_report._markup import Html, Part, code, data, facts, join, section, table, tag
from pgimport.html_report._phases import Phase
from pgimport.html_report._sankey import Band, is_widened, sankey
from pgimport.html_report._svg import Said, bar

Json = Mapping[str, Any]

# the colour of each fate
COLOUR = {
    "inserted": "inserted",
    "left": "inserted",
    "deleted": "undone",
    "updated": "updated",
    "restored": "undone",
    "unchanged": "unchanged",
    "to_insert": "waiting",
    "to_update": "waiting",
    "to_check": "waiting",
    "duplicate_file": "repeated",
    "duplicate_table": "duplicate",
    "rejected": "rejected",
    "refused": "refused",
    "unaccounted": "rejected",
}
# the colour of each state
STATE_COLOUR = {
    "completed": "inserted",
    "rolled_back": "undone",
    "failed": "rejected",
    "staging_lost": "rejected",
    "cancelled": "waiting",
}
_MOST_FILES = 500
# more than so many files are folded away
_MOST_OPEN = 12
_TOGETHER = {"others": "other_files", "all": "files_sum"}
_NOT_TO_BE = ("failed", "cancelled", "staging_lost")


def state(language: Language, status: str, partly: bool = False) -> Html:
    """Return a state in words, with its colour."""
    word = language.say("partly") if partly else language.known(f"status_{status}", status)
    return tag("span", dot(STATE_COLOUR.get(status, "updated")), word, class_="state")


def dot(colour: str) -> Html:
    """Return a spot of a colour, for those who see it."""
    return tag(
        "svg", tag("circle", cx=5, cy=5, r=5, class_=colour),
        class_="dot", width=10, height=10, aria_hidden="true", focusable="false",
    )  # fmt: skip


def header(language: Language, story: JobStory, rows: Rows, phases: list[Phase]) -> list[Part]:
    """Return the head: what, in which state, and the numbers that matter most."""
    say, job = language.say, story.job
    target = str(job.get("target") or "")
    partly = is_partly(job)
    error = job.get("error") or {}
    return [
        tag("p", say("brand_job"), class_="brand"),
        tag("h1", *_around(say("job_title"), "{target}", data(target))),
        tag("p", state(language, story.status, partly)),
        tag("p", *_around(_lead(language, story, rows), "{target}", data(target)), class_="lead"),
        tag("p", language.say("lead_partly", n=rows.of("deleted", "restored")), class_="lead")
        if partly
        else None,
        tag(
            "p",
            tag("strong", say("failed_because")), ": ",
            tag("span", data(error.get("message") or "", 2000), lang="en"), " ",
            code(error["sqlstate"]) if error.get("sqlstate") else None,
            class_="failure",
        )
        if story.status == "failed" and error
        else None,
        _deleted(language, job),
        *(
            tag("p", data(warning, 400), class_="warning", lang="en")
            for warning in job.get("warnings") or []
        ),
        _figures(language, story, rows, phases),
        _facts(language, story),
    ]  # fmt: skip


def is_partly(job: Json) -> bool:
    """Whether some rows of a completed job were rolled back."""
    undone = job.get("rollback") or {}
    return job.get("status") == "completed" and bool(undone.get("partial_rollbacks"))


def _around(sentence: str, mark: str, value: Html) -> list[Part]:
    """Put somebody's data into a sentence."""
    before, found, after = sentence.partition(mark)
    return [before, value if found else None, after]


def _lead(language: Language, story: JobStory, rows: Rows) -> str:
    key = f"lead_{story.status}"
    if key not in language.words:
        return str(story.job.get("message") or "")
    number = {
        "staging": rows.staged,
        "staged": rows.staged,
        "inserting": rows.of("inserted", "updated"),
        "completed": rows.of("inserted", "updated", "unchanged"),
        "rolled_back": rows.of("deleted", "restored"),
    }.get(story.status, rows.of("to_insert", "to_update"))
    return language.say(key, n=number, all=rows.read)


def _deleted(language: Language, job: Json) -> Html | None:
    if not job.get("deleted_at"):
        return None
    who = str(job.get("deleted_by") or "–")
    said = language.with_moment("deleted_job", job["deleted_at"], who=who)
    return tag("p", said, class_="warning")


def _figures(language: Language, story: JobStory, rows: Rows, phases: list[Phase]) -> Html | None:
    if not rows.read:
        return None
    number = language.number
    shown: list[tuple[str, str]] = [(number(rows.read), language.say("figure_read"))]
    for key, fates, always in (
        ("inserted", ("inserted",), story.status == "completed"),
        ("updated", ("updated", "unchanged"), False),
        ("to_write", ("to_insert", "to_update"), False),
        ("undone", ("deleted", "restored"), False),
        ("left", ("left",), False),
        (
            "duplicates",
            ("duplicate_file", "duplicate_table"),
            story.count("clean_rows") is not None,
        ),
        ("bad", ("rejected", "refused"), True),
    ):
        count = rows.of(*fates)
        if count or always:
            shown.append((number(count), language.say(f"figure_{key}")))
    worked = sum(phase.seconds for phase in phases)
    if worked:
        shown.append((language.duration(worked), language.say("figure_time")))
    return tag(
        "ul",
        *(tag("li", tag("b", value), tag("span", name)) for value, name in shown),
        class_="figures",
    )


def _facts(language: Language, story: JobStory) -> Html:
    say, job = language.say, story.job
    role = str(job.get("owner_role") or "")
    actor = job.get("actor")
    who = join(*_who(language, str(actor), role)) if actor and actor != role else data(role)
    first = story.events[0] if story.events else {}
    where = [data(value) for value in (first.get("application_name"), first.get("client_address"))
             if value]  # fmt: skip
    source = " · ".join(str(job[name]) for name in ("source", "source_info") if job.get(name))
    return facts(
        [
            (say("job"), code(job.get("job_id"))),
            (say("target"), data(job.get("target_name") or job.get("target") or "–")),
            (say("by"), who),
            (say("from_where"), _between(where, ", ") if where else None),
            (say("source"), data(source) if source else None),
            (say("tenant"), data(job["tenant"]) if job.get("tenant") else None),
            (say("created"), language.moment(job.get("created_at"))),
            (say("completed"), language.moment(job.get("completed_at"))),
        ]
    )


def _who(language: Language, actor: str, role: str) -> list[Part]:
    before, _, rest = language.say("by_role").partition("{actor}")
    middle, _, after = rest.partition("{role}")
    return [before, data(actor), middle, data(role), after]


def _between(parts: list[Html], between: str) -> Html:
    made: list[Part] = []
    for part in parts:
        made += [between if made else None, part]
    return join(*made)


def files(language: Language, story: JobStory) -> Html:
    """Return what came in: files with their size, encoding and digest."""
    say = language.say
    listed = story.job.get("files") or []
    if not listed:
        return section("files", say("files"), tag("p", say("no_files")))
    body = [_file(language, file) for file in listed[:_MOST_FILES]]
    shown = table(
        say("files_caption"),
        [
            (say("file"), "name"), (say("file_rows"), "num"), (say("file_refused"), "num"),
            (say("file_size"), "num"), (say("file_format"), "brief"),
            (say("file_digest"), "digest"),
        ],
        body,
        anchor="files-table",
        hide_caption=True,
    )  # fmt: skip
    return section(
        "files",
        say("files"),
        tag("p", _files_sum(language, listed)),
        tag("details", tag("summary", say("files_list")), shown)
        if len(listed) > _MOST_OPEN
        else shown,
        tag("p", say("files_more", n=len(listed) - _MOST_FILES), class_="note")
        if len(listed) > _MOST_FILES
        else None,
    )


def _files_sum(language: Language, listed: list[Json]) -> str:
    """Say how much came in, and how much of it could not be staged."""
    size = sum(file.get("bytes") or 0 for file in listed)
    records = sum(
        (file.get("rows_staged") or 0) + (file.get("rows_refused") or 0) for file in listed
    )
    parts = [
        language.say("files_sum", n=len(listed)),
        language.size(size) if size else None,
        language.say("records_sum", n=records),
    ]
    failed = sum(file.get("status") == "failed" for file in listed)
    if failed:
        parts.append(language.say("files_failed", n=failed))
    return " · ".join(part for part in parts if part)


def _file(language: Language, file: Json) -> list[Part]:
    status = str(file.get("status"))
    return [
        join(
            tag("span", str(file.get("file_no")), ". ", class_="soft"),
            data(file.get("file_name") or ""),
            tag("div", language.known(f"file_{status}", status), class_="note")
            if status != "staged"
            else None,
            tag("div", data(file["error_message"], 400), class_="note", lang="en")
            if file.get("error_message")
            else None,
        ),
        language.number(file.get("rows_staged")),
        language.number(file.get("rows_refused")),
        language.size(file.get("bytes")),
        _file_format(language, file),
        tag("code", str(file["sha256"])) if file.get("sha256") else "–",
    ]


def _file_format(language: Language, file: Json) -> Html:
    delimiter = file.get("delimiter")
    shown: list[Html] = [data(file.get("encoding") or "–")]
    if file.get("sheet"):
        shown.append(data(language.say("file_sheet", sheet=file["sheet"]), 80))
    elif delimiter:
        word = language.say("delimiter_tab") if delimiter == "\t" else None
        shown.append(join(word) if word else code(delimiter))
    return _between(shown, " · ")


def flows(language: Language, story: JobStory, rows: Rows) -> Html:
    """Return where each row went: drawn, and as a table."""
    say = language.say
    if not rows.read:
        return section("flows", say("flows"), tag("p", say("flows_none")))
    written = story.status not in _NOT_TO_BE
    outcomes = [_band(language, flow, rows) for flow in rows.outcomes]
    shown, others = sources_of(story.job.get("files") or [])
    sources = [
        Band(
            flow.label or say(_TOGETHER[flow.key], n=others),
            language.number(flow.rows),
            flow.rows,
            "source",
        )
        for flow in shown
    ]
    parts = ", ".join(f"{band.name}: {band.note}" for band in outcomes)
    drawing = sankey(
        Said("sankey", say("flows_title"), say("flows_desc", n=rows.read, parts=parts)),
        (language.number(rows.read), say("read")),
        sources,
        outcomes,
    )
    widened = is_widened([*outcomes, *sources], rows.read)
    body = [
        [
            join(dot(COLOUR[flow.key]), say(f"fate_{flow.key}")),
            language.number(flow.rows),
            language.share(flow.rows, rows.read),
            bar([(flow.rows / rows.read, COLOUR[flow.key])]),
            say("means_not_inserted" if flow.key == "to_insert" and not written
                else f"means_{flow.key}"),
        ]
        for flow in rows.outcomes
    ]  # fmt: skip
    return section(
        "flows",
        say("flows"),
        drawing,
        tag("p", say("flows_tiny" if widened else "flows_true"), class_="note"),
        table(
            say("flows_caption", n=rows.read),
            [
                (say("outcome"), "brief"), (say("rows"), "num"), (say("share"), "num"),
                ("", "gauge"), (say("meaning"), "wide"),
            ],
            body,
            anchor="flows-table",
        ),
    )  # fmt: skip


def _band(language: Language, flow: Flow, rows: Rows) -> Band:
    note = f"{language.number(flow.rows)} · {language.share(flow.rows, rows.read)}"
    return Band(language.say(f"fate_{flow.key}"), note, flow.rows, COLOUR[flow.key])

"""Sections of a job's report on its data: issues, duplicates, mapping, options, corrections."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pgimport import models
from pgimport.html_report._data import JobStory
from pgimport.html_report._flows import Rows
from pgimport.html_report._format import Language
from pgimport.html_report._markup import Html, Part, code, data, facts, join, section, table, tag
from pgimport.html_report._svg import bar

Json = Mapping[str, Any]

_MOST_GROUPS = 200
_MOST_HEADERS = 12
_MOST_FIELDS = 300
_MASK = "***"
# characters of a sample
_SHOWN = 90
# options that have a section of their own, or are said elsewhere
_ELSEWHERE = frozenset({"mapping", "actor", "tenant", "source", "source_info"})


def issues(language: Language, story: JobStory, rows: Rows) -> Html:
    """Return the issues by column and code, with samples."""
    say = language.say
    rejected = story.count("invalid_rows") or 0
    groups = story.issues
    if not groups:
        lost = say("issues_gone", n=rejected) if rejected else say("issues_none")
        return section("issues", say("issues"), tag("p", lost))
    whole = sum(group.rows or 0 for group in groups)
    body = [_issue(language, group, whole) for group in groups[:_MOST_GROUPS]]
    return section(
        "issues",
        say("issues"),
        tag("p", say("issues_sum", n=whole, rows=rejected, refused=rows.refused)),
        table(
            say("issues_caption"),
            [
                (say("column"), "name"), (say("issue"), "wide"), (say("count"), "num"),
                (say("share"), "num"), ("", "gauge"), (say("samples"), "samples"),
            ],
            body,
            anchor="issues-table",
            hide_caption=True,
        ),
        tag("p", say("issues_more", n=len(groups) - _MOST_GROUPS), class_="note")
        if len(groups) > _MOST_GROUPS
        else None,
        _command(say("issues_list"), f"pgimport report {story.job.get('job_id')} --issues"
                 " -o issues.xlsx"),
    )  # fmt: skip


def _issue(language: Language, group: models.IssueGroup, whole: int) -> list[Part]:
    name, _, constraint = str(group.code or "").partition(":")
    word = language.words.get(f"issue_{name}")
    # what the word does not tell: the list, the range, the definition of a constraint
    tells_more = (
        constraint or word is None or ":" in (group.message or "").removeprefix(group.sample or "")
    )
    count = group.rows or 0
    return [
        code(group.column_name) if group.column_name else tag(
            "span", language.say("whole_record"), class_="soft"
        ),
        join(
            word,
            tag("div", code(group.code or "", 120),
                " · " + language.say("a_warning") if group.severity == "warning" else None,
                class_="soft"),
            tag("div", data(group.message or "", 300), class_="note")
            if tells_more and group.message
            else None,
        ),
        language.number(count),
        language.share(count, whole),
        bar([(count / whole if whole else 0, "duplicate" if group.severity == "warning"
              else "rejected")]),
        tag("ul", *(_sample(language, sample) for sample in group.samples[:3])),
    ]  # fmt: skip


def _sample(language: Language, sample: Json) -> Html:
    value, length = sample.get("value"), sample.get("length") or 0
    shown: Part
    if value is None:
        shown = tag("span", language.say("empty"), class_="soft")
    elif value == "":
        shown = tag("code", '""')
    else:
        shown = code(value, _SHOWN)
    place = language.say("at_line", line=str(sample.get("line_no") or "–"))
    before, _, after = place.partition("{file}")
    return tag(
        "li",
        shown,
        tag(
            "div",
            before,
            data(sample.get("file_name") or "–", 80),
            after,
            f" · {language.say('characters', n=length)}" if length > _SHOWN else None,
            class_="note",
        ),
    )


def _command(words: str, command: str) -> Html:
    # a line ends between words, not after the hyphen of one
    spans: list[Part] = []
    for word in command.split(" "):
        spans += [" " if spans else None, tag("span", word, class_="brief")]
    return tag("p", words, " ", tag("code", *spans), class_="note")


def duplicates(language: Language, story: JobStory) -> Html:
    """Return duplicates, by where the same key stands, and what becomes of them."""
    say = language.say
    options = story.job.get("options") or {}
    policy = str(options.get("on_duplicate") or "skip")
    in_file, in_table, both = (
        story.count(f"{name}_duplicates") for name in ("internal", "database", "both")
    )
    if policy == "create":
        return section("duplicates", say("duplicates"), tag("p", say("duplicates_create")))
    if in_file is None or in_table is None:
        return section("duplicates", say("duplicates"), tag("p", say("duplicates_unknown")))
    both = both or 0
    together = in_file + in_table - both
    total = story.count("total_rows") or 0
    rule = tag(
        "p",
        say(
            "policy",
            policy=language.known(f"policy_{policy}", policy),
            keep=say("keep_last" if options.get("keep") == "last" else "keep_first"),
        ),
    )
    if not together:
        return section("duplicates", say("duplicates"), tag("p", say("duplicates_none")), rule)
    body: list[list[Part]] = [
        [
            say(f"duplicate_{key}"),
            language.number(count),
            language.share(count, total),
            bar([(count / total if total else 0, colour)]),
        ]
        for key, count, colour in (
            ("only_file", in_file - both, "repeated"),
            ("both", both, "duplicate"),
            ("only_table", in_table - both, "duplicate"),
        )
    ]
    body.append(
        [
            tag("strong", say("duplicate_all")),
            tag("strong", language.number(together)),
            language.share(together, total),
            bar([(together / total if total else 0, "source")]),
        ]
    )
    return section(
        "duplicates",
        say("duplicates"),
        rule,
        table(
            say("duplicates_caption"),
            [(say("duplicate_where"), ""), (say("rows"), "num"), (say("share"), "num"),
             ("", "gauge")],
            body,
            anchor="duplicates-table",
            hide_caption=True,
        ),
        _command(say("duplicates_list"),
                 f"pgimport report {story.job.get('job_id')} --duplicates -o duplicates.xlsx"),
    )  # fmt: skip


def mapping(language: Language, story: JobStory) -> Html:
    """Return which field went to which column; files with the same mapping are told together."""
    say = language.say
    groups: dict[str, tuple[list[Json], list[int]]] = {}
    for file in story.job.get("files") or []:
        fields = file.get("mapping") or []
        known = json.dumps(fields, sort_keys=True, default=str)
        groups.setdefault(known, (fields, []))[1].append(int(file.get("file_no") or 0))
    if not groups:
        return section("mapping", say("mapping"), tag("p", say("mapping_none")))
    tables = []
    for place, (fields, numbers) in enumerate(list(groups.values())[:_MOST_HEADERS], 1):
        of = (
            say("mapping_file", n=numbers[0])
            if len(numbers) == 1
            else say("mapping_files", n=len(numbers), list=_ranges(numbers))
        )
        tables.append(
            table(
                say("mapping_caption", files=of),
                [
                    (say("field"), "name"), (say("position"), "num"), (say("column"), "name"),
                    (say("how"), ""), (say("score"), "num"),
                ],
                [_field(language, field) for field in fields[:_MOST_FIELDS]],
                anchor=f"mapping-{place}",
            )
        )  # fmt: skip
    return section(
        "mapping",
        say("mapping"),
        *tables,
        tag("p", say("mapping_more", n=len(groups) - _MOST_HEADERS), class_="note")
        if len(groups) > _MOST_HEADERS
        else None,
    )


def _field(language: Language, field: Json) -> list[Part]:
    column, transform, how = field.get("column"), field.get("transform"), field.get("how")
    goes: Part
    if column:
        goes = code(column)
    elif transform:
        goes = join(tag("span", language.say("transformed"), class_="soft"), " ",
                    code(json.dumps(transform, ensure_ascii=False), 200))  # fmt: skip
    else:
        goes = tag("span", language.say("not_imported"), class_="soft")
    score = field.get("score")
    return [
        data(field.get("header") or "", 120),
        language.number(field.get("position")),
        goes,
        language.known(f"how_{how}", str(how)) if how and (column or transform) else "–",
        language.share(score, 1) if isinstance(score, (int, float)) and column else "–",
    ]


def _ranges(numbers: list[int]) -> str:
    """Write numbers of files shortly: 1–4, 7."""
    made: list[str] = []
    begin = before = numbers[0]
    for number in [*numbers[1:], -1]:
        if number == before + 1:
            before = number
            continue
        made.append(str(begin) if begin == before else f"{begin}\N{EN DASH}{before}")
        begin = before = number
    shown = ", ".join(made[:12])
    return shown + (", …" if len(made) > 12 else "")


def options(language: Language, story: JobStory) -> Html:
    """Return the options of the job; values for sensitive columns are not shown."""
    given = {
        name: value
        for name, value in (story.job.get("options") or {}).items()
        if name not in _ELSEWHERE and value not in (None, {}, [])
    }
    if story.job.get("idempotency_key"):
        given["idempotency_key"] = story.job["idempotency_key"]
    if not given:
        return section("options", language.say("options"), tag("p", language.say("options_none")))
    return section(
        "options",
        language.say("options"),
        facts(
            (name, _option(language, _masked(name, value, story.sensitive)))
            for name, value in sorted(given.items())
        ),
    )


def _masked(name: str, value: Any, sensitive: frozenset[str] | None) -> Any:
    """Hide what goes into sensitive columns; everything where it is not known which they are."""
    if not isinstance(value, Mapping):
        return value
    if name == "constants":
        return {
            column: _MASK if sensitive is None or column in sensitive else item
            for column, item in value.items()
        }
    if name == "assignment" and (sensitive is None or value.get("column") in sensitive):
        return {
            key: _MASK if key in ("values", "map", "value") else item for key, item in value.items()
        }
    return value


def _option(language: Language, value: Any) -> Html:
    if isinstance(value, bool):
        return join(language.say("yes" if value else "no"))
    if isinstance(value, (int, float)):
        return join(language.number(value) if isinstance(value, int) else str(value))
    if isinstance(value, str):
        return code(value)
    return code(json.dumps(value, ensure_ascii=False, default=str), 600)


def fixes(language: Language, story: JobStory) -> Html | None:
    """Return the files of corrected rows; nothing where none was sent."""
    say = language.say
    sent = [fix for fix in story.job.get("fixes") or [] if fix.get("status") == "applied"]
    if not sent:
        return None
    return section(
        "fixes",
        say("fixes"),
        table(
            say("fixes_caption"),
            [
                (say("file"), "name"), (say("fix_rows"), "num"), (say("fix_fixed"), "num"),
                (say("fix_invalid"), "num"), (say("fix_unchanged"), "num"), (say("who"), ""),
                (say("fix_when"), "brief"),
            ],
            [
                [
                    data(fix.get("file_name") or ""),
                    *(language.number(fix.get(name)) for name in
                      ("rows", "rows_fixed", "rows_still_invalid", "rows_unchanged")),
                    data(fix.get("actor") or fix.get("role_name") or "–"),
                    language.moment(fix.get("applied_at")) or "–",
                ]
                for fix in sent[:_MOST_GROUPS]
            ],
            anchor="fixes-table",
            hide_caption=True,
        ),
    )  # fmt: skip

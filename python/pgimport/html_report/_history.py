"""The report of many jobs: volume and failures over time, by target, by state, the slowest, all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pgimport.html_report._data import History
from pgimport.html_report._format import Language, as_moment
from pgimport.html_report._job_head import dot, state
from pgimport.html_report._markup import Html, Part, data, join, section, table, tag
from pgimport.html_report._svg import Column, Said, axis, bar, columns, legend

Json = Mapping[str, Any]

# states put together, in the order of the drawing, with their colours
OUTCOMES = {
    "completed": "inserted",
    "undone": "undone",
    "failed": "rejected",
    "cancelled": "waiting",
    "open": "updated",
}
_OUTCOME_OF = {
    "completed": "completed",
    "rolled_back": "undone",
    "failed": "failed",
    "staging_lost": "failed",
    "cancelled": "cancelled",
}
# rows written are drawn in two colours
_WRITTEN = (("rows_inserted", "inserted"), ("rows_updated", "updated"))
_MOST_JOBS = 500
_MOST_TARGETS = 50
_MOST_PERIODS = 400
_MOST_FAILURES = 25
# more than so many lines of numbers are folded away
_MOST_OPEN = 12
_SLOWEST = 15


def outcome(job: Json) -> str:
    """Return which of the outcomes a job has."""
    return _OUTCOME_OF.get(str(job.get("status")), "open")


def written(job: Json) -> int:
    """Rows a job inserted or updated, whatever became of them."""
    return sum(job.get(name) or 0 for name, _ in _WRITTEN)


def header(language: Language, history: History) -> list[Part]:
    """Return the head: how many jobs, from when to when, and the sums."""
    say, jobs = language.say, history.jobs
    moments = [moment for job in jobs if (moment := _created(language, job))]
    lead: Part
    if moments:
        first, last = language.day(min(moments)), language.day(max(moments))
        lead = say("history_lead", n=len(jobs), since=first, until=last)
    else:
        lead = say("history_none")
    counts = Counter(outcome(job) for job in jobs)
    figures = [
        (language.number(len(jobs)), say("figure_jobs", n=len(jobs))),
        (language.number(sum(map(written, jobs))), say("figure_written")),
        (language.share(counts["completed"], len(jobs)), say("figure_success")),
        (language.share(counts["failed"], len(jobs)), say("figure_failed")),
        (language.share(counts["undone"], len(jobs)), say("outcome_undone").lower()),
    ]
    return [
        tag("p", say("brand_history"), class_="brand"),
        tag("h1", say("history_title")),
        tag("p", lead, class_="lead"),
        _filters(language, history),
        tag("p", say("history_more", n=len(jobs)), class_="warning") if history.more else None,
        tag(
            "ul",
            *(tag("li", tag("b", value), tag("span", name)) for value, name in figures),
            class_="figures",
        )
        if jobs
        else None,
    ]


def _filters(language: Language, history: History) -> Html | None:
    if not history.filters:
        return None
    before, _, after = language.say("history_filters").partition("{filters}")
    shown: list[Part] = []
    for name, value in history.filters.items():
        words = " / ".join(map(str, value)) if isinstance(value, list) else str(value)
        if isinstance(value, bool):
            words = language.say("yes" if value else "no")
        shown += [", " if shown else None, language.known(f"filter_{name}", str(name)), " ",
                  tag("strong", data(words))]  # fmt: skip
    return tag("p", before, shown, after)


def _created(language: Language, job: Json) -> datetime | None:
    moment = as_moment(job.get("created_at"))
    return language.local(moment) if isinstance(moment, datetime) else None


def sections(language: Language, history: History) -> Iterable[tuple[str, str, Html]]:
    """Return the sections of the report."""
    say = language.say
    if not history.jobs:
        return
    for anchor, make in (
        ("overtime", over_time),
        ("by_target", by_target),
        ("by_status", by_status),
        ("failures", failures),
        ("slowest", slowest),
        ("all_jobs", all_jobs),
    ):
        yield anchor, say(anchor), make(language, history)


def _period(jobs: Sequence[datetime]) -> str:
    """Return day, week or month: so that there are some forty bars at most."""
    days = (max(jobs) - min(jobs)).days + 1
    if days <= 45:
        return "day"
    return "week" if days <= 45 * 7 else "month"


def _begin(moment: datetime, period: str) -> datetime:
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    if period == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "month" else day


def _next(begin: datetime, period: str) -> datetime:
    if period == "month":
        return (begin.replace(day=28) + timedelta(days=5)).replace(day=1)
    return begin + timedelta(days=7 if period == "week" else 1)


def over_time(language: Language, history: History) -> Html:
    """Return the drawings of rows and of jobs over time, and their numbers."""
    say = language.say
    dated = [(moment, job) for job in history.jobs if (moment := _created(language, job))]
    period = _period([moment for moment, _ in dated])
    found: dict[datetime, list[Json]] = {}
    for moment, job in dated:
        found.setdefault(_begin(moment, period), []).append(job)
    begins = [min(found)]
    while begins[-1] < max(found):
        begins.append(_next(begins[-1], period))
    begins = begins[-_MOST_PERIODS:]

    def full(begin: datetime) -> str:
        if period == "month":
            return language.month(begin)
        day = language.day(begin)
        return say("week_of", day=day) if period == "week" else day

    def short(begin: datetime) -> str:
        if period == "month":
            return f"{begin:%m/%y}"
        if language.name == "fr":
            return f"{begin:%d/%m}"
        return f"{begin.day} {language.month(begin)[:3]}"

    rows, jobs = [], []
    for begin in begins:
        here = found.get(begin, [])
        sums = [sum(job.get(name) or 0 for job in here) for name, _ in _WRITTEN]
        counts = Counter(map(outcome, here))
        name, whole = short(begin), full(begin)
        rows.append(Column(
            name, f"{whole}: {language.number(sum(sums))}",
            tuple((number, colour) for number, (_, colour) in zip(sums, _WRITTEN, strict=True)),
        ))  # fmt: skip
        jobs.append(Column(
            name, f"{whole}: {language.number(len(here))}",
            tuple((counts[key], colour) for key, colour in OUTCOMES.items()),
        ))  # fmt: skip
    drawings = [
        join(
            tag("h3", say(f"{what}_by_{period}")),
            columns(
                Said(
                    f"{what}-chart",
                    say(f"{what}_by_{period}"),
                    say("overtime_desc", most=max(bars, key=lambda column: column.sum).full),
                ),
                bars,
                _ticks(language, max(column.sum for column in bars)),
            ),
            legend(names),
        )
        for what, bars, names in (
            ("rows", rows, [(say(f"row_{colour}"), colour) for _, colour in _WRITTEN]),
            ("jobs", jobs, [(say(f"outcome_{key}"), colour) for key, colour in OUTCOMES.items()]),
        )
    ]
    numbers = [
        [
            full(begin),
            language.number(len(found[begin])),
            *(language.number(sum(job.get(name) or 0 for job in found[begin]))
              for name, _ in _WRITTEN),
            *(language.number(Counter(map(outcome, found[begin]))[key]) for key in OUTCOMES),
        ]
        for begin in reversed(begins)
        if begin in found
    ]  # fmt: skip
    shown = table(
        say("overtime_numbers"),
        [
            (say("period"), "brief"), (say("jobs"), "num"), (say("row_inserted"), "num"),
            (say("row_updated"), "num"),
            *((say(f"outcome_{key}"), "num") for key in OUTCOMES),
        ],
        numbers,
        anchor="overtime-table",
        hide_caption=len(numbers) > _MOST_OPEN,
    )  # fmt: skip
    if len(numbers) > _MOST_OPEN:
        shown = tag("details", tag("summary", say("overtime_numbers")), shown)
    return section("overtime", say("overtime"), *drawings, shown)


def _ticks(language: Language, greatest: int) -> list[tuple[int, str]]:
    units = ((1_000_000_000, "G"), (1_000_000, "M"), (1000, "k"))
    made = []
    values = axis(greatest)
    for value in values:
        name = language.number(value)
        for size, unit in units:
            if values[-1] >= 5 * size and value:
                digits = 0 if value % size == 0 else 1
                name = f"{language.number(value / size, digits)}\N{NARROW NO-BREAK SPACE}{unit}"
                break
        made.append((value, name))
    return made


def _grouped(history: History, key: Callable[[Json], str]) -> list[tuple[str, list[Json]]]:
    found: dict[str, list[Json]] = {}
    for job in history.jobs:
        found.setdefault(key(job), []).append(job)
    return sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))


def _outcome_bar(jobs: Sequence[Json]) -> Html:
    counts = Counter(map(outcome, jobs))
    return bar([(counts[key] / len(jobs), colour) for key, colour in OUTCOMES.items()])


def by_target(language: Language, history: History) -> Html:
    """Return jobs, rows and failures of each target."""
    say = language.say
    groups = _grouped(history, lambda job: str(job.get("target_name") or job.get("target") or "–"))
    body: list[list[Part]] = [
        [
            data(name, 80),
            language.number(len(jobs)),
            _outcome_bar(jobs),
            language.number(sum(outcome(job) == "failed" for job in jobs)),
            language.number(sum(map(written, jobs))),
            language.number(sum(job.get("rows_rejected") or 0 for job in jobs)),
        ]
        for name, jobs in groups[:_MOST_TARGETS]
    ]
    return section(
        "by_target",
        say("by_target"),
        table(
            say("by_target_caption"),
            [
                (say("target"), "name"), (say("jobs"), "num"), ("", "gauge"),
                (say("outcome_failed"), "num"), (say("written"), "num"), (say("row_bad"), "num"),
            ],
            body,
            anchor="by_target-table",
            hide_caption=True,
        ),
        legend([(say(f"outcome_{key}"), colour) for key, colour in OUTCOMES.items()]),
        tag("p", say("and_more", n=len(groups) - _MOST_TARGETS), class_="note")
        if len(groups) > _MOST_TARGETS
        else None,
    )  # fmt: skip


def by_status(language: Language, history: History) -> Html:
    """Return how many jobs are in each state."""
    say = language.say
    body: list[list[Part]] = [
        [
            state(language, status),
            language.number(len(jobs)),
            language.share(len(jobs), len(history.jobs)),
            bar([(len(jobs) / len(history.jobs), OUTCOMES[_OUTCOME_OF.get(status, "open")])]),
        ]
        for status, jobs in _grouped(history, lambda job: str(job.get("status")))
    ]
    return section(
        "by_status",
        say("by_status"),
        table(
            say("by_status_caption"),
            [(say("status"), "brief"), (say("jobs"), "num"), (say("share"), "num"), ("", "gauge")],
            body,
            anchor="by_status-table",
            hide_caption=True,
        ),
    )


def _link(job: Json, listed: frozenset[str]) -> Html:
    """Return the end of a job's id, which leads to its line where it has one."""
    job_id = str(job.get("job_id"))
    short = tag("code", job_id[-12:])
    return tag("a", short, href=f"#job-{job_id}") if job_id in listed else short


def _listed(history: History) -> frozenset[str]:
    return frozenset(str(job.get("job_id")) for job in history.jobs[:_MOST_JOBS])


def failures(language: Language, history: History) -> Html:
    """Return the newest jobs that failed, with their reasons."""
    say = language.say
    failed = [job for job in history.jobs if outcome(job) == "failed"]
    if not failed:
        return section("failures", say("failures"), tag("p", say("failures_none")))
    listed = _listed(history)
    return section(
        "failures",
        say("failures"),
        table(
            say("failures_caption"),
            [
                (say("job"), "brief"), (say("created"), "brief"), (say("target"), "name"),
                (say("failed_because"), "wide"),
            ],
            [
                [
                    _link(job, listed),
                    language.moment(job.get("created_at")),
                    data(job.get("target_name") or job.get("target") or "–", 80),
                    tag("span", data(job.get("error_message") or "–", 300), lang="en")
                    if job.get("status") == "failed"
                    else say("status_staging_lost"),
                ]
                for job in failed[:_MOST_FAILURES]
            ],
            anchor="failures-table",
            hide_caption=True,
        ),
        tag("p", say("and_more", n=len(failed) - _MOST_FAILURES), class_="note")
        if len(failed) > _MOST_FAILURES
        else None,
    )  # fmt: skip


def _seconds(job: Json) -> float | None:
    begin, end = as_moment(job.get("created_at")), as_moment(job.get("completed_at"))
    if isinstance(begin, datetime) and isinstance(end, datetime):
        return (end - begin).total_seconds()
    return None


def slowest(language: Language, history: History) -> Html:
    """Return the jobs that took longest."""
    say = language.say
    timed = sorted(
        ((seconds, job) for job in history.jobs if (seconds := _seconds(job)) is not None),
        key=lambda item: -item[0],
    )[:_SLOWEST]
    if not timed:
        return section("slowest", say("slowest"), tag("p", say("slowest_none")))
    listed, most = _listed(history), max(timed[0][0], 0.001)
    return section(
        "slowest",
        say("slowest"),
        table(
            say("slowest_caption"),
            [
                (say("job"), "brief"), (say("target"), "name"), (say("took"), "num"),
                ("", "gauge"), (say("rows"), "num"), (say("rate"), "num"),
            ],
            [
                [
                    _link(job, listed),
                    data(job.get("target_name") or job.get("target") or "–", 80),
                    language.duration(seconds),
                    bar([(seconds / most, "source")]),
                    language.number(job.get("total_rows")),
                    language.number(round(job["total_rows"] / seconds))
                    if job.get("total_rows") and seconds > 0
                    else "–",
                ]
                for seconds, job in timed
            ],
            anchor="slowest-table",
        ),
    )  # fmt: skip


def all_jobs(language: Language, history: History) -> Html:
    """Return the newest jobs, one line each, with an anchor each."""
    say = language.say
    shown = history.jobs[:_MOST_JOBS]
    return section(
        "all_jobs",
        say("all_jobs"),
        tag("p", say("all_jobs_cut", n=len(history.jobs), shown=len(shown)), class_="note")
        if len(history.jobs) > len(shown)
        else None,
        table(
            say("all_jobs_caption"),
            [
                (say("job"), "brief"), (say("created"), "brief"), (say("target"), ""),
                (say("status"), "brief"), (say("rows"), "num"), (say("row_inserted"), "num"),
                (say("row_updated"), "num"), (say("row_bad"), "num"), (say("by"), ""),
            ],
            [
                [
                    tag("code", str(job.get("job_id"))[-12:]),
                    language.moment(job.get("created_at")),
                    data(job.get("target_name") or job.get("target") or "–", 80),
                    _short_state(language, job),
                    *(language.number(job.get(name)) for name in
                      ("total_rows", "rows_inserted", "rows_updated", "rows_rejected")),
                    data(job.get("actor") or job.get("owner_role") or "–", 80),
                ]
                for job in shown
            ],
            anchor="all_jobs-table",
            hide_caption=True,
            row_ids=[f"job-{job.get('job_id')}" for job in shown],
        ),
    )  # fmt: skip


def _short_state(language: Language, job: Json) -> Html:
    status = str(job.get("status"))
    partly = status == "completed" and job.get("partial_rollbacks")
    word = language.say("partly") if partly else language.known(f"status_{status}", status)
    return join(dot(OUTCOMES[outcome(job)]), word)

"""HTML reports: what stands in them, that they can be read, and that nothing in them does harm."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from _browser import Browser, browser, find_browser
from _html import HOSTILE, LANGUAGES, Page, checked, history, jobs, schemes
from pgimport import Client, html_report
from pgimport.cli._main import run
from pgimport.errors import ArgumentError, InsertFailed, JobStateError
from pgimport.html_report import _data, _words
from pgimport.html_report._format import Language


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn) as conn:
        conn.execute("""
            CREATE TABLE public.people (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                email text NOT NULL UNIQUE, name text, age integer, born date, secret text,
                CONSTRAINT people_age_check CHECK (age < 150)
            )
        """)
        client = Client(conn)
        client.register_target("public.people", "people", ["email"])
        client.set_column("people", "secret", {"sensitive": True, "pattern": "^[a-m]$"})
    return installed_dsn


@pytest.fixture
def client(conn: psycopg.Connection[Any]) -> Client:
    return Client(conn)


def stage(
    client: Client,
    rows: list[tuple[Any, ...]],
    header: tuple[str, ...] = ("email", "name", "age", "secret"),
    *,
    job_id: UUID | None = None,
    file_name: str = "people.csv",
    refused: list[dict[str, Any]] | None = None,
    options: dict[str, Any] | None = None,
) -> UUID:
    """Stage rows as a file of a job, which is made where none is given."""
    if job_id is None:
        job_id = client.create_job("people", options).job_id
    assert job_id is not None
    file = client.stage_file(
        job_id, file_name, header, {"bytes": 12345, "sha256": secrets.token_hex(32)}
    )
    with client.conn.cursor() as cursor, cursor.copy(file.row_copy_sql.encode()) as copy:
        for line, row in enumerate(rows, 2):
            copy.write_row((line, *row))
    if refused:
        client.add_issues(job_id, file.file_no, refused)
    client.finish_file(job_id, file.file_no, len(rows), {"rows_refused": len(refused or [])})
    return job_id


def people(count: int, first: int = 0) -> list[tuple[Any, ...]]:
    return [(f"p{n}@example.org", f"P {n}", 20 + n % 80, "a") for n in range(first, first + count)]


@pytest.fixture
def job_id(client: Client) -> UUID:
    """A checked job with rows of every kind."""
    client.conn.execute("INSERT INTO public.people (email) VALUES ('p1@example.org')")
    rows = [*people(100), *people(3), ("x@example.org", "X", "many", "zz-top-secret")]
    job_id = stage(
        client,
        rows,
        refused=[{"line_no": 200, "code": "ragged_row", "value": "a,b,c,d,e,f"}],
        options={"actor": "marie", "constants": {"born": "2000-01-01"}},
    )
    client.check_job(job_id)
    return job_id


# ------------------------------------------------------------------------------------- job reports


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_of_the_report_are_those_of_the_job(
    client: Client, job_id: UUID, language: str
) -> None:
    inserted = client.insert_job(job_id)
    counts = client.get_job(job_id).counts
    assert (counts.rows_inserted, counts.rows_skipped, counts.rows_rejected) == (99, 4, 1)
    page = checked(html_report.job_report(client, job_id, language=language, verify=True))
    words = _words.WORDS[language]
    assert page.row(words["fate_inserted"])[1] == str(counts.rows_inserted)
    assert page.row(words["fate_duplicate_file"])[1] == str(counts.internal_duplicates)
    assert page.row(words["fate_duplicate_table"])[1] == "1"
    assert page.row(words["fate_rejected"])[1] == "1"
    assert page.row(words["fate_refused"])[1] == "1"
    assert page.row(words["duplicate_both"])[1] == str(counts.both_duplicates)
    assert page.row(words["phase_insert"])[4] == "99"
    assert str(inserted.raw["details"]["checksum"]) in page.text
    assert words["proof_target"] in page.text
    assert words["fails"] not in page.texts
    assert str(job_id) in page.text
    assert "marie" in page.text


def test_issues_are_told_by_column_and_code_with_samples_and_their_place(
    client: Client, job_id: UUID
) -> None:
    page = checked(html_report.job_report(client, job_id))
    cells = page.row("age", 6)
    assert cells[1].startswith("Not an integer")
    assert cells[2] == "1"
    assert cells[5].startswith("many")
    assert "people.csv, line 105" in cells[5]
    assert page.row("the whole record")[5].startswith("***"), "the target has a sensitive column"


def test_values_of_sensitive_columns_are_in_no_report(client: Client, job_id: UUID) -> None:
    other = stage(
        client,
        [(email, age) for email, _, age, _ in people(2, 500)],
        ("email", "age"),
        file_name="b.csv",
        options={"constants": {"secret": "b-top-secret", "name": "shown-name"}},
    )
    client.check_job(other)
    for job in (job_id, other):
        text = html_report.job_report(client, job, verify=True, plan=True)
        assert "top-secret" not in text
    assert "***" in text
    assert "shown-name" in text
    # where nobody can say any more which columns are sensitive, no constant is shown
    for job in (job_id, other):
        client.cancel_job(job)
    client.drop_target("people")
    text = html_report.job_report(client, other)
    assert "top-secret" not in text
    assert "shown-name" not in text
    # nor where another target of that name says something else
    client.register_target("public.people", "people", ["email"])
    text = html_report.job_report(client, other)
    assert "top-secret" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_is_in_files_and_tables_is_text_and_nothing_more(
    client: Client, language: str
) -> None:
    many = "é" * 1_000_000
    job_id = stage(
        client,
        [(f"{HOSTILE}{n}", HOSTILE, "a") for n in range(3)],
        ("email", "age", HOSTILE),
        file_name=HOSTILE,
        refused=[
            {"line_no": 9, "code": "ragged_row", "value": many},
            {"line_no": 10, "code": "bad_encoding", "value": f"\x1b[31m\u2066{HOSTILE}"},
        ],
        options={
            "actor": HOSTILE, "tenant": HOSTILE, "source": HOSTILE, "source_info": HOSTILE,
            "constants": {"name": HOSTILE},
        },
    )  # fmt: skip
    client.set_column("people", "secret", {"sensitive": False})
    client.check_job(job_id)
    text = html_report.job_report(client, job_id, language=language, plan=True)
    page = checked(text)
    assert len(text) < 100_000, "a value of a million characters is cut"
    assert "<script>alert(1)</script>" in page.text, "it is shown as text"
    assert "\u202e" not in text, "what turns the direction of text around is made visible"
    assert "\x1b" not in text
    assert "U+202E" in page.text
    assert Language(language, {}).number(1_000_000) in page.text, "and its length is told"


def test_words_that_stand_in_the_data_are_not_filled_in(client: Client) -> None:
    job_id = stage(client, people(1), file_name="{n} {target} {when} {policy}.csv")
    page = checked(html_report.job_report(client, job_id))
    assert "{n} {target} {when} {policy}.csv" in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_job_is_told_in_every_state_it_goes_through(client: Client, language: str) -> None:
    words = _words.WORDS[language]

    def told(job: UUID, *, verify: bool = False, plan: bool = False) -> Page:
        made = html_report.job_report(client, job, language=language, verify=verify, plan=plan)
        page = checked(made)
        status = client.get_job(job).status
        assert words[f"status_{status}"] in page.texts, status
        return page

    empty = client.create_job("people").job_id
    assert empty is not None
    assert words["no_files"] in told(empty).text
    job_id = stage(client, people(20), job_id=empty)
    assert told(job_id).row(words["fate_to_check"])[1] == "20"
    client.check_job(job_id)
    assert told(job_id).row(words["fate_to_insert"])[1] == "20"
    client.conn.execute(
        "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$BEGIN RAISE EXCEPTION '%', $m${HOSTILE}$m$; END$$"
    )
    client.conn.execute(
        "CREATE TRIGGER no BEFORE INSERT ON public.people EXECUTE FUNCTION public.no()"
    )
    with pytest.raises(InsertFailed):
        client.insert_job(job_id)
    assert client.get_job(job_id).status == "failed"
    page = told(job_id)
    assert words["failed_because"] in page.texts
    assert "<script>alert(1)</script>" in page.text
    client.conn.execute("DROP TRIGGER no ON public.people")
    client.check_job(job_id)
    client.insert_job(job_id)
    page = told(job_id, plan=True, verify=True)
    assert words["plan_eligible"] in page.text
    assert page.row(words["plan_delete"])[1] == "20"
    client.rollback_job(job_id, reason="wrong list", options={"filter": {"name": "P 1"}})
    page = checked(html_report.job_report(client, job_id, language=language, verify=True))
    assert words["partly"] in page.texts
    assert page.row(words["fate_deleted"])[1] == "1"
    client.rollback_job(job_id, reason="wrong list")
    page = told(job_id, verify=True)
    assert page.row(words["fate_deleted"])[1] == "20"
    assert "wrong list" in page.text
    assert words["proof_undone"].split("{")[0] in page.text
    client.redo_job(job_id)
    page = told(job_id)
    assert page.row(words["fate_inserted"])[1] == "20"
    other = stage(client, people(1, 100))
    client.cancel_job(other)
    told(other)


def test_updates_and_rows_that_were_so_already_are_told_apart(client: Client) -> None:
    client.conn.execute(
        "INSERT INTO public.people (email, name, age, secret)"
        " VALUES ('p0@example.org', 'P 0', 20, 'a'), ('p1@example.org', 'Old', 21, 'a')"
    )
    job_id = stage(client, people(3), options={"on_duplicate": "update"})
    client.check_job(job_id)
    page = checked(html_report.job_report(client, job_id))
    assert page.row("To update")[1] == "2"
    client.insert_job(job_id)
    page = checked(html_report.job_report(client, job_id))
    assert [page.row(fate)[1] for fate in ("Inserted", "Updated", "Unchanged")] == ["1", "1", "1"]
    client.rollback_job(job_id)
    page = checked(html_report.job_report(client, job_id))
    assert [page.row(fate)[1] for fate in ("Inserted, taken back", "Updated, restored")] == [
        "1", "1",
    ]  # fmt: skip


def test_a_batched_insert_that_is_under_way_is_told(client: Client) -> None:
    job_id = stage(client, [*people(10), ("p0@example.org", "", 1, "a")])
    client.check_job(job_id)
    assert client.insert_job(job_id, {"batch_rows": 4}).status == "inserting"
    page = checked(html_report.job_report(client, job_id, verify=True, plan=True))
    assert page.row("Inserted")[1] == "4"
    assert page.row("To be inserted")[1] == "6"
    assert page.row("Duplicate in files")[1] == "1"
    assert "does not hold" not in page.texts


def test_rows_that_a_rollback_kept_are_told(client: Client) -> None:
    job_id = stage(client, people(5), options={"actor": "{when}"})
    client.check_job(job_id)
    client.insert_job(job_id)
    client.conn.execute("UPDATE public.people SET name = 'New' WHERE email = 'p4@example.org'")
    client.rollback_job(job_id, "keep_modified", reason="{mode} {n}")
    page = checked(html_report.job_report(client, job_id, verify=True))
    assert page.row("Written, left")[1] == "1"
    assert page.row("Inserted, taken back")[1] == "4"
    assert "in the table after the rollback: 1; rows kept: 1." in page.text
    assert "{mode} {n}" in page.text
    assert page.row("Rollback")[0] == "Rollback", "one rollback is told once"


def test_what_stands_against_a_rollback_is_listed_when_it_is_asked_for(client: Client) -> None:
    job_id = stage(client, people(5))
    client.check_job(job_id)
    client.insert_job(job_id)
    client.conn.execute(
        "CREATE TABLE public.orders (id int PRIMARY KEY, person bigint REFERENCES public.people)"
    )
    client.conn.execute("INSERT INTO public.orders SELECT id, id FROM public.people LIMIT 2")
    client.conn.execute("UPDATE public.people SET name = 'New' WHERE email = 'p4@example.org'")
    before = len(client.job_events(job_id))
    page = checked(html_report.job_report(client, job_id))
    assert "What stands against a rollback was not asked" in page.text
    assert len(client.job_events(job_id)) == before, "a report alone writes nothing"
    page = checked(html_report.job_report(client, job_id, plan=True, verify=True))
    assert page.row("public.orders")[3] == "2"
    assert page.row("were changed by others since")[1] == "1"
    assert "The table does not hold what the job wrote" in page.text
    assert "does not hold" in page.texts


def test_a_report_in_a_transaction_leaves_nothing_behind(dsn: str, client: Client) -> None:
    job_id = stage(client, people(2))
    client.cancel_job(job_id)
    client.drop_target("people")
    with psycopg.connect(dsn) as conn:
        checked(html_report.job_report(Client(conn), job_id))
        assert conn.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        conn.execute("SELECT 1")


def test_a_job_that_is_not_there_is_refused(client: Client) -> None:
    with pytest.raises(JobStateError):
        html_report.job_report(client, UUID(int=1))


def test_phases_say_what_was_worked_and_not_what_was_waited(client: Client) -> None:
    job_id = stage(client, people(50))
    client.conn.execute("SELECT pg_catalog.pg_sleep(0.3)")
    client.check_job(job_id)
    client.insert_job(job_id)
    from pgimport.html_report._phases import phases_of  # noqa: PLC0415

    job = client.get_job(job_id).raw
    phases = {
        phase.key: phase
        for phase in phases_of(job, [event.raw for event in client.job_events(job_id)])
    }
    assert list(phases) == ["stage", "check", "insert"]
    assert phases["check"].seconds < 0.3
    assert all(phase.seconds > 0 for phase in phases.values())
    assert (phases["stage"].rows, phases["check"].rows, phases["insert"].rows) == (50, 50, 50)


def test_an_unknown_language_is_refused(client: Client) -> None:
    with pytest.raises(ArgumentError) as caught:
        html_report.history_report(client, language="de")
    assert caught.value.code == "PI003"


def test_a_history_of_no_job_and_of_one_is_a_page_too(client: Client, job_id: UUID) -> None:
    assert "There is no job like that." in checked(history([])).text
    page = checked(html_report.history_report(client, {"target": "people"}))
    assert "people" in page.text
    assert "1 job from" in page.text
    assert any(attrs.get("id") == f"job-{job_id}" for attrs in page.all("tr"))


def test_the_history_reads_page_by_page_and_says_where_it_was_cut(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [client.create_job("people").job_id for _ in range(7)]
    monkeypatch.setattr(_data, "_PAGE", 3)
    found = _data.read_history(client)
    assert [job["job_id"] for job in found.jobs] == made[::-1]
    assert not found.more
    cut = _data.read_history(client, limit=4)
    assert [job["job_id"] for job in cut.jobs] == made[:2:-1]
    assert cut.more
    assert not _data.read_history(client, limit=7).more
    assert len(_data.read_history(client, after=made[3]).jobs) == 3


# ----------------------------------------------------------------------------------------- command


def test_the_command_writes_reports(
    dsn: str, client: Client, job_id: UUID, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client.insert_job(job_id)
    path = tmp_path / "out.html"

    def made(*words: str) -> tuple[Page, dict[str, Any]]:
        assert run(["--dsn", dsn, *words, "--html", str(path), "--json"]) == 0
        return checked(path.read_text(encoding="utf-8")), json.loads(capsys.readouterr().out)

    page, answer = made("report", str(job_id), "--verify")
    assert answer["job_id"] == str(job_id)
    assert answer["bytes"] == path.stat().st_size
    assert "checksums are equal" in page.text
    page, _ = made("report", "last", "--language", "fr", "--time-zone", "Europe/Paris")
    assert page.all("html")[0]["lang"] == "fr"
    assert re.search(r"\bCES?T\b", page.text)
    page, answer = made("history", "--target", "people")
    assert answer["job_id"] is None
    assert "1 job from" in page.text
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.html"]


def test_the_command_says_what_goes_with_what(
    dsn: str, job_id: UUID, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    html, csv = str(tmp_path / "o.html"), str(tmp_path / "o.csv")
    for words, said in (
        ([], "where to?"),
        (["--html", html, "-o", csv], "either"),
        (["--html", html, "--issues"], "leave out"),
        (["-o", csv, "--verify"], "go with --html"),
        (["--html", html, "--time-zone", "Nowhere/At all"], "no time zone"),
        (["--html", html, "--language", "de"], "language"),
    ):
        assert run(["--dsn", dsn, "report", str(job_id), *words]) == 2, words
        assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# ----------------------------------------------------------------------------------------- browser

needs_browser = pytest.mark.skipif(find_browser() is None, reason="no Chromium here")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


# made once: each test of the browser looks at the same report
_report: list[str] = []


@pytest.fixture
def report(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if not _report:
        client: Client = request.getfixturevalue("client")
        job_id = stage(client, people(3, 900), file_name=HOSTILE, options={"actor": HOSTILE})
        client.check_job(job_id)
        client.insert_job(job_id)
        _report.append(html_report.job_report(client, job_id, verify=True, plan=True))
    path = tmp_path / "job.html"
    html_report.write_report(path, _report[0])
    return path


@pytest.fixture
def history_file(tmp_path: Path) -> Path:
    path = tmp_path / "history.html"
    html_report.write_report(path, history(jobs(300), "fr"))
    return path


@needs_browser
@pytest.mark.parametrize("dark", [False, True])
def test_a_browser_shows_reports_without_a_word_on_the_console(
    chromium: Browser, report: Path, history_file: Path, dark: bool
) -> None:
    for path in (report, history_file):
        for width in (360, 390, 768, 1280):
            chromium.open(path, width, dark=dark)
            assert chromium.said == []
            assert chromium.asked == [path.as_uri()], "nothing else is loaded"
            assert chromium.value("document.documentElement.scrollWidth") == width
            shown = chromium.value("getComputedStyle(document.body).backgroundColor")
            scheme = schemes()[dark]["paper"]
            assert shown == f"rgb({', '.join(str(int(scheme[n : n + 2], 16)) for n in (1, 3, 5))})"
        visible = chromium.value(
            "[...document.querySelectorAll('figure svg')].filter(s => s.getClientRects().length)"
            ".map(s => s.getAttribute('class')).join()"
        )
        assert set(visible.split(",")) == {"wide"}


@needs_browser
def test_what_breaks_the_policy_would_be_heard(chromium: Browser, report: Path) -> None:
    path = report.with_name("broken.html")
    text = report.read_text(encoding="utf-8")
    path.write_text(text.replace("</main>", "<script>1</script><p style='color:red'></main>"))
    chromium.open(path)
    assert chromium.said


@needs_browser
def test_letters_in_drawings_can_be_read_and_do_not_leave_them(
    chromium: Browser, report: Path, history_file: Path
) -> None:
    for path in (report, history_file):
        for width in (360, 1280):
            chromium.open(path, width)
            found = json.loads(
                chromium.value("""JSON.stringify(
                    [...document.querySelectorAll('figure svg')]
                    .filter(s => s.getClientRects().length).map(s => {
                        const box = s.getBoundingClientRect()
                        const texts = [...s.querySelectorAll('text')]
                        return {
                            size: Math.min(...texts.map(t =>
                                parseFloat(getComputedStyle(t).fontSize) * box.width
                                / s.viewBox.baseVal.width)),
                            out: texts.filter(t => {
                                const at = t.getBoundingClientRect()
                                return at.left < -1 || at.right > innerWidth + 1
                            }).length}}))""")
            )
            assert found
            for drawing in found:
                assert drawing["size"] >= 10.5, (path.name, width)
                assert drawing["out"] == 0, (path.name, width)


@needs_browser
def test_the_keyboard_reaches_everything_in_order_and_leaves_again(
    chromium: Browser, report: Path
) -> None:
    chromium.open(report, 390)
    wanted = chromium.value(
        "document.querySelectorAll('a[href], [tabindex=\"0\"], summary').length"
    )
    reached = []
    for _ in range(wanted):
        chromium.press("Tab")
        reached.append(
            chromium.value(
                "(e => e.getAttribute('href') || e.getAttribute('aria-labelledby') || e.tagName)"
                "(document.activeElement)"
            )
        )
    assert reached[0] == "#content", "the way past the contents comes first"
    assert len(set(reached)) == wanted
    outline = chromium.value("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "where one is can be seen"
    chromium.press("Tab")
    assert chromium.value("document.activeElement.tagName") in ("BODY", "A"), "no trap"
    chromium.open(report, 390)
    chromium.press("Tab")
    chromium.press("Enter")
    assert chromium.value("document.activeElement.id") == "content"


@needs_browser
def test_a_report_prints(chromium: Browser, report: Path) -> None:
    chromium.open(report, dark=True)
    made = chromium.pdf()
    assert made.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", made)) >= 2
    chromium.call("Emulation.setEmulatedMedia", media="print")
    assert chromium.value("getComputedStyle(document.body).backgroundColor") in (
        "rgb(255, 255, 255)", "rgba(0, 0, 0, 0)",
    ), "on paper it is day"  # fmt: skip
